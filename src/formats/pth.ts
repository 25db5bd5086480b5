import { unzipSync } from 'fflate'
import { StudioError } from '../core/errors'
import { elementCount, type Checkpoint, type Tensor } from '../core/tensor'
import { decodeElements, storedSize, type StoredType } from './elements'
import { PickleFunction, unpickle, type PickleResolvers, type UnpickledValue } from './pickle'

/** Classes that name the element type of a storage. */
const storageTypes: ReadonlyMap<string, StoredType> = new Map([
  ['DoubleStorage', 'float64'],
  ['FloatStorage', 'float32'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool']
])

/** Numbers somewhere in the file; tensors are views of them. */
class Storage {
  readonly type: StoredType
  readonly key: string
  readonly count: number

  constructor(type: StoredType, key: string, count: number) {
    this.type = type
    this.key = key
    this.count = count
  }
}

/** A tensor as the pickle describes it. */
class StoredTensor {
  readonly storage: Storage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]

  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage
    this.offset = offset
    this.shape = shape
    this.strides = strides
  }
}

/** Marks an object that is of no interest but harmless. */
const ignored = Symbol('ignored')

/** Longest list of entries and deepest nesting a checkpoint may have; both far above any real one. */
const mostEntries = 1_000_000
const deepestNesting = 64

/** Zip files as torch writes them store their entries as they are; what claims to shrink more than this is a bomb. */
const highestCompression = 20

const legacyMagic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]

/** Whether bytes begin as a zip archive, torch's format since 1.6. */
export function isZip(bytes: Uint8Array): boolean {
  return [0x50, 0x4b, 0x03, 0x04].every((byte, i) => bytes[i] === byte)
}

/** Whether bytes begin with torch's old magic number, a pickle of its own. */
export function isLegacyPth(bytes: Uint8Array): boolean {
  return legacyMagic.every((byte, i) => bytes[i] === byte)
}

/**
 * Reads a checkpoint in torch's zip format. The pickle in it is taken apart by an interpreter that knows tensors, dicts,
 * lists and plain values; any other name in it is refused, and nothing is ever executed.
 *
 * @param file what to call it in errors
 * @throws StudioError ('unreadable' for damaged files, 'refused' for content beyond the allow-list)
 */
export function readZipPth(bytes: Uint8Array, file: string): Checkpoint {
  const entries = unzip(bytes, file)
  const [pickleName] = [...entries.keys()].filter((name) => name.endsWith('/data.pkl') || name === 'data.pkl')
  const pickle = entries.get(pickleName ?? '')
  if (pickleName === undefined || pickle === undefined) {
    throw new StudioError('unreadable', `"${file}" is a zip archive but no torch checkpoint: it lacks data.pkl.`)
  }
  const folder = pickleName.slice(0, -'data.pkl'.length)
  const order = new TextDecoder().decode(entries.get(`${folder}byteorder`)).trim()
  const { value: content } = parsePickle(pickle, 0, file, resolvers(file, new Map()))
  return checkpointOf(content, file, (storage) => {
    const data = entries.get(`${folder}data/${storage.key}`)
    return data === undefined ? null : { data, littleEndian: order !== 'big' }
  })
}

function unzip(bytes: Uint8Array, file: string): ReadonlyMap<string, Uint8Array> {
  let claimed = 0
  try {
    const entries = unzipSync(bytes, {
      filter: ({ name, size, originalSize, compression }) => {
        // Entries that share bytes could multiply them without end; sound archives have none.
        claimed += size
        if (name.startsWith('/') || name.split(/[/\\]/).includes('..')) {
          throw new StudioError('refused', `"${file}" is refused: its entry "${name}" points outside the archive.`)
        }
        if (claimed > bytes.length || (compression === 0 && originalSize > bytes.length)) {
          throw new StudioError(
            'unreadable',
            `"${file}" is damaged: its entry "${name}" claims more bytes than the file has.`
          )
        }
        if (originalSize > size * highestCompression + 1024) {
          throw new StudioError(
            'refused',
            `"${file}" is refused: its entry "${name}" claims to unpack to ${originalSize} bytes.`
          )
        }
        return true
      }
    })
    return new Map(Object.entries(entries))
  } catch (cause) {
    if (cause instanceof StudioError) throw cause
    throw new StudioError('unreadable', `"${file}" is damaged: it is no complete zip archive.`, { cause })
  }
}

