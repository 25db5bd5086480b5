import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tileGrid, type GridRule } from '../../../src/core/imaging/tile-grid'
import type { Tile } from '../../../src/core/imaging/tiles'

const pictures = fc.record({
  width: fc.integer({ min: 1, max: 150 }),
  height: fc.integer({ min: 1, max: 150 }),
  side: fc.integer({ min: 1, max: 60 }),
  overlap: fc.integer({ min: 0, max: 24 }),
  multiple: fc.constantFrom(1, 4, 8)
})

function tilesOf(width: number, height: number, rule: GridRule): readonly (readonly [Tile, Tile])[] {
  const grid = tileGrid(width, height, rule)
  return Array.from({ length: grid.columns * grid.rows }, (_, i) => {
    const tile = grid.tile(i % grid.columns, Math.floor(i / grid.columns))
    return [tile, grid.around(tile)] as const
  })
}

/** How often each pixel lies in a tile. */
function coverage(width: number, height: number, tiles: readonly (readonly [Tile, Tile])[]): Uint8Array {
  const counts = new Uint8Array(width * height)
  for (const [{ left, top, ...size }] of tiles) {
    for (let y = top; y < top + size.height; y++) {
      for (let x = left; x < left + size.width; x++) counts[y * width + x] = (counts[y * width + x] ?? 0) + 1
    }
  }
  return counts
}

describe('a grid of tiles', () => {
  it('has every pixel once, and shows what is around a tile from a multiple on, within the picture', () => {
    fc.assert(
      fc.property(pictures, ({ width, height, ...rule }) => {
        const tiles = tilesOf(width, height, { ...rule, fixedSize: null })
        expect(coverage(width, height, tiles).every((count) => count === 1)).toBe(true)
        for (const [tile, around] of tiles) {
          const axes = [
            [tile.left, tile.width, around.left, around.width, width],
            [tile.top, tile.height, around.top, around.height, height]
          ] as const
          for (const [from, length, start, shown, total] of axes) {
            expect(start % rule.multiple).toBe(0)
            expect(start).toBeLessThanOrEqual(Math.max(0, from - rule.overlap))
            expect(start).toBeGreaterThanOrEqual(Math.max(0, from - rule.overlap - rule.multiple + 1))
            const end = start + shown
            expect(end === total || end % rule.multiple === 0).toBe(true)
            expect(end).toBeGreaterThanOrEqual(Math.min(total, from + length + rule.overlap))
            expect(end).toBeLessThanOrEqual(total)
          }
        }
      }),
      { numRuns: 60 }
    )
  })

  it('of a picture no larger than a tile is one, shown whole', () => {
    const rule = { side: 128, overlap: 24, multiple: 24, fixedSize: null }
    expect(tileGrid(144, 140, rule)).toMatchObject({ side: 144, columns: 1, rows: 1 })
    const whole = { left: 0, top: 0, width: 144, height: 140 }
    expect(tilesOf(144, 140, rule)).toEqual([[whole, whole]])
    expect(tileGrid(145, 140, rule)).toMatchObject({ columns: 2, rows: 1 })
  })

  it('for a network of one size shows it pieces of that size alone', () => {
    const sizes = fc.record({
      fixedSize: fc.integer({ min: 4, max: 64 }),
      more: fc.tuple(fc.nat(90), fc.nat(90)),
      overlap: fc.nat(24)
    })
    fc.assert(
      fc.property(sizes, ({ fixedSize, more, overlap }) => {
        const [width, height] = [fixedSize + more[0], fixedSize + more[1]]
        const tiles = tilesOf(width, height, { side: 128, overlap, multiple: 8, fixedSize })
        expect(coverage(width, height, tiles).every((count) => count === 1)).toBe(true)
        for (const [tile, around] of tiles) {
          expect([around.width, around.height]).toEqual([fixedSize, fixedSize])
          expect(around.left <= tile.left && around.left + fixedSize >= tile.left + tile.width).toBe(true)
          expect(around.top <= tile.top && around.top + fixedSize >= tile.top + tile.height).toBe(true)
          expect(around.left >= 0 && around.left + fixedSize <= width).toBe(true)
          expect(around.top >= 0 && around.top + fixedSize <= height).toBe(true)
        }
      }),
      { numRuns: 60 }
    )
  })

  it('has no tiles beside its last ones', () => {
    const grid = tileGrid(100, 50, { side: 40, overlap: 0, multiple: 1, fixedSize: null })
    expect(() => grid.tile(3, 0)).toThrow(RangeError)
    expect(() => grid.tile(0, 2)).toThrow(RangeError)
  })
})
