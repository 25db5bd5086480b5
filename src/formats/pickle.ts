/** What a pickle may hold here: plain values, containers, and whatever a caller's functions return. */
export type Pickled = unknown

/** A function a pickle may call by name. The only way by which a pickle reaches code. */
export class PickleFunction {
  readonly call: (args: readonly Pickled[]) => Pickled

  constructor(call: (args: readonly Pickled[]) => Pickled) {
    this.call = call
  }
}

/** What the names and persistent ids in a pickle stand for. Both throw for what is not allowed. */
export interface PickleResolvers {
  global(module: string, name: string): PickleFunction
  persistent(id: Pickled): Pickled
}

/** The result of one pickle and where the next one begins. */
export interface UnpickledValue {
  readonly value: Pickled
  readonly end: number
}

/** Marks the begin of a list of items on the stack. */
const mark = Symbol('mark')

/** Stack and memo together may hold this many values; a pickle that needs more is no checkpoint. */
const mostValues = 10_000_000

/**
 * Reads one pickle of protocol 2 to 5, as torch writes them, from `start` on. Dicts become Maps, tuples and lists arrays,
 * sets Sets; the state given to an object is dropped. It only ever moves forward, and allocates no more than the pickle
 * has bytes.
 *
 * Why not a library: the published ones follow negative lengths backwards and assign attributes to any object.
 *
 * @throws Error for anything malformed or outside these protocols
 */
export function unpickle(bytes: Uint8Array, start: number, resolvers: PickleResolvers): UnpickledValue {
  const reader = new Reader(bytes, start)
  const stack: Pickled[] = []
  const memo = new Map<number, Pickled>()
  const pop = (): Pickled => {
    if (stack.length === 0) throw new Error('stack underflow')
    return stack.pop()
  }
  const popItems = (): Pickled[] => {
    const from = stack.lastIndexOf(mark)
    if (from < 0) throw new Error('no mark')
    const items = stack.splice(from)
    return items.slice(1)
  }
  const top = (): Pickled => stack[stack.length - 1]
  const recall = (index: number): void => {
    if (!memo.has(index)) throw new Error('nothing was stored there')
    stack.push(memo.get(index))
  }
  const setItems = (items: readonly Pickled[]): void => {
    const dict = top()
    if (items.length % 2 !== 0) throw new Error('key without value')
    // torch fills objects other than dicts this way only within optimizer states, which nobody needs here.
    if (dict instanceof Map) for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1])
  }
  const append = (items: readonly Pickled[]): void => {
    const list = top()
    if (!Array.isArray(list)) throw new Error('items for what is no list')
    for (const item of items) list.push(item)
  }
  const call = (callee: Pickled, args: Pickled): Pickled => {
    if (!(callee instanceof PickleFunction) || !Array.isArray(args)) throw new Error('a call of what is no function')
    return callee.call(args)
  }

  for (;;) {
    if (stack.length + memo.size > mostValues) throw new Error('too many values')
    const opcode = reader.byte()
    switch (opcode) {
      case 0x80: // PROTO
        if (reader.byte() > 5) throw new Error('unknown protocol')
        break
      case 0x95: // FRAME
        reader.skip(8)
        break
      case 0x2e: // STOP
        return { value: pop(), end: reader.position }
      case 0x28: // MARK
        stack.push(mark)
        break
      case 0x30: // POP
        pop()
        break
      case 0x31: // POP_MARK
        popItems()
        break
      case 0x32: // DUP
        stack.push(top())
        break
      case 0x4e: // NONE
        stack.push(null)
        break
      case 0x88: // NEWTRUE
        stack.push(true)
        break
      case 0x89: // NEWFALSE
        stack.push(false)
        break
      case 0x4b: // BININT1
        stack.push(reader.byte())
        break
      case 0x4d: // BININT2
        stack.push(reader.unsigned(2))
        break
      case 0x4a: // BININT
        stack.push(reader.unsigned(4) | 0)
        break
      case 0x8a: // LONG1
        stack.push(reader.integer(reader.byte()))
        break
      case 0x8b: // LONG4
        stack.push(reader.integer(reader.unsigned(4)))
        break
      case 0x47: // BINFLOAT
        stack.push(reader.float())
        break
      case 0x58: // BINUNICODE
      case 0x54: // BINSTRING
        stack.push(reader.text(reader.unsigned(4)))
        break
      case 0x8c: // SHORT_BINUNICODE
      case 0x55: // SHORT_BINSTRING
        stack.push(reader.text(reader.byte()))
        break
      case 0x8d: // BINUNICODE8
        stack.push(reader.text(reader.unsigned(8)))
        break
      case 0x43: // SHORT_BINBYTES
        stack.push(reader.bytes(reader.byte()))
        break
      case 0x42: // BINBYTES
        stack.push(reader.bytes(reader.unsigned(4)))
        break
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(reader.bytes(reader.unsigned(8)))
        break
      case 0x7d: // EMPTY_DICT
        stack.push(new Map())
        break
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        stack.push([])
        break
      case 0x8f: // EMPTY_SET
        stack.push(new Set())
        break
      case 0x74: // TUPLE
      case 0x6c: // LIST
        stack.push(popItems())
        break
      case 0x64: {
        // DICT
        const items = popItems()
        stack.push(new Map())
        setItems(items)
        break
      }
      case 0x91: // FROZENSET
        stack.push(new Set(popItems()))
        break
      case 0x85: // TUPLE1
        stack.push([pop()])
        break
      case 0x86: {
        // TUPLE2
        const [b, a] = [pop(), pop()]
        stack.push([a, b])
        break
      }
      case 0x87: {
        // TUPLE3
        const [c, b, a] = [pop(), pop(), pop()]
        stack.push([a, b, c])
        break
      }
      case 0x61: // APPEND
        append([pop()])
        break
      case 0x65: // APPENDS
        append(popItems())
        break
      case 0x90: {
        // ADDITEMS
        const items = popItems()
        const set = top()
        if (set instanceof Set) for (const item of items) set.add(item)
        break
      }
      case 0x73: {
        // SETITEM
        const [value, key] = [pop(), pop()]
        setItems([key, value])
        break
      }
      case 0x75: // SETITEMS
        setItems(popItems())
        break
      case 0x71: // BINPUT
        memo.set(reader.byte(), top())
        break
      case 0x72: // LONG_BINPUT
        memo.set(reader.unsigned(4), top())
        break
      case 0x94: // MEMOIZE
        memo.set(memo.size, top())
        break
      case 0x68: // BINGET
        recall(reader.byte())
        break
      case 0x6a: // LONG_BINGET
        recall(reader.unsigned(4))
        break
      case 0x63: // GLOBAL
        stack.push(resolvers.global(reader.line(), reader.line()))
        break
      case 0x93: {
        // STACK_GLOBAL
        const [name, module] = [pop(), pop()]
        stack.push(resolvers.global(String(module), String(name)))
        break
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [args, callee] = [pop(), pop()]
        stack.push(call(callee, args))
        break
      }
      case 0x62: // BUILD
        pop()
        break
      case 0x51: // BINPERSID
        stack.push(resolvers.persistent(pop()))
        break
      default:
        throw new Error(`unknown opcode ${opcode}`)
    }
  }
}

