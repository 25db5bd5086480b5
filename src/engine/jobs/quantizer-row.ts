import type { BitWidth, Quantizer } from '../../contract/bounds'
import type { QuantizerRow } from '../../contract/events'
import { isOneSided } from '../../core/calibration/dobi'
import type { Distribution } from '../../core/calibration/histogram'
import { squaredError } from '../../core/calibration/quantization-error'
import type { QuantizerSite } from '../../core/quantization/placement'
import type { Bounds } from '../../core/quantization/quantizer'

/** What bounds do to a tensor. */
interface Effect {
  /** Shares of the values below the lower and below the upper bound, 0 to 1. */
  readonly belowLower: number
  readonly belowUpper: number
  /** Root mean square of x − Q(x), in the tensor's unit. */
  readonly error: number
  /** Signal to quantization noise in dB; null where there is no noise, or nothing but zeros. */
  readonly sqnr: number | null
}

/** What bounds do to a tensor at certain bits, from its histogram alone. */
export function effectOf(distribution: Distribution, bounds: Bounds, bits: number): Effect {
  const { count } = distribution.histogram
  const noise = squaredError(distribution, bounds, bits)
  const signal = distribution.sumOfSquares
  return {
    belowLower: shareBelow(distribution, bounds.lower),
    belowUpper: shareBelow(distribution, bounds.upper),
    error: Math.sqrt(noise / count),
    sqnr: noise > 0 && signal > 0 ? 10 * Math.log10(signal / noise) : null
  }
}

/**
 * What there is to know of a quantizer whose bounds were found.
 *
 * @param distribution how its tensor is distributed
 * @param isTrained whether the tensor was trained since it was counted, so that its histogram tells no error
 */
export function quantizerRow(quantizer: Quantizer, distribution: Distribution, isTrained = false): QuantizerRow {
  const { lower, upper, bits, channels, found = null, frozen = false } = quantizer
  const { error, sqnr, ...shares } = effectOf(distribution, quantizer, bits)
  // The histogram is of all channels together.
  const isTold = channels === undefined && !isTrained
  return {
    ...rowWithoutBounds(quantizer, bits, distribution),
    bounds: { lower, upper, ...shares, error: isTold ? error : null, sqnr: isTold ? sqnr : null, found, frozen }
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

/** The extremes are exact, while values within a bin are taken as spread evenly: none lies below the least. */
function shareBelow(distribution: Distribution, x: number): number {
  const { min, max, count } = distribution.histogram
  if (x <= min) return 0
  return x >= max ? 1 : distribution.countBelow(x) / count
}
