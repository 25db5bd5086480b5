import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StudioError } from '../../src/core/errors'
import { isSafetensors, readSafetensors } from '../../src/formats/safetensors'
import { float32 } from './pickle-writer'

function file(header: unknown, body: Uint8Array, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + body.length)
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(body, 8 + text.length)
  return bytes
}

const entry = (dtype: string, shape: readonly number[], from: number, to: number): object => {
  return { dtype, shape, data_offsets: [from, to] }
}
const sound = file(
  { __metadata__: { upscale: '4' }, a: entry('F32', [2, 1], 0, 8), 'b.bias': entry('BF16', [2], 8, 12) },
  Uint8Array.of(...float32(1.5, -2), 0x80, 0x3f, 0x00, 0xc0)
)

describe('a safetensors file', () => {
  it('gives its tensors and metadata', () => {
    expect(isSafetensors(sound)).toBe(true)
    const { tensors, metadata } = readSafetensors(sound, 'x')
    expect(tensors.get('a')).toEqual({ type: 'float32', shape: [2, 1], data: Float32Array.of(1.5, -2) })
    expect(tensors.get('b.bias')).toEqual({ type: 'float32', shape: [2], data: Float32Array.of(1, -2) })
    expect(metadata.get('upscale')).toBe('4')
    expect(readSafetensors(Buffer.from(sound), 'x').tensors).toEqual(tensors)
  })

  const body = new Uint8Array(16)
  it.each([
    ['a header of 2^60 bytes', file({}, body, 2n ** 60n), /claims/],
    ['a header longer than the file', file({}, body, 1000n), /claims 1000 bytes/],
    ['a header that is no JSON', file('{"a":', body), /no JSON object/],
    ['a header that is a list', file('[1]', body), /no JSON object/],
    ['a tensor outside the file', file({ a: entry('F32', [8], 0, 32) }, body), /"a" lies outside/],
    ['a tensor of negative size', file({ a: entry('F32', [-1], 0, 4) }, body), /"a" is malformed/],
    ['a tensor that ends before it begins', file({ a: entry('F32', [1], 8, 4) }, body), /"a" lies outside/],
    ['a shape of 2^60 numbers', file({ a: entry('F32', [2 ** 30, 2 ** 30], 0, 16) }, body), /"a" has a shape/],
    ['a shape that does not fit', file({ a: entry('F32', [3], 0, 16) }, body), /12 bytes but 16 are stored/],
    ['tensors that overlap', file({ a: entry('F32', [2], 0, 8), b: entry('F32', [2], 4, 12) }, body), /overlap/],
    ['an unknown type', file({ a: entry('F4', [2], 0, 1) }, body), /F4, which is not supported/]
  ])('with %s is refused in one sentence', (_, bytes, says) => {
    expect(() => readSafetensors(bytes, 'x')).toThrow(StudioError)
    expect(() => readSafetensors(bytes, 'x')).toThrow(says)
  })

  it('cut anywhere is unreadable', () => {
    fc.assert(
      fc.property(fc.nat(sound.length - 1), (length) => {
        expect(() => readSafetensors(sound.subarray(0, length), 'x')).toThrow(StudioError)
      })
    )
  })
})
