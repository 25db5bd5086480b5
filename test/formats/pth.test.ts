import { zipSync } from 'fflate'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StudioError } from '../../src/core/errors'
import type { Checkpoint } from '../../src/core/tensor'
import { isLegacyPth, isZip, readLegacyPth, readZipPth } from '../../src/formats/pth'
import * as p from './pickle-writer'

const read = (bytes: Uint8Array): Checkpoint => {
  expect(isZip(bytes)).toBe(true)
  return readZipPth(bytes, 'x.pth')
}
const dataOf = (checkpoint: Checkpoint, name: string): readonly (number | bigint)[] => [
  ...(checkpoint.tensors.get(name)?.data ?? [])
]

/** A matrix 0…5 stored as 2×3, and as others see the same storage. */
const shared = {
  whole: p.tensor('FloatStorage', '0', 6, [2, 3], [3, 1]),
  transposed: p.tensor('FloatStorage', '0', 6, [3, 2], [1, 3]),
  secondRow: p.tensor('FloatStorage', '0', 6, [3], [1], 3),
  everySecond: p.tensor('FloatStorage', '0', 6, [3], [2], 1),
  scalar: p.tensor('FloatStorage', '0', 6, [], [], 4),
  repeated: p.tensor('FloatStorage', '0', 6, [2, 3], [0, 1])
}
const small = p.zipPth(p.dict(shared), { 0: p.float32(0, 1, 2, 3, 4, 5) })

describe('a zip checkpoint', () => {
  it('gives views of a shared storage in row-major order', () => {
    const checkpoint = read(small)
    expect(dataOf(checkpoint, 'whole')).toEqual([0, 1, 2, 3, 4, 5])
    expect(dataOf(checkpoint, 'transposed')).toEqual([0, 3, 1, 4, 2, 5])
    expect(dataOf(checkpoint, 'secondRow')).toEqual([3, 4, 5])
    expect(dataOf(checkpoint, 'everySecond')).toEqual([1, 3, 5])
    expect(dataOf(checkpoint, 'scalar')).toEqual([4])
    expect(dataOf(checkpoint, 'repeated')).toEqual([0, 1, 2, 0, 1, 2])
    expect(checkpoint.tensors.get('transposed')?.shape).toEqual([3, 2])
  })

  it('reads every type of numbers', () => {
    const content = p.dict({
      half: p.tensor('HalfStorage', '0', 3, [3], [1]),
      brain: p.tensor('BFloat16Storage', '1', 3, [3], [1]),
      long: p.tensor('LongStorage', '2', 2, [2], [1])
    })
    const checkpoint = read(
      p.zipPth(content, {
        // 1.5, −65504 (the largest half), 2^−24 (the smallest)
        0: Uint8Array.of(0x00, 0x3e, 0xff, 0xfb, 0x01, 0x00),
        // 1, −2, 3.140625
        1: Uint8Array.of(0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40),
        2: p.int64(-1n, 2n ** 40n)
      })
    )
    expect(dataOf(checkpoint, 'half')).toEqual([1.5, -65504, 2 ** -24])
    expect(dataOf(checkpoint, 'brain')).toEqual([1, -2, 3.140625])
    expect(dataOf(checkpoint, 'long')).toEqual([-1n, 2n ** 40n])
  })

  it('reads big-endian numbers', () => {
    const bigEndian = { 'archive/byteorder': new TextEncoder().encode('big') }
    const content = p.dict({ a: p.tensor('FloatStorage', '0', 2, [2], [1]) })
    const swapped = p.float32(1.25, -3).map((_, i, all) => all[(i & ~3) + 3 - (i & 3)] ?? 0)
    expect(dataOf(read(p.zipPth(content, { 0: swapped }, bigEndian)), 'a')).toEqual([1.25, -3])
  })

  it('joins nested names and keeps plain values as metadata', () => {
    const inner = p.dict({ 'conv.weight': p.tensor('FloatStorage', '0', 1, [1], [1]) })
    const checkpoint = read(p.zipPth(p.dict({ params: inner, epoch: p.integer(7) }), { 0: p.float32(2) }))
    expect(dataOf(checkpoint, 'params.conv.weight')).toEqual([2])
    expect(checkpoint.metadata.get('epoch')).toBe('7')
  })
})

describe('a checkpoint from before torch 1.6', () => {
  const legacy = (content: Uint8Array, keys: readonly string[], storages: Uint8Array): Uint8Array =>
    p.join(
      // LONG1 of ten bytes: torch's magic number.
      Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e),
      p.join(p.start, p.integer(1001), p.stop),
      p.join(p.start, p.dict({ little_endian: Uint8Array.of(0x88) }), p.stop),
      p.join(p.start, content, p.stop),
      p.join(p.start, p.tuple(...keys.map(p.unicode)), p.stop),
      storages
    )
  const content = p.dict({ a: p.tensor('FloatStorage', 'k', 3, [3], [1]) })
  const storages = p.join(p.int64(3n), p.float32(1, 2, 3))

  it('is told by its magic number and read', () => {
    const bytes = legacy(content, ['k'], storages)
    expect(isLegacyPth(bytes)).toBe(true)
    expect(dataOf(readLegacyPth(bytes, 'x.pth'), 'a')).toEqual([1, 2, 3])
  })

  it.each([
    ['whose storage claims 2^60 numbers', p.join(p.int64(2n ** 60n), p.float32(1, 2, 3))],
    ['whose storage claims a negative number', p.join(p.int64(-3n), p.float32(1, 2, 3))],
    ['that ends early', p.join(p.int64(3n), p.float32(1, 2))]
  ])('%s is unreadable', (_, damaged) => {
    expect(() => readLegacyPth(legacy(content, ['k'], damaged), 'x.pth')).toThrow(/"x\.pth" is damaged/)
  })
})

