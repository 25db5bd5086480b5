import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crop, makeImage, type Image } from '../../../src/core/imaging/image'
import { evenSide, planTiles, TileBlender } from '../../../src/core/imaging/tiles'

const layouts = fc
  .record({
    width: fc.integer({ min: 1, max: 120 }),
    height: fc.integer({ min: 1, max: 120 }),
    multiple: fc.constantFrom(1, 4, 8),
    half: fc.integer({ min: 1, max: 4 }),
    overlap: fc.integer({ min: 0, max: 12 })
  })
  .map(({ half, overlap, ...rest }) => {
    const side = 2 * overlap + 8 * half
    return { ...rest, overlap, tile: { width: side, height: side + 8 } }
  })

/** Every pixel repeated in a square. */
function enlarge(image: Image, scale: number): Image {
  const { width, height, channels, data } = image
  return makeImage(width * scale, height * scale, channels, (c, y, x) => {
    return data[(c * height + Math.floor(y / scale)) * width + Math.floor(x / scale)] ?? NaN
  })
}

describe('tiles', () => {
  it('cover the picture, stay within it, and share what they must', () => {
    fc.assert(
      fc.property(layouts, ({ width, height, ...options }) => {
        const tiles = planTiles(width, height, options)
        const covered = new Uint8Array(width * height)
        for (const tile of tiles) {
          expect(tile.left >= 0 && tile.left + tile.width <= width).toBe(true)
          expect(tile.top >= 0 && tile.top + tile.height <= height).toBe(true)
          expect(tile.width).toBe(Math.min(options.tile.width, width))
          expect(tile.height).toBe(Math.min(options.tile.height, height))
          for (let y = tile.top; y < tile.top + tile.height; y++) {
            covered.fill(1, y * width + tile.left, y * width + tile.left + tile.width)
          }
        }
        expect(covered.every((pixel) => pixel === 1)).toBe(true)
        const lefts = [...new Set(tiles.map(({ left }) => left))]
        lefts.slice(1).forEach((left, i) => {
          expect((lefts[i] ?? 0) + options.tile.width - left).toBeGreaterThanOrEqual(options.overlap)
        })
      })
    )
  })

  it('that agree give the picture back', () => {
    fc.assert(
      fc.property(layouts, fc.constantFrom(1, 2, 3), ({ width, height, ...options }, scale) => {
        const picture = makeImage(width, height, 3, (c, y, x) => (c * 90 + y * 7 + x * 13) % 256)
        const blender = new TileBlender(width, height, 3, scale)
        for (const tile of planTiles(width, height, options)) {
          blender.add(tile, enlarge(crop(picture, tile.left, tile.top, tile.width, tile.height), scale))
        }
        const { data } = blender.picture()
        const expected = enlarge(picture, scale)
        expect(data.length).toBe(expected.data.length)
        let worst = 0
        for (const [i, value] of data.entries()) worst = Math.max(worst, Math.abs(value - (expected.data[i] ?? NaN)))
        expect(worst).toBeLessThan(1e-3)
      }),
      { numRuns: 60 }
    )
  })

  it('that disagree are blended, without a jump', () => {
    // Two tiles of 32 pixels that share 8; one is 0, the other 100.
    const tiles = planTiles(56, 1, { tile: { width: 32, height: 32 }, overlap: 8, multiple: 1 })
    const blender = new TileBlender(56, 1, 1, 1)
    tiles.forEach((tile, i) => {
      blender.add(
        tile,
        makeImage(tile.width, tile.height, 1, () => 100 * i)
      )
    })
    const { data } = blender.picture()
    const steps = [...data].slice(1).map((value, i) => value - (data[i] ?? NaN))
    expect([data[0], data.at(-1)]).toEqual([0, 100])
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...steps)).toBeLessThan(20)
  })

  it('of even sides are as few as of the largest, and none larger', () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 8, max: 60 }), fc.constantFrom(1, 8))
    fc.assert(
      fc.property(cases, ([total, blocks, multiple]) => {
        const largest = blocks * 8
        const overlap = 24
        const count = (side: number): number =>
          planTiles(total, 1, { tile: { width: side, height: 64 }, overlap, multiple }).length
        const side = evenSide(total, largest, overlap, multiple)
        expect(side % multiple).toBe(0)
        expect(side).toBeLessThanOrEqual(largest)
        expect(count(Math.max(side, 2 * overlap + multiple))).toBeLessThanOrEqual(count(largest))
        // Together they compute little more than they must.
        if (total > largest) expect(side * count(side)).toBeLessThan(total + count(side) * (overlap + 3 * multiple))
      })
    )
  })

  it('share nothing across a picture that one tile spans, however narrow', () => {
    const tiles = planTiles(100, 10, { tile: { width: 64, height: 16 }, overlap: 24, multiple: 8 })
    expect(tiles.map(({ left, top, height }) => [left, top, height])).toEqual([
      [0, 0, 10],
      [36, 0, 10]
    ])
  })

  it('must be more than twice as large as what they share', () => {
    expect(() => planTiles(100, 100, { tile: { width: 16, height: 16 }, overlap: 8, multiple: 1 })).toThrow(RangeError)
  })
})
