import type { MessageInitShape } from '@bufbuild/protobuf'
import { TensorProto_DataLocation as DataLocation, type TensorProto, type TensorProtoSchema } from 'onnx-buf'
import { StudioError } from '../core/errors'
import { elementTypeCode, elementTypeOfCode } from '../core/graph/operators/elementwise'
import { elementCount, type ElementType, type Tensor } from '../core/tensor'
import { packCodes, unpackCodes } from '../core/quantization/codes'
import { decodeElements, storedSize, type StoredType } from './elements'

/** Bytes that a model keeps in another file: as many as are told, or all from `offset` on. */
export type ExternalData = (location: string, offset: number, length: number | null) => Uint8Array

/** Types by their ONNX number that graphs here have not, how they are stored, and what they become. */
const widenedTypes: ReadonlyMap<number, { readonly stored: StoredType; readonly becomes: ElementType }> = new Map([
  [5, { stored: 'int16', becomes: 'int32' }],
  [10, { stored: 'float16', becomes: 'float32' }],
  [11, { stored: 'float64', becomes: 'float32' }],
  [16, { stored: 'bfloat16', becomes: 'float32' }]
])

/** The element type that values of an ONNX type have in a graph, or null where there is none. */
export function widenedType(code: number): ElementType | null {
  return widenedTypes.get(code)?.becomes ?? elementTypeOfCode(code)
}

/** Bits of the element types of which a byte holds several, the first in its lowest bits. */
const narrowBits = { uint4: 4, uint2: 2 } as const

/** A tensor as ONNX stores it. */
export function tensorProto(name: string, tensor: Tensor): MessageInitShape<typeof TensorProtoSchema> {
  const { type, shape } = tensor
  return { name, dataType: elementTypeCode(type), dims: shape.map(BigInt), rawData: tensorBytes(tensor) }
}

/** The elements of a tensor as files have them. */
export function tensorBytes({ type, data }: Tensor): Uint8Array<ArrayBuffer> {
  if (type === 'uint4' || type === 'uint2') return packCodes(data, narrowBits[type])
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
}

/**
 * A stored tensor; halves and doubles become float32. What its shape claims is checked against the bytes that are there
 * before any memory is taken. Throws a StudioError naming the tensor and the file.
 */
export function readTensor(proto: TensorProto, file: string, external: ExternalData): Tensor {
  const shape = proto.dims.map(Number)
  const count = elementCount(shape)
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(count)) throw wrongSize(proto, file)
  const isOutside = proto.externalData.length > 0 || proto.dataLocation === DataLocation.EXTERNAL
  const raw = isOutside ? externalBytes(proto, file, external) : proto.rawData
  const tensor = raw.length > 0 ? rawTensor(proto, shape, raw) : listedTensor(proto, shape)
  if (tensor === undefined) {
    const what = `The constant "${proto.name}" in "${file}" has the element type ${proto.dataType}`
    throw new StudioError('refused', `${what}, which is not supported; convert the model to float32.`)
  }
  if (tensor?.data.length !== count) throw wrongSize(proto, file)
  return tensor
}

function wrongSize(proto: TensorProto, file: string): StudioError {
  const claim = `the constant "${proto.name}" claims the shape [${proto.dims.join(', ')}]`
  return new StudioError('unreadable', `"${file}" is damaged: ${claim}, which does not fit what is stored.`)
}

function externalBytes(proto: TensorProto, file: string, external: ExternalData): Uint8Array {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]))
  const [offset, length] = ['offset', 'length'].map((key) => {
    const text = entries.get(key)
    if (text !== undefined && !/^\d{1,15}$/.test(text)) throw wrongSize(proto, file)
    return text === undefined ? null : Number(text)
  })
  return external(entries.get('location') ?? '', offset ?? 0, length ?? null)
}

/** Little-endian bytes as a tensor; null where they are of another number, undefined for a type that is not known. */
function rawTensor({ dataType }: TensorProto, shape: readonly number[], raw: Uint8Array): Tensor | null | undefined {
  const widened = widenedTypes.get(dataType)
  if (widened !== undefined) {
    const fits = raw.length === elementCount(shape) * storedSize[widened.stored]
    return fits ? decodeElements(widened.stored, shape, raw) : null
  }
  const type = elementTypeOfCode(dataType)
  // Copied, because elements must begin at a multiple of their size.
  const { buffer } = new Uint8Array(raw)
  try {
    switch (type) {
      case null:
        return undefined
      case 'float32':
        return { type, shape, data: new Float32Array(buffer) }
      case 'uint8':
      case 'bool':
        return { type, shape, data: new Uint8Array(buffer) }
      case 'uint4':
      case 'uint2': {
        const data = unpackCodes(raw, narrowBits[type], elementCount(shape))
        return data === null ? null : { type, shape, data }
      }
      case 'int8':
        return { type, shape, data: new Int8Array(buffer) }
      case 'uint16':
        return { type, shape, data: new Uint16Array(buffer) }
      case 'int32':
        return { type, shape, data: new Int32Array(buffer) }
      case 'int64':
        return { type, shape, data: new BigInt64Array(buffer) }
    }
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
}

/** Elements stored one by one in the field that ONNX reserves for their type; undefined for a type that is not known. */
function listedTensor(proto: TensorProto, shape: readonly number[]): Tensor | null | undefined {
  const { dataType, int32Data, int64Data, floatData, doubleData } = proto
  const widened = widenedTypes.get(dataType)
  switch (widened?.stored) {
    case 'float64':
      return { type: 'float32', shape, data: Float32Array.from(doubleData) }
    case 'float16':
    case 'bfloat16': {
      // Their bits as whole numbers.
      const bits = Uint16Array.from(int32Data)
      return bits.length === elementCount(shape)
        ? decodeElements(widened.stored, shape, new Uint8Array(bits.buffer))
        : null
    }
    default:
  }
  const type = widenedType(dataType)
  switch (type) {
    case null:
      return undefined
    case 'float32':
      return { type, shape, data: Float32Array.from(floatData) }
    case 'int64':
      return { type, shape, data: BigInt64Array.from(int64Data) }
    case 'int32':
      return { type, shape, data: Int32Array.from(int32Data) }
    case 'uint8':
    case 'bool':
      return { type, shape, data: Uint8Array.from(int32Data) }
    case 'uint4':
    case 'uint2': {
      const data = unpackCodes(Uint8Array.from(int32Data), narrowBits[type], elementCount(shape))
      return data === null ? null : { type, shape, data }
    }
    case 'int8':
      return { type, shape, data: Int8Array.from(int32Data) }
    case 'uint16':
      return { type, shape, data: Uint16Array.from(int32Data) }
  }
}
