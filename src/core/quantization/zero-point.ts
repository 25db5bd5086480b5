import type { Bounds } from './quantizer'

/**
 * What the zero points −l/s of a run's quantizers may be: any numbers, as in 2DQuant, or integers from 0 to 2^bits − 1 (Jacob et al.,
 * CVPR 2018), so that 0 has a code. Products of codes then have no offsets, which is what makes integer arithmetic fast.
 */
export type ZeroPoint = 'float' | 'integer'

/**
 * Bounds with a zero point as it may be. For an integer one they are moved together by half a step at most, l = −z·s and
 * u = (2^bits − 1 − z)·s; bounds that 0 is outside of reach to it before. s has 16 significant bits, so that all this is exact in float32.
 * Bounds that have an integer zero point stay as they are.
 *
 * @param levels 2^bits − 1
 */
export function withZeroPoint(bounds: Bounds, levels: number, zeroPoint: ZeroPoint): Bounds {
  if (zeroPoint === 'float') return bounds
  const { lower, upper } = reachingZero(bounds)
  const step = shortened(Math.fround((upper - lower) / levels))
  if (step === 0) return { lower: 0, upper: 0 }
  const zero = Math.round(-lower / step)
  return { lower: 0 - zero * step, upper: (levels - zero) * step }
}

/** The least bounds that hold these and 0. */
export function reachingZero({ lower, upper }: Bounds): Bounds {
  return { lower: Math.min(lower, 0), upper: Math.max(upper, 0) }
}

/** A float32 number rounded to 16 significant bits, by Veltkamp's splitting (Dekker, 1971). */
function shortened(x: number): number {
  const scaled = Math.fround(x * (2 ** 8 + 1))
  return Math.fround(scaled - Math.fround(scaled - x))
}
