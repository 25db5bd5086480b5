import { zipSync, type Zippable } from 'fflate'

/** Pieces of a pickle of protocol 2, to be joined; only what tests need. */
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

export const start = bytes(0x80, 2)
export const stop = bytes(0x2e)
export const reduce = bytes(0x52)
export const mark = bytes(0x28)

export function unsigned(value: number | bigint, size: 4 | 8): Uint8Array {
  const array = new Uint8Array(size)
  for (let i = 0; i < size; i++) array[i] = Number((BigInt(value) >> BigInt(8 * i)) & 0xffn)
  return array
}

export function unicode(value: string): Uint8Array {
  const encoded = text(value)
  return join(bytes(0x58), unsigned(encoded.length, 4), encoded)
}

/** BININT for what fits, LONG1 of eight bytes beyond. */
export function integer(value: number | bigint): Uint8Array {
  const big = BigInt(value)
  if (big >= -(2n ** 31n) && big < 2n ** 31n) return join(bytes(0x4a), unsigned(BigInt.asUintN(32, big), 4))
  return join(bytes(0x8a, 8), unsigned(BigInt.asUintN(64, big), 8))
}

export function tuple(...items: readonly Uint8Array[]): Uint8Array {
  return join(mark, ...items, bytes(0x74))
}

export function dict(entries: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const items = Object.entries(entries).flatMap(([key, value]) => [unicode(key), value])
  return join(bytes(0x7d), mark, ...items, bytes(0x75))
}

/** GLOBAL: a name to be looked up. */
export function global(module: string, name: string): Uint8Array {
  return join(bytes(0x63), text(`${module}\n${name}\n`))
}

/** STACK_GLOBAL: the same, with both names from the stack. */
export function stackGlobal(module: string, name: string): Uint8Array {
  return join(unicode(module), unicode(name), bytes(0x93))
}

export function call(callee: Uint8Array, ...args: readonly Uint8Array[]): Uint8Array {
  return join(callee, tuple(...args), reduce)
}

/** A tensor as torch.save describes it. */
export function tensor(
  storage: string,
  key: string,
  count: number,
  shape: readonly (number | bigint)[],
  strides: readonly (number | bigint)[],
  offset: number | bigint = 0
): Uint8Array {
  const id = tuple(unicode('storage'), global('torch', storage), unicode(key), unicode('cpu'), integer(count))
  const stored = join(id, bytes(0x51))
  const hooks = call(global('collections', 'OrderedDict'))
  const sizes = (values: readonly (number | bigint)[]): Uint8Array => tuple(...values.map(integer))
  const rebuild = global('torch._utils', '_rebuild_tensor_v2')
  return call(rebuild, stored, integer(offset), sizes(shape), sizes(strides), bytes(0x89), hooks)
}

/** A .pth file as torch writes it since 1.6. */
export function zipPth(
  content: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>>,
  more: Zippable = {}
): Uint8Array {
  const data = Object.entries(storages).map(([key, value]) => [`archive/data/${key}`, value])
  return zipSync(
    { 'archive/data.pkl': join(start, content, stop), ...(Object.fromEntries(data) as Zippable), ...more },
    { level: 0 }
  )
}

/** The bytes of numbers, little-endian. */
export function float32(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer)
}

export function int64(...values: readonly bigint[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values).buffer)
}
