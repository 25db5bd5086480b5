import type { Interval } from './plot'

export type Side = 'lower' | 'upper'

/**
 * Bounds of which one has been moved to a value: within the limits, and the lower one below the upper by at least a
 * thousandth of the limits' distance.
 */
export function movedBounds(bounds: Interval, side: Side, value: number, limits: readonly [number, number]): Interval {
  const [least, greatest] = limits
  const gap = (greatest - least) / 1000
  return side === 'lower'
    ? { ...bounds, lower: Math.max(least, Math.min(value, bounds.upper - gap)) }
    : { ...bounds, upper: Math.min(greatest, Math.max(value, bounds.lower + gap)) }
}

/** Where a key moves a bound to; null for keys that move none. An arrow is 1/200 of the range, ten times that with shift. */
export function valueAfterKey(
  key: string,
  isFast: boolean,
  value: number,
  limits: readonly [number, number]
): number | null {
  const [least, greatest] = limits
  const step = ((greatest - least) / 200) * (isFast ? 10 : 1)
  switch (key) {
    case 'ArrowLeft':
    case 'ArrowDown':
      return value - step
    case 'ArrowRight':
    case 'ArrowUp':
      return value + step
    case 'PageDown':
      return value - 10 * step
    case 'PageUp':
      return value + 10 * step
    case 'Home':
      return least
    case 'End':
      return greatest
    default:
      return null
  }
}
