/** How values lie on an axis: evenly, by their logarithm, or by their square root, which lets tails be seen and keeps zero. */
export type Scale = 'linear' | 'log' | 'root'

export interface Axis {
  /** What is shown, with its unit. */
  readonly title: string
  readonly scale: Scale
  /** Shares are told in percent. */
  readonly format: 'number' | 'percent'
  /** Whether zero belongs to the axis; a logarithmic one has none. */
  readonly fromZero?: boolean
  /** Where the axis begins and ends; without it, where the data do, rounded outward. */
  readonly range?: readonly [number, number]
}

/** A point of a curve; where it stands for several values, the least and the greatest of them as well. */
export type PlotPoint = readonly [x: number, y: number, least?: number, greatest?: number]

export interface Series {
  readonly name: string
  readonly points: readonly PlotPoint[]
}

/** A place on the x axis that is marked. */
export interface Mark {
  readonly at: number
  readonly label: string
}

export interface LinePlot {
  readonly kind: 'lines'
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  readonly marks: readonly Mark[]
}

export interface Interval {
  readonly lower: number
  readonly upper: number
}

export interface HistogramPlot {
  readonly kind: 'histogram'
  readonly title: string
  readonly x: Axis
  readonly y: Axis
  readonly min: number
  readonly max: number
  /** Shares of all values in bins of equal width from min to max. */
  readonly shares: readonly number[]
  /** What a quantizer of so many bits keeps; null where there is none. */
  readonly bounds: (Interval & { readonly bits: number }) | null
  /** Bounds that had been found before. */
  readonly found: Interval | null
}

/** Which of a plot's groups something belongs to. */
export type Group = 0 | 1

export interface Bar {
  readonly name: string
  readonly group: Group
  /** Null where it is not known. */
  readonly value: number | null
}

export interface BarPlot {
  readonly kind: 'bars'
  readonly title: string
  readonly xTitle: string
  readonly y: Axis
  readonly groups: readonly [string, string]
  /** The place of the first bar among all, from 1: bars may be a page of many. */
  readonly first: number
  readonly bars: readonly Bar[]
}

export interface Box {
  readonly name: string
  readonly group: Group
  readonly least: number
  /** Values below which 1 %, 25 %, 50 %, 75 % and 99 % of all values lie. */
  readonly quantiles: readonly [number, number, number, number, number]
  readonly greatest: number
}

export interface BoxPlot {
  readonly kind: 'boxes'
  readonly title: string
  readonly xTitle: string
  readonly y: Axis
  readonly groups: readonly [string, string]
  readonly first: number
  readonly boxes: readonly Box[]
}

/** All that a chart shows: it is drawn, listed as a table, and written as CSV and SVG from this. */
export type Plot = LinePlot | HistogramPlot | BarPlot | BoxPlot

/** The least and greatest of the numbers that an axis can show; null without any. */
export function extentOf(values: Iterable<number>, scale: Scale): readonly [number, number] | null {
  let least = Infinity
  let greatest = -Infinity
  for (const value of values) {
    if (!Number.isFinite(value) || (scale === 'log' && value <= 0)) continue
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  return least > greatest ? null : [least, greatest]
}

/** Shares of the values that bounds clip, below and above; within a bin, values are taken to lie evenly. */
export function clippedShares(
  { min, max, shares }: Pick<HistogramPlot, 'min' | 'max' | 'shares'>,
  { lower, upper }: Interval
): { readonly below: number; readonly above: number } {
  const width = (max - min) / shares.length
  const below = (x: number): number =>
    shares.reduce((sum, share, i) => sum + share * Math.min(1, Math.max(0, (x - min) / width - i)), 0)
  const total = shares.reduce((sum, share) => sum + share, 0)
  if (!(width > 0)) return { below: min < lower ? total : 0, above: max > upper ? total : 0 }
  return { below: below(lower), above: Math.max(0, total - below(upper)) }
}

/** The values of a quantizer of so many bits between its bounds. */
export function levelsOf({ lower, upper, bits }: NonNullable<HistogramPlot['bounds']>): readonly number[] {
  const steps = 2 ** bits - 1
  return Array.from({ length: steps + 1 }, (_, i) => lower + (i * (upper - lower)) / steps)
}
