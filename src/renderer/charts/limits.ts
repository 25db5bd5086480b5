import { layOutAxis, type AxisLayout } from './axis'
import { extentOf, type Axis, type Plot } from './plot'

/** The axes of a plot that is so many pixels wide. */
export function limitsOf(plot: Plot, width: number): { readonly x: AxisLayout; readonly y: AxisLayout } {
  const wide = Math.max(2, Math.min(10, Math.round(width / 90)))
  switch (plot.kind) {
    case 'lines': {
      const { series, x, y } = plot
      return {
        x: layOutAxis(x, extentOf(numbersOf(series, [0]), x.scale), wide),
        y: layOutAxis(y, extentOf(numbersOf(series, [1, 2, 3]), y.scale))
      }
    }
    case 'histogram': {
      const { x, y, shares, min, max } = plot
      // Room above the highest bin.
      const extent = extentOf(shares, y.scale)
      return {
        x: layOutAxis({ range: rangeOf(min, max, 0.02), ...x }, null, wide),
        y: layOutAxis({ ...y, fromZero: true }, extent === null ? null : [extent[0], extent[1] * 1.05])
      }
    }
    case 'bars': {
      const { bars, first, y } = plot
      const values = bars.flatMap(({ value }) => (value === null ? [] : [value]))
      return {
        x: placesOf(first, bars.length, wide),
        y: layOutAxis({ ...y, fromZero: true }, extentOf(values, y.scale))
      }
    }
    case 'boxes': {
      const { boxes, first, y } = plot
      const values = boxes.flatMap(({ least, greatest }) => [least, greatest])
      return { x: placesOf(first, boxes.length, wide), y: layOutAxis(y, extentOf(values, y.scale)) }
    }
  }
}

/** From min to max and a share of that more on both sides. */
export function rangeOf(min: number, max: number, share: number): readonly [number, number] {
  const more = (max > min ? max - min : Math.abs(max) || 1) * share
  return [min - more, max + more]
}

/** Some numbers of all points, one after the other. */
function* numbersOf(
  series: readonly { readonly points: readonly (readonly (number | undefined)[])[] }[],
  places: readonly number[]
): Generator<number> {
  for (const { points } of series)
    for (const point of points)
      for (const place of places) {
        const value = point[place]
        if (value !== undefined) yield value
      }
}

/** An axis of things that are counted from `first`. */
function placesOf(first: number, count: number, wide: number): AxisLayout {
  const axis: Axis = { title: '', scale: 'linear', format: 'number', range: [first - 0.6, first + count - 0.4] }
  const layout = layOutAxis(axis, null, wide)
  return { ...layout, ticks: layout.ticks.filter(({ at }) => Number.isInteger(at)) }
}
