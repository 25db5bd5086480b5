import { assertNever } from '../errors'
import { levelsOf, type Bounds } from '../quantization/quantizer'
import { withZeroPoint, type ZeroPoint } from '../quantization/zero-point'
import type { Distribution } from './histogram'
import { squaredError } from './quantization-error'

/** How bounds are searched. `by-shape` decides between the first two by the distribution. */
export const searchStrategies = ['by-shape', 'two-sided', 'one-sided', 'joint'] as const
export type SearchStrategy = (typeof searchStrategies)[number]

/** Bounds found for one quantizer. */
export interface FoundBounds extends Bounds {
  /** The strategy that was really taken. */
  readonly search: Exclude<SearchStrategy, 'by-shape'>
  /** L2 norm of x − Q(x) over all values, as the authors' code reports it. */
  readonly error: number
}

/**
 * Stage 1 of 2DQuant, distribution-oriented bound initialization (paper, section 3.2 and algorithm 1; section 2 of the
 * method notes): the bounds that minimise ‖x − Q(x)‖₂ among `steps` candidates.
 *
 * - `two-sided`: both bounds move inward together, lᵢ = min + i·R/(2K), uᵢ = max − i·R/(2K);
 * - `one-sided`: the lower bound stays at the minimum, uᵢ = max − i·R/K (as the released code steps);
 * - `by-shape`: one of these, by `isOneSided`;
 * - `joint`: both bounds move on their own, each over R/(2K)-steps; found by alternating searches from several starts.
 *
 * Among equal errors the widest bounds win. Where zero points are to be integers, every candidate is moved so that its own is one.
 */
export function searchBounds(
  distribution: Distribution,
  bits: number,
  strategy: SearchStrategy = 'by-shape',
  steps = 100,
  zeroPoint: ZeroPoint = 'float'
): FoundBounds {
  switch (strategy) {
    case 'by-shape':
      return alongLine(distribution, bits, isOneSided(distribution) ? 'one-sided' : 'two-sided', steps, zeroPoint)
    case 'two-sided':
    case 'one-sided':
      return alongLine(distribution, bits, strategy, steps, zeroPoint)
    case 'joint':
      return jointly(distribution, bits, steps, zeroPoint)
    default:
      return assertNever(strategy)
  }
}

/**
 * Whether a distribution is one-sided, as behind softmax, GELU and ReLU: most of its values crowd at its lower end. The
 * rule: the median lies in the lowest fifth of the range. A bell shape has its median near the middle, and stays out of
 * the lowest fifth as long as its upper tail is less than four times as long as its lower one. GELU's minimum is −0.17,
 * so its median (about 0) is in the lowest fifth wherever values reach 0.7.
 */
export function isOneSided(distribution: Distribution): boolean {
  return medianPosition(distribution) < 0.2
}

/** Where the median lies within the range, 0 (minimum) to 1 (maximum); 0.5 for a constant tensor. */
export function medianPosition(distribution: Distribution): number {
  const { min, max } = distribution.histogram
  return max <= min ? 0.5 : (distribution.quantile(0.5) - min) / (max - min)
}

function alongLine(
  distribution: Distribution,
  bits: number,
  search: 'two-sided' | 'one-sided',
  steps: number,
  zeroPoint: ZeroPoint
): FoundBounds {
  let best: FoundBounds | null = null
  for (const candidate of candidatesAlong(distribution, bits, search, steps, zeroPoint)) {
    if (best === null || candidate.error < best.error) best = candidate
  }
  const { min, max } = distribution.histogram
  return best ?? { lower: min, upper: max, search, error: 0 }
}

/** The candidates of a search along a line with their errors, from the widest bounds inward. */
export function* candidatesAlong(
  distribution: Distribution,
  bits: number,
  search: 'two-sided' | 'one-sided',
  steps: number,
  zeroPoint: ZeroPoint
): Iterable<FoundBounds> {
  const { min, max } = distribution.histogram
  const range = max - min
  for (let i = 0; i < steps; i++) {
    const lower = search === 'one-sided' ? min : min + (i * range) / (2 * steps)
    const upper = search === 'one-sided' ? max - (i * range) / steps : max - (i * range) / (2 * steps)
    const bounds = withZeroPoint({ lower, upper }, levelsOf(bits), zeroPoint)
    yield { ...bounds, search, error: Math.sqrt(squaredError(distribution, bounds, bits)) }
  }
}

/** Positions of both bounds on the grid of R/(2K), searched in turn until neither moves. */
function jointly(distribution: Distribution, bits: number, steps: number, zeroPoint: ZeroPoint): FoundBounds {
  const { min, max } = distribution.histogram
  const stride = (max - min) / (2 * steps)
  const at = (low: number, high: number): FoundBounds => {
    const free = { lower: min + low * stride, upper: max - high * stride }
    const bounds = withZeroPoint(free, levelsOf(bits), zeroPoint)
    return { ...bounds, search: 'joint', error: Math.sqrt(squaredError(distribution, bounds, bits)) }
  }
  const starts = (['two-sided', 'one-sided'] as const).map((search) => {
    return alongLine(distribution, bits, search, steps, 'float')
  })
  let best = at(0, 0)
  if (stride === 0) return best
  for (const start of starts) {
    let low = Math.round((start.lower - min) / stride)
    let high = Math.round((max - start.upper) / stride)
    let current = at(low, high)
    for (let moved = true; moved;) {
      moved = false
      for (let i = 0; i + high < 2 * steps; i++) {
        const candidate = at(i, high)
        if (candidate.error < current.error) [current, low, moved] = [candidate, i, true]
      }
      for (let i = 0; i + low < 2 * steps; i++) {
        const candidate = at(low, i)
        if (candidate.error < current.error) [current, high, moved] = [candidate, i, true]
      }
    }
    if (current.error < best.error) best = current
  }
  return best
}
