import { layOutAxis, type AxisLayout } from './axis'
import { extentOf, type Axis, type Plot, type Scale, type Series } from './plot'

/** The axes of a plot that is so many pixels wide. */
export function limitsOf(plot: Plot, width: number): { readonly x: AxisLayout; readonly y: AxisLayout } {
  const wide = Math.max(2, Math.min(10, Math.round(width / 90)))
  switch (plot.kind) {
    case 'lines': {
      const { series, x, y } = plot
      return {
        x: layOutAxis(x, extentAcross(series, x.scale), wide),
        y: layOutAxis(y, extentUp(series, y.scale))
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

/** Points are in the order of x. */
function extentAcross(series: readonly Series[], scale: Scale): readonly [number, number] | null {
  return extentOf(
    series.flatMap(({ points }) => [points[0]?.[0] ?? NaN, points.at(-1)?.[0] ?? NaN]),
    scale
  )
}

function extentUp(series: readonly Series[], scale: Scale): readonly [number, number] | null {
  const extents = series.flatMap(({ points }) => extentOfPoints(points, scale))
  return extentOf(extents, scale)
}

/** Extents of curves that were looked at before: of many thousand points, most stay as they are many times a second. */
const known: Readonly<Record<'log' | 'linear', WeakMap<Series['points'], readonly number[]>>> = {
  log: new WeakMap(),
  linear: new WeakMap()
}

/** The least and greatest value of a curve that an axis can show, band and all; empty where there is none. */
function extentOfPoints(points: Series['points'], scale: Scale): readonly number[] {
  const extents = known[scale === 'log' ? 'log' : 'linear']
  const before = extents.get(points)
  if (before !== undefined) return before
  const floor = scale === 'log' ? Number.MIN_VALUE : -Infinity
  let low = Infinity
  let high = -Infinity
  for (const point of points) {
    const value = point[1]
    const least = point[2] ?? value
    const greatest = point[3] ?? value
    if (value < low && value >= floor) low = value
    if (least < low && least >= floor) low = least
    if (value > high && value < Infinity) high = value
    if (greatest > high && greatest < Infinity) high = greatest
  }
  const extent = low <= high && low > -Infinity ? [low, high] : []
  extents.set(points, extent)
  return extent
}

/** An axis of things that are counted from `first`. */
function placesOf(first: number, count: number, wide: number): AxisLayout {
  const axis: Axis = { title: '', scale: 'linear', format: 'number', range: [first - 0.6, first + count - 0.4] }
  const layout = layOutAxis(axis, null, wide)
  return { ...layout, ticks: layout.ticks.filter(({ at }) => Number.isInteger(at)) }
}