/**
 * Reads a checkpoint in the format before torch 1.6: a sequence of pickles (magic number, protocol, machine, content, keys
 * of storages), then each storage with its length. Same rules as for the zip format.
 */
export function readLegacyPth(bytes: Uint8Array, file: string): Checkpoint {
  const storages = new Map<string, Storage>()
  const read = (from: number): UnpickledValue => parsePickle(bytes, from, file, resolvers(file, storages))
  const protocol = read(legacyMagic.length)
  const { value: machine, end: machineEnd } = read(protocol.end)
  const { value: content, end: contentEnd } = read(machineEnd)
  const { value: keys, end: position } = read(contentEnd)
  const littleEndian = !(machine instanceof Map) || machine.get('little_endian') !== false
  const damaged = new StudioError('unreadable', `"${file}" is damaged: it ends before all tensors were read.`)
  if (!Array.isArray(keys)) throw damaged
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const data = new Map<string, Uint8Array>()
  let at = position
  for (const key of keys.map(String)) {
    const storage = storages.get(key)
    if (storage === undefined || at + 8 > bytes.length) throw damaged
    const count = Number(view.getBigInt64(at, littleEndian))
    const end = at + 8 + count * storedSize[storage.type]
    if (count < 0 || !(end <= bytes.length)) throw damaged
    data.set(key, bytes.subarray(at + 8, end))
    at = end
  }
  return checkpointOf(content, file, ({ key }) => {
    const stored = data.get(key)
    return stored === undefined ? null : { data: stored, littleEndian }
  })
}

function parsePickle(bytes: Uint8Array, from: number, file: string, names: PickleResolvers): UnpickledValue {
  try {
    return unpickle(bytes, from, names)
  } catch (cause) {
    if (cause instanceof StudioError) throw cause
    throw new StudioError('unreadable', `"${file}" is damaged: its pickle cannot be read.`, { cause })
  }
}

/** The allow-list. Storages that are met are collected by key. */
function resolvers(file: string, storages: Map<string, Storage>): PickleResolvers {
  return {
    global: (module, name) => allowed(module, name, file),
    persistent: (id) => {
      const storage = storageOf(id)
      const known = storages.get(storage.key) ?? storage
      storages.set(storage.key, known)
      return known.type === storage.type ? known : storage
    }
  }
}

/** The name of a storage class, which also gives the element type. */
class StorageClass extends PickleFunction {
  readonly type: StoredType

  constructor(type: StoredType) {
    super(() => ignored)
    this.type = type
  }
}

/** What may be called by name in a checkpoint. Everything else is refused without being looked at. */
function allowed(module: string, name: string, file: string): PickleFunction {
  const full = `${module}.${name}`
  switch (full) {
    case 'collections.OrderedDict':
      return new PickleFunction(([pairs]) => new Map(Array.isArray(pairs) ? pairs.filter(isPair) : []))
    case 'collections.defaultdict':
      return new PickleFunction(() => new Map())
    case 'torch._utils._rebuild_tensor':
    case 'torch._utils._rebuild_tensor_v2':
      return new PickleFunction(([storage, offset, shape, strides]) => rebuildTensor(storage, offset, shape, strides))
    case 'torch._utils._rebuild_parameter':
    case 'torch._utils._rebuild_parameter_with_state':
    case 'torch.nn.parameter.Parameter':
    case 'torch.Size':
      return new PickleFunction(([value]) => value)
    case 'torch.device':
    case 'numpy.dtype':
    case 'numpy.core.multiarray.scalar':
    case 'numpy._core.multiarray.scalar':
    case '_codecs.encode':
      return new PickleFunction(() => ignored)
    default:
  }
  const storage = module === 'torch' ? storageTypes.get(name) : undefined
  if (storage !== undefined) return new StorageClass(storage)
  const what = `"${file}" is refused: it wants to call "${full}" while it is read`
  throw new StudioError('refused', `${what}; save the state dict alone (tensors by name) and use that.`)
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2
}