/** Reads little-endian numbers and texts; throws at the end. */
class Reader {
  position: number
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
  }

  /** Moves on, and returns where it stood. */
  skip(count: number): number {
    const from = this.position
    if (!(count >= 0 && from + count <= this.#bytes.length)) throw new Error('unexpected end')
    this.position = from + count
    return from
  }

  byte(): number {
    return this.#view.getUint8(this.skip(1))
  }

  unsigned(size: 2 | 4 | 8): number {
    const at = this.skip(size)
    if (size === 2) return this.#view.getUint16(at, true)
    return size === 4 ? this.#view.getUint32(at, true) : Number(this.#view.getBigUint64(at, true))
  }

  /** Two's complement of up to 255 bytes; a bigint where a number would not hold it. */
  integer(size: number): number | bigint {
    if (size > 255) throw new Error('an absurdly long number')
    const from = this.skip(size)
    let value = 0n
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[from + i] ?? 0)
    const signed = size === 0 ? 0n : BigInt.asIntN(8 * size, value)
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed
  }

  float(): number {
    return this.#view.getFloat64(this.skip(8), false)
  }

  bytes(size: number): Uint8Array {
    const from = this.skip(size)
    return this.#bytes.subarray(from, from + size)
  }

  text(size: number): string {
    return new TextDecoder().decode(this.bytes(size))
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position)
    if (end < 0) throw new Error('unexpected end')
    const text = this.text(end - this.position)
    this.skip(1)
    return text
  }
}
