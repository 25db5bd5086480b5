import type { Quantizer, Variant } from '../../contract/bounds'
import type { QuantizerRow } from '../../contract/events'
import { isOneSided } from '../../core/calibration/dobi'
import type { Distribution } from '../../core/calibration/histogram'
import { squaredError } from '../../core/calibration/quantization-error'
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

/** All that there is to know of a quantizer of a variant. */
export function rowOf(
  quantizer: Quantizer,
  { weights }: Pick<Variant, 'weights'>,
  distribution: Distribution
): QuantizerRow {
  const { name, kind, bits, lower, upper, channels, found = null, frozen = false } = quantizer
  const { min, max } = distribution.histogram
  const { error, sqnr, ...shares } = effectOf(distribution, quantizer, bits)
  // The histogram is of all channels together, and of the weights before they were trained.
  const isTold = channels === undefined && (weights === undefined || kind === 'activation')
  return {
    name,
    kind,
    bits,
    min,
    max,
    shape: isOneSided(distribution) ? 'one-sided' : 'two-sided',
    bounds: { lower, upper, ...shares, error: isTold ? error : null, sqnr: isTold ? sqnr : null, found, frozen }
  }
}

/** The extremes are exact, while values within a bin are taken as spread evenly: none lies below the least. */
function shareBelow(distribution: Distribution, x: number): number {
  const { min, max, count } = distribution.histogram
  if (x <= min) return 0
  return x >= max ? 1 : distribution.countBelow(x) / count
}
