import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layOutFrames } from '../../../src/renderer/viewer/frames'

const spacing = { gap: 4, head: 28 }
const counts = fc.integer({ min: 1, max: 12 })
const sizes = fc.record({ width: fc.integer({ min: 400, max: 3000 }), height: fc.integer({ min: 500, max: 2000 }) })

describe('frames of a grid', () => {
  it('are as many as there are panes, of one size, within the stage, apart, each below a head', () => {
    fc.assert(
      fc.property(counts, sizes, sizes, (count, scene, stage) => {
        const frames = layOutFrames(count, scene, stage, spacing)
        expect(frames).toHaveLength(count)
        for (const [i, a] of frames.entries()) {
          expect([a.width, a.height]).toEqual([frames[0]?.width, frames[0]?.height])
          expect(a.left).toBeGreaterThanOrEqual(0)
          expect(a.top).toBeGreaterThanOrEqual(spacing.head)
          expect(a.left + a.width).toBeLessThanOrEqual(stage.width)
          expect(a.top + a.height).toBeLessThanOrEqual(stage.height)
          for (const b of frames.slice(i + 1)) {
            const isBeside = Math.abs(a.left - b.left) >= a.width + spacing.gap
            const isBelow = Math.abs(a.top - b.top) >= a.height + spacing.head + spacing.gap
            expect(isBeside || isBelow).toBe(true)
          }
        }
      })
    )
  })

  it('show the scene no smaller than any other number of columns would', () => {
    fc.assert(
      fc.property(counts, sizes, sizes, (count, scene, stage) => {
        const [frame] = layOutFrames(count, scene, stage, spacing)
        const zoomOf = (width: number, height: number): number => Math.min(width / scene.width, height / scene.height)
        const others = Array.from({ length: count }, (_, i) => {
          const rows = Math.ceil(count / (i + 1))
          const height = Math.floor((stage.height - spacing.gap * (rows - 1)) / rows) - spacing.head
          return zoomOf(Math.floor((stage.width - spacing.gap * i) / (i + 1)), height)
        })
        expect(zoomOf(frame?.width ?? 0, frame?.height ?? 0)).toBe(Math.max(...others))
      })
    )
  })

  it('lie as one would put them', () => {
    const columnsOf = (count: number, scene: { width: number; height: number }): number =>
      new Set(layOutFrames(count, scene, { width: 1000, height: 700 }, spacing).map(({ left }) => left)).size
    expect(columnsOf(6, { width: 2040, height: 1356 })).toBe(3)
    expect(columnsOf(2, { width: 3000, height: 500 })).toBe(1)
    expect(columnsOf(2, { width: 500, height: 3000 })).toBe(2)
    expect(layOutFrames(0, { width: 1, height: 1 }, { width: 9, height: 9 }, spacing)).toEqual([])
  })
})
