import type { Axis } from './plot'

export interface Tick {
  /** As projected. */
  readonly at: number
  readonly label: string
}

/** An axis with its beginning, end and ticks. On it, a value lies where it is projected to: charts are linear in that. */
export interface AxisLayout {
  readonly least: number
  readonly greatest: number
  readonly ticks: readonly Tick[]
  /** Where a value lies; NaN where the axis cannot show it. */
  readonly project: (value: number) => number
}

/** What is smaller is zero: of it, powers of ten cannot be told. */
const tiniest = 1e-290

/** The numbers 1, 2 and 5 times a power of ten are the steps of an axis. */
export function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  const rest = step / power
  return (rest <= 1.0001 ? 1 : rest <= 2.0001 ? 2 : rest <= 5.0001 ? 5 : 10) * power
}

/**
 * Lays out an axis for values from least to greatest. Its ends are rounded outward to ticks, so that they stay where they are
 * while values come in, unless the axis has a range of its own.
 *
 * @param count about how many ticks there are to be
 */
export function layOutAxis(axis: Axis, extent: readonly [number, number] | null, count = 5): AxisLayout {
  const [least, greatest] = axis.range ?? extent ?? (axis.scale === 'log' ? [0.1, 1] : [0, 1])
  switch (axis.scale) {
    case 'linear':
      return linear(axis, least, greatest, count)
    case 'log':
      return logarithmic(axis, least, greatest, count)
    case 'root':
      return root(axis, greatest, count)
  }
}

function linear(axis: Axis, from: number, to: number, count: number): AxisLayout {
  const [low, high] = axis.fromZero === true ? [Math.min(0, from), Math.max(0, to)] : [from, to]
  // Values that are all the same need room around them.
  const isOne = !(high - low > Math.max(tiniest, 1e-9 * Math.max(Math.abs(low), Math.abs(high))))
  const pad = !isOne ? 0 : Math.abs(high) > tiniest ? Math.abs(high) * 0.1 : 0.5
  const [least, greatest] = [low - pad, high + pad]
  const step = niceStep((greatest - least) / count)
  const isFixed = axis.range !== undefined
  const first = isFixed ? Math.ceil(least / step - 1e-9) : Math.floor(least / step + 1e-9)
  const last = isFixed ? Math.floor(greatest / step + 1e-9) : Math.ceil(greatest / step - 1e-9)
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => {
    const at = (first + i) * step
    return { at, label: label(axis, at, step) }
  })
  return {
    least: isFixed ? least : first * step,
    greatest: isFixed ? greatest : last * step,
    ticks,
    project: (value) => value
  }
}

function logarithmic(axis: Axis, from: number, to: number, count: number): AxisLayout {
  const least = from > tiniest ? from : to > 1000 * tiniest ? to / 1000 : 0.1
  const greatest = Math.max(to, least * 1.0001)
  const steps = [1, 2, 5]
  const isNarrow = Math.log10(greatest / least) < 1.5
  const floor = Math.floor(Math.log10(least) + 1e-9)
  const ceiling = Math.ceil(Math.log10(greatest) - 1e-9)
  const candidates = Array.from({ length: ceiling - floor + 1 }, (_, i) => floor + i).flatMap((power) =>
    (isNarrow ? steps : [1]).map((factor) => factor * 10 ** power)
  )
  const begin = candidates.findLast((value) => value <= least * 1.0000001) ?? 10 ** floor
  const end = candidates.find((value) => value >= greatest * 0.9999999) ?? 10 ** ceiling
  const inside = candidates.filter((value) => value >= begin && value <= end)
  const every = Math.max(1, Math.ceil((inside.length - 1) / (count + 2)))
  return {
    least: Math.log10(begin),
    greatest: Math.log10(end),
    ticks: inside
      .filter((_, i) => i % every === 0)
      .map((value) => ({ at: Math.log10(value), label: label(axis, value, value) })),
    project: (value) => (value > 0 ? Math.log10(value) : NaN)
  }
}

function root(axis: Axis, to: number, count: number): AxisLayout {
  const greatest = to > tiniest ? to : 1
  // Places that are even on the axis, rounded down to 1, 2 or 5 times a power of ten.
  const values = Array.from({ length: count }, (_, i) => {
    const value = ((i + 1) / count) ** 2 * greatest
    const power = 10 ** Math.floor(Math.log10(value) + 1e-9)
    const factor = value / power + 1e-9
    return (factor >= 5 ? 5 : factor >= 2 ? 2 : 1) * power
  })
  return {
    least: 0,
    greatest: Math.sqrt(greatest),
    ticks: [0, ...new Set(values)].map((value) => ({ at: Math.sqrt(value), label: label(axis, value, value || 1) })),
    project: (value) => (value >= 0 ? Math.sqrt(value) : NaN)
  }
}

/** A number on an axis whose ticks are so far apart. */
function label({ format }: Axis, value: number, step: number): string {
  const isPercent = format === 'percent'
  const shown = isPercent ? value * 100 : value
  const by = Math.abs(isPercent ? step * 100 : step)
  const sign = isPercent ? '%' : ''
  if (Math.abs(shown) < by * 1e-6) return `0${sign}`
  const text =
    Math.abs(shown) >= 1e6 || by < 1e-4
      ? shown.toExponential(2).replace(/\.?0+e/, 'e')
      : shown.toFixed(Math.min(6, Math.max(0, -Math.floor(Math.log10(by) + 1e-9))))
  return `${text.replace('-', '−')}${sign}`
}

/** A value as read-outs and tables show it: four digits, percent where the axis is in percent. */
export function valueText({ format }: Pick<Axis, 'format'>, value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (format === 'percent') return `${short(value * 100)}%`
  return short(value)
}

function short(value: number): string {
  const size = Math.abs(value)
  if (value === 0) return '0'
  if (Number.isInteger(value) && size < 1e7) return String(value).replace('-', '−')
  const text = size >= 1e7 || size < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(4)))
  return text.replaceAll('-', '−')
}