/** `('storage', type, key, location, count, …)`, torch's name for numbers kept outside the pickle. */
function storageOf(id: unknown): Storage {
  const [tag, type, key, , count] = Array.isArray(id) ? (id as readonly unknown[]) : []
  if (tag !== 'storage' || !(type instanceof StorageClass) || !isSize(count)) throw new Error('unknown persistent id')
  return new Storage(type.type, String(key), count)
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function rebuildTensor(storage: unknown, offset: unknown, shape: unknown, strides: unknown): StoredTensor {
  const sizes = (value: unknown): readonly number[] | null =>
    Array.isArray(value) && value.every(isSize) ? value : null
  const [shapeSizes, strideSizes] = [sizes(shape), sizes(strides)]
  if (
    !(storage instanceof Storage) ||
    !isSize(offset) ||
    shapeSizes === null ||
    strideSizes?.length !== shapeSizes.length
  ) {
    throw new Error('malformed tensor')
  }
  return new StoredTensor(storage, offset, shapeSizes, strideSizes)
}

interface StoredBytes {
  readonly data: Uint8Array
  readonly littleEndian: boolean
}

/** Tensors by their path through nested dicts and lists, texts and numbers as metadata. */
function checkpointOf(content: unknown, file: string, bytesOf: (storage: Storage) => StoredBytes | null): Checkpoint {
  const tensors = new Map<string, Tensor>()
  const metadata = new Map<string, string>()
  let entries = 0
  const walk = (value: unknown, path: string, depth: number): void => {
    if (++entries > mostEntries || depth > deepestNesting) {
      throw new StudioError('refused', `"${file}" is refused: what it holds is nested too deeply or endlessly.`)
    }
    const inside = (key: unknown): string => (path === '' ? String(key) : `${path}.${String(key)}`)
    if (value instanceof StoredTensor) tensors.set(path, contiguous(value, path, file, bytesOf))
    else if (value instanceof Map) for (const [key, item] of value) walk(item, inside(key), depth + 1)
    else if (Array.isArray(value)) for (const [i, item] of value.entries()) walk(item, inside(i), depth + 1)
    else if (['string', 'number', 'boolean', 'bigint'].includes(typeof value)) metadata.set(path, String(value))
  }
  walk(content, '', 0)
  if (tensors.size === 0) {
    throw new StudioError('refused', `"${file}" holds no tensors; a state dict (tensors by name) is expected.`)
  }
  return { tensors, metadata }
}

/** A tensor's elements in row-major order, whatever its strides. Checks that it lies within its storage. */
function contiguous(
  { storage, offset, shape, strides }: StoredTensor,
  name: string,
  file: string,
  bytesOf: (storage: Storage) => StoredBytes | null
): Tensor {
  const size = storedSize[storage.type]
  const stored = bytesOf(storage)
  const count = elementCount(shape)
  const last = shape.reduce((sum, extent, i) => sum + (extent - 1) * (strides[i] ?? 0), offset)
  if (stored === null || (count > 0 && !((last + 1) * size <= stored.data.length))) {
    throw new StudioError('unreadable', `"${file}" is damaged: the tensor "${name}" reaches beyond what is stored.`)
  }
  const rowMajor = shape.every((extent, i) => extent === 1 || strides[i] === elementCount(shape.slice(i + 1)))
  if (rowMajor || count === 0) {
    const bytes = stored.data.subarray(offset * size, (offset + count) * size)
    return decodeElements(storage.type, shape, bytes, stored.littleEndian)
  }
  if (count > stored.data.length / size) {
    throw new StudioError(
      'refused',
      `"${file}" is refused: the tensor "${name}" repeats its few stored numbers ${count} times.`
    )
  }
  const gathered = new Uint8Array(count * size)
  let target = 0
  const gather = (axis: number, from: number): void => {
    if (axis === shape.length) {
      gathered.set(stored.data.subarray(from * size, (from + 1) * size), target)
      target += size
      return
    }
    for (let i = 0; i < (shape[axis] ?? 0); i++) gather(axis + 1, from + i * (strides[axis] ?? 0))
  }
  gather(0, offset)
  return decodeElements(storage.type, shape, gathered, stored.littleEndian)
}
