import type { Bounds } from '../quantization/quantizer'
import { levelsOf } from '../quantization/quantizer'
import type { Distribution } from './histogram'

/**
 * The sum of squared errors Σ (x − Q(x))² of a quantizer over a distribution, from its histogram alone.
 *
 * With all values that share a code r known by their number N and sum S, Σ (x − q)² = Σ x² − 2 q S + q² N, where
 * q = s·r + l; so each candidate costs as many look-ups as there are levels, however many values there are.
 */
export function squaredError(distribution: Distribution, { lower, upper }: Bounds, bits: number): number {
  const levels = levelsOf(bits)
  const step = (upper - lower) / levels
  let error = distribution.sumOfSquares
  let countBefore = 0
  let sumBefore = 0
  for (let code = 0; code <= levels; code++) {
    const end = code === levels ? Infinity : lower + (code + 0.5) * step
    const count = distribution.countBelow(end)
    const sum = distribution.sumBelow(end)
    const value = lower + code * step
    error += value * (value * (count - countBefore) - 2 * (sum - sumBefore))
    countBefore = count
    sumBefore = sum
  }
  return Math.max(0, error)
}
