import { elementCount, type Tensor } from '../core/tensor'

/** How numbers are stored in checkpoints. */
export type StoredType =
  'float64' | 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool'

export const storedSize: Readonly<Record<StoredType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1
}

/**
 * Numbers as they stand in a file as a tensor. Halves and doubles become float32, int16 becomes int32.
 *
 * @param bytes exactly as many as the shape needs; copied
 */
export function decodeElements(
  type: StoredType,
  shape: readonly number[],
  bytes: Uint8Array,
  littleEndian = true
): Tensor {
  const count = elementCount(shape)
  // Not `slice()`: that of Node's buffers copies nothing, and their memory does not begin at the first element.
  const ordered = littleEndian ? new Uint8Array(bytes) : swapBytes(bytes, storedSize[type])
  const { buffer } = ordered
  switch (type) {
    case 'float32':
      return { type: 'float32', shape, data: new Float32Array(buffer, 0, count) }
    case 'float64':
      return { type: 'float32', shape, data: Float32Array.from(new Float64Array(buffer, 0, count)) }
    case 'float16':
      return { type: 'float32', shape, data: Float32Array.from(new Uint16Array(buffer, 0, count), halfToNumber) }
    case 'bfloat16': {
      const bits = Uint32Array.from(new Uint16Array(buffer, 0, count), (half) => half << 16)
      return { type: 'float32', shape, data: new Float32Array(bits.buffer) }
    }
    case 'int64':
      return { type: 'int64', shape, data: new BigInt64Array(buffer, 0, count) }
    case 'int32':
      return { type: 'int32', shape, data: new Int32Array(buffer, 0, count) }
    case 'int16':
      return { type: 'int32', shape, data: Int32Array.from(new Int16Array(buffer, 0, count)) }
    case 'int8':
      return { type: 'int8', shape, data: new Int8Array(buffer, 0, count) }
    case 'uint8':
    case 'bool':
      return { type, shape, data: new Uint8Array(buffer, 0, count) }
  }
}

/** IEEE 754 half precision: 1 sign, 5 exponent, 10 fraction bits. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

function swapBytes(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const swapped = new Uint8Array(bytes.length)
  for (let start = 0; start < bytes.length; start += size) {
    for (let i = 0; i < size; i++) swapped[start + i] = bytes[start + size - 1 - i] ?? 0
  }
  return swapped
}