describe('a hostile checkpoint', () => {
  const one = { 0: p.float32(1) }
  const command = p.unicode('touch /tmp/owned')

  it.each([
    ['os.system', p.call(p.global('os', 'system'), command)],
    ['posix.system', p.call(p.stackGlobal('posix', 'system'), command)],
    ['builtins.eval', p.call(p.global('builtins', 'eval'), command)],
    ['subprocess.Popen', p.call(p.stackGlobal('subprocess', 'Popen'), command)],
    ['torch.load', p.call(p.global('torch', 'load'), command)],
    ['collections.OrderedDict.fromkeys', p.call(p.stackGlobal('collections', 'OrderedDict.fromkeys'), command)]
  ])('that calls %s is refused by that name', (name, code) => {
    const content = p.dict({ a: p.tensor('FloatStorage', '0', 1, [1], [1]), b: code })
    const error = refusal(p.zipPth(content, one))
    expect(error.code).toBe('refused')
    expect(error.message).toContain(`"${name}"`)
    expect(error.message).toContain('state dict')
  })

  it('whose entry lies outside the archive is refused', () => {
    const error = refusal(p.zipPth(p.dict(shared), one, { '../../evil': p.float32(1) }))
    expect(error).toMatchObject({ code: 'refused', message: expect.stringContaining('../../evil') as string })
  })

  it('that unpacks to far more than it is (a zip bomb) is refused before it is unpacked', () => {
    const bomb = zipSync({ 'archive/data.pkl': new Uint8Array(50_000_000) }, { level: 9 })
    expect(bomb.length).toBeLessThan(100_000)
    expect(refusal(bomb)).toMatchObject({ code: 'refused' })
    expect(refusal(bomb).message).toContain('claims to unpack to 50000000 bytes')
  })

  it('whose entries all share the same bytes is refused', () => {
    expect(refusal(overlapping(2000, 100_000)).message).toContain('more bytes than the file has')
  })

  it('that claims 2^60 bytes of text, numbers or shape is refused at once', () => {
    const huge = 2n ** 60n
    const claims = [
      p.join(Uint8Array.of(0x8e), p.unsigned(huge, 8)),
      p.join(Uint8Array.of(0x8d), p.unsigned(huge, 8)),
      p.join(Uint8Array.of(0x8b), p.unsigned(2n ** 31n, 4)),
      p.tensor('FloatStorage', '0', 1, [huge], [1]),
      p.tensor('FloatStorage', '0', 1, [2n ** 30n, 2n ** 30n], [0, 0]),
      p.tensor('FloatStorage', '0', 1, [1], [1], huge),
      p.tensor('FloatStorage', '0', 1, [-1], [1]),
      p.tensor('FloatStorage', '0', 1, [2], [-1], 1)
    ]
    for (const claim of claims) refusal(p.zipPth(p.dict({ a: claim }), one))
  })

  it('whose tensor reaches beyond its storage is unreadable, by name', () => {
    const content = p.dict({ 'a.weight': p.tensor('FloatStorage', '0', 2, [2], [1]) })
    expect(refusal(p.zipPth(content, one)).message).toContain('"a.weight"')
    expect(refusal(p.zipPth(content, {})).message).toContain('"a.weight"')
  })

  it('that contains itself is refused', () => {
    // A list that is put into the memo and then appended to itself.
    const endless = Uint8Array.of(0x5d, 0x71, 1, 0x68, 1, 0x61)
    expect(refusal(p.zipPth(p.dict({ a: endless }), one)).message).toContain('nested')
  })

  it('cut or changed anywhere gives a sentence or a checkpoint, never anything else', () => {
    fc.assert(
      fc.property(fc.nat(small.length - 1), (length) => {
        refusal(small.subarray(0, length))
      }),
      { numRuns: 300 }
    )
    fc.assert(
      fc.property(fc.nat(small.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = small.slice()
        changed[at] = value
        try {
          readZipPth(changed, 'x.pth')
        } catch (error) {
          expect(error).toBeInstanceOf(StudioError)
        }
      }),
      { numRuns: 1500 }
    )
  })

  /** The error that reading ends in; it must be one for users. */
  function refusal(bytes: Uint8Array): StudioError {
    try {
      readZipPth(bytes, 'x.pth')
    } catch (error) {
      if (!(error instanceof StudioError)) throw error
      expect(error.message).toContain('x.pth')
      return error
    }
    throw new Error('It was read without complaint')
  }
})

/** A zip archive of one entry of `size` bytes that its directory lists `count` times. */
function overlapping(count: number, size: number): Uint8Array {
  const zip = Buffer.from(zipSync({ 'archive/data/0000': new Uint8Array(size) }, { level: 0 }))
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  const directory = zip.readUInt32LE(end + 16)
  const record = zip.subarray(directory, end)
  const records = Array.from({ length: count }, (_, i) => {
    const copy = Buffer.from(record)
    copy.write(String(i).padStart(4, '0'), 46 + 'archive/data/'.length)
    return copy
  })
  const tail = Buffer.from(zip.subarray(end))
  tail.writeUInt16LE(count, 8)
  tail.writeUInt16LE(count, 10)
  tail.writeUInt32LE(count * record.length, 12)
  return Buffer.concat([zip.subarray(0, directory), ...records, tail])
}
