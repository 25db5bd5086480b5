import type { TensorOf } from '../tensor'
import { codeOf, levelsOf, stepOf, type Bounds } from './quantizer'

/** How a tensor is quantized: bounds for all of it, or for each of its channels along an axis. */
export interface QuantizedBy extends Bounds {
  readonly bits: number
  readonly channels?: readonly Bounds[] | undefined
}

/** A weight as what is stored of it: Q = step · code + lower, each channel with numbers of its own where there are several. */
export interface Codes {
  /** From 0 to 2^bits − 1, one byte each, in the order of the tensor. */
  readonly codes: Uint8Array
  readonly shape: readonly number[]
  readonly bits: number
  /** [1], or [channels]. */
  readonly steps: Float32Array
  readonly lowers: Float32Array
}

/**
 * The codes of a weight (equation 1 of the paper, in float32 as `quantizer.ts` has it).
 *
 * @param axis of the channels, where these have bounds of their own
 */
export function codesOf(weight: TensorOf<'float32'>, quantizer: QuantizedBy, axis: number | null): Codes {
  const { data, shape } = weight
  const { bits } = quantizer
  const bounds = (quantizer.channels ?? [quantizer]).map(inFloat32)
  // Elements of one channel that stand side by side.
  const run = axis === null ? data.length : shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  return {
    codes: Uint8Array.from(data, (value, i) => {
      return codeOf(value, bounds[Math.floor(i / run) % bounds.length] ?? quantizer, bits)
    }),
    shape,
    bits,
    steps: Float32Array.from(bounds, (each) => stepOf(each, bits)),
    lowers: Float32Array.from(bounds, ({ lower }) => lower)
  }
}

function inFloat32({ lower, upper }: Bounds): Bounds {
  return { lower: Math.fround(lower), upper: Math.fround(upper) }
}

/** Codes a byte holds several of, the first in its lowest bits, as ONNX packs UINT4 and UINT2. */
export function packCodes(codes: ArrayLike<number>, bits: 2 | 4): Uint8Array<ArrayBuffer> {
  const perByte = 8 / bits
  const packed = new Uint8Array(Math.ceil(codes.length / perByte))
  for (let i = 0; i < codes.length; i++) {
    const at = Math.floor(i / perByte)
    packed[at] = (packed[at] ?? 0) | ((codes[i] ?? 0) << (bits * (i % perByte)))
  }
  return packed
}

/** The codes that bytes hold; null where these are not as many bytes as needed. */
export function unpackCodes(packed: Uint8Array, bits: 2 | 4, count: number): Uint8Array<ArrayBuffer> | null {
  const perByte = 8 / bits
  if (packed.length !== Math.ceil(count / perByte)) return null
  const mask = levelsOf(bits)
  return Uint8Array.from({ length: count }, (_, i) => {
    return ((packed[Math.floor(i / perByte)] ?? 0) >> (bits * (i % perByte))) & mask
  })
}
