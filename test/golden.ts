import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { floatTensor, type TensorOf } from '../src/core/tensor'

const folder = join(import.meta.dirname, 'golden')

/** A golden JSON file. */
export function goldenJson(name: string): unknown {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'))
}

/** A golden safetensors file's float tensors and text entries, read without the project's own reader. */
export function goldenTensors(name: string): {
  readonly tensors: ReadonlyMap<string, TensorOf<'float32'>>
  readonly metadata: ReadonlyMap<string, string>
} {
  const file = readFileSync(join(folder, name))
  const headerLength = Number(file.readBigUInt64LE(0))
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<
    string,
    { readonly shape: number[]; readonly data_offsets: [number, number] }
  >
  const { __metadata__: metadata = {}, ...entries } = header
  const tensors = Object.entries(entries).map(
    ([
      key,
      {
        shape,
        data_offsets: [from, to]
      }
    ]) => {
      const bytes = new Uint8Array(file.subarray(8 + headerLength + from, 8 + headerLength + to))
      return [key, floatTensor(new Float32Array(bytes.buffer), shape)] as const
    }
  )
  return { tensors: new Map(tensors), metadata: new Map(Object.entries(metadata)) }
}

/** Those entries whose names start with `prefix`, without it. */
export function under<T>(entries: ReadonlyMap<string, T>, prefix: string): ReadonlyMap<string, T> {
  return new Map(
    [...entries].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : []))
  )
}

/** ‖a − b‖₂ / ‖b‖₂. */
export function relativeL2(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values compared with ${b.length}`)
  let difference = 0
  let size = 0
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] ?? NaN) - (b[i] ?? NaN)) ** 2
    size += (b[i] ?? NaN) ** 2
  }
  return Math.sqrt(difference / size)
}

/** The largest |a − b|, and how far b's values spread. */
export function deviation(
  a: ArrayLike<number>,
  b: ArrayLike<number>
): { readonly largest: number; readonly range: number } {
  if (a.length !== b.length) throw new Error(`${a.length} values compared with ${b.length}`)
  let [largest, low, high] = [0, Infinity, -Infinity]
  for (let i = 0; i < b.length; i++) {
    const value = b[i] ?? NaN
    const distance = Math.abs((a[i] ?? NaN) - value)
    if (!(distance <= largest)) largest = distance
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return { largest, range: high - low }
}

/** The authors' name of one of our quantizers. */
export function goldenQuantizerName(name: string): string {
  return name
    .replace(/\.weight$/, '.weight_quantizer')
    .replace(/\.input$/, '.act_quantizer')
    .replace(/\.attn\.([qkv])$/, '.attn.mymodule_$1')
    .replace(/\.attn\.attention$/, '.attn.mymodule_a')
}
