/**
 * The quantizer of 2DQuant (paper, equation 1; section 1 of the method notes): uniform, affine, two free bounds.
 *
 *     c = min(max(x, l), u),  s = (u − l) / (2^bits − 1),  r = round((c − l) / s),  Q(x) = s·r + l
 *
 * with round half to even and every step in float32, as the authors' code computes it. r is the code, 0 to 2^bits − 1.
 */
export interface Bounds {
  readonly lower: number
  readonly upper: number
}

/** Number of steps between the bounds: 2^bits − 1. */
export function levelsOf(bits: number): number {
  return 2 ** bits - 1
}

/** Distance of two neighbouring quantized values, float32. */
export function stepOf({ lower, upper }: Bounds, bits: number): number {
  return Math.fround(Math.fround(upper - lower) / levelsOf(bits))
}

/** The nearest integer; of two equally near ones the even one, as torch.round and IEEE 754 do. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x)
  const fraction = x - floor
  if (fraction < 0.5) return floor
  if (fraction > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** The code of x, an integer from 0 to 2^bits − 1. */
export function codeOf(x: number, bounds: Bounds, bits: number): number {
  const clipped = Math.min(Math.max(x, bounds.lower), bounds.upper)
  return roundHalfEven(Math.fround(Math.fround(clipped - bounds.lower) / stepOf(bounds, bits)))
}

/** Q(x) for a float32 number x and float32 bounds. */
export function quantize(x: number, bounds: Bounds, bits: number): number {
  return Math.fround(Math.fround(codeOf(x, bounds, bits) * stepOf(bounds, bits)) + bounds.lower)
}

/** Gradients of a scalar loss with respect to what a quantizer is made of. */
export interface QuantizerGradients {
  readonly x: Float32Array
  readonly lower: number
  readonly upper: number
}

/**
 * Straight-through gradients (paper, appendix C): rounding passes gradients on unchanged, clipping passes them to x
 * within the bounds and to the bound outside. A value that equals a bound counts for both, as in the authors' code.
 *
 *     ∂Q/∂u = [x ≥ u] + r/(2^bits − 1) − (c − l)/(u − l)
 *     ∂Q/∂l = [x ≤ l] − r/(2^bits − 1) + (c − l)/(u − l)
 *     ∂Q/∂x = [l ≤ x ≤ u]
 *
 * @param upstream gradient with respect to Q(x), as many elements as x
 */
export function quantizerGradients(
  x: Float32Array,
  upstream: Float32Array,
  bounds: Bounds,
  bits: number
): QuantizerGradients {
  const { lower, upper } = bounds
  const gradient = new Float32Array(x.length)
  let toLower = 0
  let toUpper = 0
  for (const [i, value] of x.entries()) {
    const g = upstream[i] ?? 0
    const clipped = Math.min(Math.max(value, lower), upper)
    const residual = codeOf(value, bounds, bits) / levelsOf(bits) - (clipped - lower) / (upper - lower)
    if (value >= lower && value <= upper) gradient[i] = g
    if (value >= upper) toUpper += g
    if (value <= lower) toLower += g
    toUpper += g * residual
    toLower -= g * residual
  }
  return { x: gradient, lower: toLower, upper: toUpper }
}
