import { z } from 'zod'
import { StudioError } from '../core/errors'
import { elementCount, type Checkpoint, type Tensor } from '../core/tensor'
import { decodeElements, storedSize, type StoredType } from './elements'

const storedTypes: ReadonlyMap<string, StoredType> = new Map([
  ['F64', 'float64'],
  ['F32', 'float32'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I64', 'int64'],
  ['I32', 'int32'],
  ['I16', 'int16'],
  ['I8', 'int8'],
  ['U8', 'uint8'],
  ['BOOL', 'bool']
])

/** The format's own limit for its header. */
const longestHeader = 100_000_000

const size = z.int().min(0)
const headerSchema = z.record(z.string(), z.unknown())
const metadataSchema = z.record(z.string(), z.string())
const entrySchema = z.object({ dtype: z.string(), shape: z.array(size), data_offsets: z.tuple([size, size]) })

/** Whether bytes look like a safetensors file: the length of a JSON header that fits into them. */
export function isSafetensors(bytes: Uint8Array): boolean {
  return bytes.length > 8 && headerLength(bytes) <= bytes.length - 8 && bytes[8] === '{'.charCodeAt(0)
}

function headerLength(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true))
}

/**
 * Reads a safetensors file. Every size is checked against the bytes that are there before anything is allocated.
 *
 * @param file what to call it in errors
 * @throws StudioError ('unreadable' for damaged files, 'refused' for element types that are not supported)
 */
export function readSafetensors(bytes: Uint8Array, file: string): Checkpoint {
  const damaged = (why: string): StudioError =>
    new StudioError('unreadable', `"${file}" is no sound safetensors file: ${why}.`)
  const length = bytes.length < 8 ? 0 : headerLength(bytes)
  if (bytes.length < 8) throw damaged('it is too short')
  if (length > longestHeader || length > bytes.length - 8) throw damaged(`its header claims ${length} bytes`)
  const body = bytes.subarray(8 + length)
  let header: z.infer<typeof headerSchema>
  try {
    header = headerSchema.parse(
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)))
    )
  } catch {
    throw damaged('its header is no JSON object')
  }
  const { __metadata__: metadata = {}, ...entries } = header
  const texts = metadataSchema.safeParse(metadata)
  if (!texts.success) throw damaged('its metadata are no texts')

  const tensors = new Map<string, Tensor>()
  const taken: (readonly [number, number])[] = []
  for (const [name, value] of Object.entries(entries)) {
    const entry = entrySchema.safeParse(value)
    if (!entry.success) throw damaged(`the entry "${name}" is malformed`)
    const {
      dtype,
      shape,
      data_offsets: [from, to]
    } = entry.data
    const type = storedTypes.get(dtype)
    if (type === undefined) {
      throw new StudioError(
        'refused',
        `The tensor "${name}" in "${file}" has the element type ${dtype}, which is not supported.`
      )
    }
    const needed = elementCount(shape) * storedSize[type]
    if (from > to || to > body.length) throw damaged(`the tensor "${name}" lies outside the file`)
    if (needed !== to - from)
      throw damaged(`the tensor "${name}" has a shape of ${needed} bytes but ${to - from} are stored`)
    taken.push([from, to])
    tensors.set(name, decodeElements(type, shape, body.subarray(from, to)))
  }
  taken.sort(([a], [b]) => a - b)
  if (taken.some(([from], i) => from < (taken[i - 1]?.[1] ?? 0))) throw damaged('its tensors overlap')
  return { tensors, metadata: new Map(Object.entries(texts.data)) }
}

/** The bytes of a safetensors file of numbers in float32 and bytes, in their order. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {}
): Uint8Array {
  let end = 0
  const entries = [...tensors].map(([name, { type, shape, data }]) => {
    if (type !== 'float32' && type !== 'uint8') throw new Error(`"${name}" is of the type ${type}`)
    const start = end
    end += data.byteLength
    return [name, { dtype: type === 'uint8' ? 'U8' : 'F32', shape, data_offsets: [start, end] }] as const
  })
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }))
  const bytes = new Uint8Array(8 + header.length + end)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true)
  bytes.set(header, 8)
  let offset = 8 + header.length
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset)
    offset += data.byteLength
  }
  return bytes
}
