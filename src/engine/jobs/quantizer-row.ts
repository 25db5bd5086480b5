import type { BitWidth, Quantizer } from '../../contract/bounds'
import type { QuantizerRow } from '../../contract/events'
import { isOneSided } from '../../core/calibration/dobi'
import type { Distribution } from '../../core/calibration/histogram'
import { squaredError } from '../../core/calibration/quantization-error'
import type { QuantizerSite } from '../../core/quantization/placement'

/**
 * What there is to know of a quantizer whose bounds were found.
 *
 * @param distribution how its tensor is distributed
 * @param isTrained whether the tensor was trained since it was counted, so that its histogram tells no error
 */
export function quantizerRow(quantizer: Quantizer, distribution: Distribution, isTrained = false): QuantizerRow {
  const { lower, upper, bits, channels, found = null, frozen = false } = quantizer
  // The histogram is of all channels together.
  const isTold = channels === undefined && !isTrained
  const squares = isTold ? squaredError(distribution, { lower, upper }, bits) : null
  return {
    ...rowWithoutBounds(quantizer, bits, distribution),
    bounds: {
      lower,
      upper,
      belowLower: shareBelow(distribution, lower),
      belowUpper: shareBelow(distribution, upper),
      error: squares === null ? null : Math.sqrt(squares / distribution.histogram.count),
      sqnr: squares === null ? null : decibels(distribution.sumOfSquares, squares),
      found,
      frozen
    }
  }
}

/** What there is to know of a quantizer before its bounds are found. */
export function rowWithoutBounds(
  { name, kind }: Pick<QuantizerSite, 'name' | 'kind'>,
  bits: BitWidth,
  distribution: Distribution
): QuantizerRow {
  const { min, max } = distribution.histogram
  return { name, kind, bits, min, max, shape: isOneSided(distribution) ? 'one-sided' : 'two-sided', bounds: null }
}

/** The share of the values below x, 0 to 1. At the extremes it is exact: bins reach beyond them. */
function shareBelow(distribution: Distribution, x: number): number {
  const { min, max, count } = distribution.histogram
  if (x <= min) return 0
  return x >= max ? 1 : distribution.countBelow(x) / count
}

/** 10·log₁₀ of signal over noise; null where that is no number. */
function decibels(signal: number, noise: number): number | null {
  const ratio = 10 * Math.log10(signal / noise)
  return Number.isFinite(ratio) ? ratio : null
}
