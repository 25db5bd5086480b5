/** Element types that tensors of a graph may have. Names follow ONNX; half precision is widened to float32 on reading. */
export type ElementType = 'float32' | 'uint8' | 'int8' | 'uint16' | 'int32' | 'int64' | 'bool' | 'uint4' | 'uint2'

/** How the elements of each type are held in memory; booleans are bytes 0 and 1, and numbers of less than 8 bits have a byte each. */
interface ElementArrays {
  readonly float32: Float32Array
  readonly uint8: Uint8Array
  readonly int8: Int8Array
  readonly uint16: Uint16Array
  readonly int32: Int32Array
  readonly int64: BigInt64Array
  readonly bool: Uint8Array
  readonly uint4: Uint8Array
  readonly uint2: Uint8Array
}

/** A dense tensor in row-major order. A scalar has shape []. Its data is never changed after it was made. */
export interface TensorOf<T extends ElementType> {
  readonly type: T
  readonly shape: readonly number[]
  readonly data: ElementArrays[T]
}

/** A dense tensor of any element type; `type` tells which. */
export type Tensor = { readonly [T in ElementType]: TensorOf<T> }[ElementType]

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1
  for (const size of shape) count *= size
  return count
}

/** A float32 tensor over `data` (not copied). Throws if the shape does not hold as many elements. */
export function floatTensor(data: Float32Array | readonly number[], shape: readonly number[]): TensorOf<'float32'> {
  const values = data instanceof Float32Array ? data : Float32Array.from(data)
  if (values.length !== elementCount(shape)) {
    throw new Error(`A tensor of shape [${shape.join(', ')}] needs ${elementCount(shape)} values, got ${values.length}`)
  }
  return { type: 'float32', shape, data: values }
}

/** An int64 tensor of shape [values.length]; the form in which ONNX wants shapes, axes and indices. */
export function indexTensor(values: readonly number[]): TensorOf<'int64'> {
  return { type: 'int64', shape: [values.length], data: BigInt64Array.from(values, (value) => BigInt(value)) }
}

/** What a checkpoint file holds: named tensors and, where the format has them, free-form text entries. */
export interface Checkpoint {
  readonly tensors: ReadonlyMap<string, Tensor>
  readonly metadata: ReadonlyMap<string, string>
}
