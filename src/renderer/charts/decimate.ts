import type { PlotPoint } from './plot'

/** A place on a chart. Charts keep them and write over them, as they are drawn many times a second. */
export interface Place {
  x: number
  y: number
}

/**
 * Writes the points of a curve into `places`, at most two for each of so many columns of equal width: the lowest and the
 * highest there, in the order in which they come. What is left out could not be seen. A point without a place on the
 * axis (NaN) is left out as well.
 *
 * @param points in the order of x
 */
export function decimate(
  places: Place[],
  points: readonly PlotPoint[],
  columns: number,
  project: (y: number) => number
): void {
  let length = 0
  const put = (x: number, y: number): void => {
    const place = places[length]
    if (place === undefined) places[length] = { x, y }
    else {
      place.x = x
      place.y = y
    }
    length++
  }
  const first = points[0]?.[0] ?? 0
  const width = ((points.at(-1)?.[0] ?? 0) - first) / columns
  if (points.length <= 2 * columns || !(width > 0)) {
    for (const [x, value] of points) {
      const y = project(value)
      if (!Number.isNaN(y)) put(x, y)
    }
  } else {
    let column = -1
    let lowX = 0
    let low = NaN
    let highX = 0
    let high = NaN
    const flush = (): void => {
      if (Number.isNaN(low)) return
      if (lowX === highX) put(lowX, low)
      else if (lowX < highX) {
        put(lowX, low)
        put(highX, high)
      } else {
        put(highX, high)
        put(lowX, low)
      }
    }
    for (const [x, value] of points) {
      const y = project(value)
      if (Number.isNaN(y)) continue
      const at = Math.min(columns - 1, Math.floor((x - first) / width))
      if (at !== column) {
        flush()
        column = at
        low = NaN
      }
      if (Number.isNaN(low)) {
        lowX = highX = x
        low = high = y
      } else if (y < low) {
        lowX = x
        low = y
      } else if (y > high) {
        highX = x
        high = y
      }
    }
    flush()
  }
  places.length = length
}

/** Between which values a curve lies at a place. */
export interface Span {
  readonly x: number
  readonly least: number
  readonly greatest: number
}

/** The band of a curve whose points stand for several values, in at most so many columns; empty where none does. */
export function decimateBand(
  points: readonly PlotPoint[],
  columns: number,
  project: (y: number) => number
): readonly Span[] {
  const spans: { x: number; least: number; greatest: number }[] = []
  const first = points[0]?.[0] ?? 0
  const width = ((points.at(-1)?.[0] ?? 0) - first) / columns
  const isDense = points.length > columns && width > 0
  let column = -1
  for (const [x, , lowest, highest] of points) {
    if (lowest === undefined || highest === undefined) continue
    const least = project(lowest)
    const greatest = project(highest)
    if (Number.isNaN(least) || Number.isNaN(greatest)) continue
    const at = isDense ? Math.min(columns - 1, Math.floor((x - first) / width)) : column + 1
    const last = spans.at(-1)
    if (at === column && last !== undefined) {
      if (least < last.least) last.least = least
      if (greatest > last.greatest) last.greatest = greatest
    } else spans.push({ x, least, greatest })
    column = at
  }
  return spans.some(({ least, greatest }) => greatest > least) ? spans : []
}
