import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeImage } from '../../../src/core/imaging/image'
import { cutPatch, drawPatches } from '../../../src/core/imaging/patches'
import { Random } from '../../../src/core/imaging/random'

const pictures = [
  { name: 'a', width: 40, height: 30 },
  { name: 'b', width: 16, height: 90 }
]

describe('drawn patches', () => {
  it('lie within their pictures, and the same seed draws the same', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 16 }), (seed, size) => {
        const patches = drawPatches(pictures, { size, count: 20, seed })
        expect(drawPatches(pictures, { size, count: 20, seed })).toEqual(patches)
        for (const { picture, left, top } of patches) {
          const { width = 0, height = 0 } = pictures[picture] ?? {}
          expect(left >= 0 && left + size <= width && top >= 0 && top + size <= height).toBe(true)
        }
      })
    )
  })

  it('come from everywhere, in all eight symmetries about equally often', () => {
    const patches = drawPatches(pictures, { size: 16, count: 8000, seed: 3 })
    const counts = new Map<string, number>()
    for (const { flipHorizontal, flipVertical, transpose } of patches) {
      const symmetry = [flipHorizontal, flipVertical, transpose].join()
      counts.set(symmetry, (counts.get(symmetry) ?? 0) + 1)
    }
    expect(counts.size).toBe(8)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000))
    const first = patches.filter(({ picture }) => picture === 0)
    expect(new Set(first.map(({ left }) => left)).size).toBe(25)
    expect(new Set(first.map(({ top }) => top)).size).toBe(15)
  })

  it('cannot be larger than a picture, which is named with its size', () => {
    expect(() => drawPatches(pictures, { size: 17, count: 1, seed: 0 })).toThrow(/"b" has 16×90.*17×17.*--patch-size/)
  })
})

describe('a cut patch', () => {
  it('is the same place at every scale', () => {
    const lr = makeImage(10, 8, 1, (_, y, x) => 10 * y + x)
    const hr = makeImage(20, 16, 1, (_, y, x) => 10 * Math.floor(y / 2) + Math.floor(x / 2))
    for (const patch of drawPatches([{ name: '', width: 10, height: 8 }], { size: 3, count: 16, seed: 1 })) {
      const small = cutPatch(lr, patch)
      const large = cutPatch(hr, patch, 2)
      const shrunk = makeImage(3, 3, 1, (_, y, x) => large.data[2 * y * 6 + 2 * x] ?? NaN)
      expect(shrunk).toEqual(small)
    }
  })
})

describe('the random numbers', () => {
  it('are those of xoshiro128**', () => {
    // The first outputs of the authors' C code (prng.di.unimi.it) from state 1, 2, 3, 4.
    const random = Random.from({ words: [1, 2, 3, 4] })
    expect([random.word(), random.word(), random.word(), random.word()]).toEqual([11520, 0, 5927040, 70819200])
  })

  it('are evenly spread', () => {
    const random = Random.seeded(5)
    const counts = new Array<number>(10).fill(0)
    for (let i = 0; i < 100_000; i++) {
      const at = random.below(10)
      counts[at] = (counts[at] ?? 0) + 1
    }
    const chiSquare = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)
    // 99.9 % of fair generators stay below 27.9 at nine degrees of freedom.
    expect(chiSquare).toBeLessThan(27.9)
  })

  it('go on from a stored state as if nothing had happened', () => {
    const random = Random.seeded(9)
    for (let i = 0; i < 10; i++) random.word()
    const stored = JSON.parse(JSON.stringify(random.state)) as typeof random.state
    const copy = Random.from(stored)
    for (let i = 0; i < 10; i++) expect(copy.word()).toBe(random.word())
  })
})
