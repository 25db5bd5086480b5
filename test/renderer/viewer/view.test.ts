import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fitZoom,
  pan,
  pixelAt,
  place,
  rectangleBetween,
  sceneAt,
  settled,
  stepZoom,
  viewOf,
  visiblePart,
  zoomAbout,
  zoomSteps,
  type Frame,
  type Size
} from '../../../src/renderer/viewer/view'

const sizes = fc.record({ width: fc.integer({ min: 1, max: 9000 }), height: fc.integer({ min: 1, max: 9000 }) })
const frames = fc.record({
  left: fc.integer({ min: 0, max: 2000 }),
  top: fc.integer({ min: 0, max: 2000 }),
  width: fc.integer({ min: 1, max: 3000 }),
  height: fc.integer({ min: 1, max: 2000 })
})
const zooms = fc.constantFrom(...zoomSteps)
const places = fc.record({
  x: fc.double({ min: -100, max: 9100, noNaN: true }),
  y: fc.double({ min: -100, max: 9100, noNaN: true })
})
const views = fc.record({
  zoom: fc.oneof(zooms, fc.constant('fit' as const)),
  x: places.map(({ x }) => x),
  y: places.map(({ y }) => y)
})

/** Where the scene's borders lie in the frame. */
function borders(scene: Size, frame: Frame, placement: { zoom: number; left: number; top: number }): number[][] {
  return [
    [placement.left - frame.left, placement.left + scene.width * placement.zoom - frame.left, frame.width],
    [placement.top - frame.top, placement.top + scene.height * placement.zoom - frame.top, frame.height]
  ]
}

describe('a view of a scene', () => {
  it('has the scene at whole device pixels, and nothing beside it that it could fill', () => {
    fc.assert(
      fc.property(views, sizes, frames, (view, scene, frame) => {
        const placement = place(view, scene, frame)
        expect(Number.isInteger(placement.left) && Number.isInteger(placement.top)).toBe(true)
        for (const [begin = 0, end = 0, room = 0] of borders(scene, frame, placement)) {
          if (end - begin <= room) expect(Math.abs(begin - (room - end))).toBeLessThanOrEqual(1.0001)
          else {
            expect(begin).toBeLessThanOrEqual(0)
            expect(end).toBeGreaterThanOrEqual(room - 1e-6)
          }
        }
      })
    )
  })

  it('shows all of it where it is to fit, at a whole zoom where there is room', () => {
    expect(fitZoom({ width: 100, height: 50 }, { width: 799, height: 500 })).toBe(7)
    expect(fitZoom({ width: 2, height: 2 }, { width: 1000, height: 1000 })).toBe(32)
    expect(fitZoom({ width: 2000, height: 100 }, { width: 500, height: 500 })).toBe(0.25)
    fc.assert(
      fc.property(sizes, frames, (scene, frame) => {
        const zoom = fitZoom(scene, frame)
        expect(scene.width * zoom).toBeLessThanOrEqual(frame.width + 1e-6)
        expect(scene.height * zoom).toBeLessThanOrEqual(frame.height + 1e-6)
        if (zoom >= 1) expect(Number.isInteger(zoom)).toBe(true)
      })
    )
  })

  it('keeps what it shows when it is settled', () => {
    fc.assert(
      fc.property(views, sizes, frames, (view, scene, frame) => {
        const kept = settled(view, scene, frame)
        expect(place(kept, scene, frame)).toEqual(place(view, scene, frame))
        const again = settled(kept, scene, frame)
        expect([again.x, again.y]).toEqual([expect.closeTo(kept.x, 6), expect.closeTo(kept.y, 6)])
      })
    )
  })

  it('moves by exactly as many device pixels as it is dragged, and back', () => {
    const scene = { width: 4000, height: 3000 }
    const frame = { left: 7, top: 30, width: 801, height: 600 }
    const moves = fc.record({ x: fc.integer({ min: -300, max: 300 }), y: fc.integer({ min: -300, max: 300 }) })
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 5, 12, 32), moves, (zoom, by) => {
        const view = settled({ zoom, x: 2000.3, y: 1500.7 }, scene, frame)
        const before = place(view, scene, frame)
        const moved = pan(view, scene, frame, by)
        expect(place(moved, scene, frame)).toEqual({ zoom, left: before.left + by.x, top: before.top + by.y })
        expect(place(pan(moved, scene, frame, { x: -by.x, y: -by.y }), scene, frame)).toEqual(before)
      })
    )
  })

  it('keeps what is under the pointer there when it is zoomed', () => {
    const scene = { width: 8000, height: 8000 }
    const frame = { left: 100, top: 50, width: 500, height: 400 }
    const pointers = fc.record({ x: fc.integer({ min: 100, max: 599 }), y: fc.integer({ min: 50, max: 449 }) })
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4, 8, 32), fc.constantFrom(1, 2, 3, 6, 32), pointers, (from, to, at) => {
        const view = { zoom: from, x: 4000, y: 4000 }
        const before = sceneAt(place(view, scene, frame), at)
        const after = place(zoomAbout(view, scene, frame, to, at), scene, frame)
        expect(after.zoom).toBe(to)
        expect(Math.abs(after.left + before.x * to - at.x)).toBeLessThanOrEqual(0.5001)
        expect(Math.abs(after.top + before.y * to - at.y)).toBeLessThanOrEqual(0.5001)
      })
    )
  })

  it('tells exactly the pixels that device pixels of the frame show', () => {
    const small = fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) })
    const zoom = fc.constantFrom(0.5, 1, 2, 3, 5)
    fc.assert(
      fc.property(small, small, zoom, places, (scene, room, zoom, { x, y }) => {
        const frame = { left: 3, top: 5, ...room }
        const placement = place({ zoom, x: x % 12, y: y % 12 }, scene, frame)
        const seen: { x: number; y: number }[] = []
        for (let py = 0; py < room.height; py++) {
          for (let px = 0; px < room.width; px++) {
            // The corners of the device pixel, as it may show several pixels of the scene.
            for (const [dx, dy] of [0.001, 0.999].flatMap((dx) => [0.001, 0.999].map((dy) => [dx, dy] as const))) {
              const pixel = pixelAt(placement, scene, { x: frame.left + px + dx, y: frame.top + py + dy })
              if (pixel !== null) seen.push(pixel)
            }
          }
        }
        const xs = seen.map((pixel) => pixel.x)
        const ys = seen.map((pixel) => pixel.y)
        const [left, top] = [Math.min(...xs), Math.min(...ys)]
        const expected = { left, top, width: Math.max(...xs) - left + 1, height: Math.max(...ys) - top + 1 }
        expect(visiblePart(placement, scene, frame)).toEqual(expected)
      })
    )
  })

  it('shows a rectangle as large as a whole zoom has it', () => {
    const scene = { width: 2000, height: 1000 }
    const frame = { left: 0, top: 0, width: 640, height: 480 }
    const rectangle = { left: 500, top: 500, width: 100, height: 50 }
    const view = viewOf(rectangle, scene, frame)
    expect(view.zoom).toBe(6)
    const part = visiblePart(place(view, scene, frame), scene, frame)
    expect(part.left + part.width / 2).toBeCloseTo(550, -1)
    expect(part.left).toBeLessThanOrEqual(500)
    expect(part.left + part.width).toBeGreaterThanOrEqual(600)
  })
})

describe('zoom steps', () => {
  it('lead from any zoom to the next above and below, and stop at the ends', () => {
    expect(stepZoom(1, 1)).toBe(2)
    expect(stepZoom(1, -1)).toBe(0.5)
    expect(stepZoom(0.37, 1)).toBe(0.5)
    expect(stepZoom(0.37, -1)).toBe(0.25)
    expect(stepZoom(7, 1)).toBe(8)
    expect(stepZoom(32, 1)).toBe(32)
    expect(stepZoom(1 / 16, -1)).toBe(1 / 16)
    expect(stepZoom(0.01, -1)).toBe(0.01)
  })
})

describe('the rectangle between two places', () => {
  it('has both pixels, in whichever order, and nothing outside of the scene', () => {
    const scene = { width: 10, height: 8 }
    const expected = { left: 2, top: 1, width: 4, height: 3 }
    expect(rectangleBetween({ x: 2.9, y: 1.1 }, { x: 5.1, y: 3.9 }, scene)).toEqual(expected)
    expect(rectangleBetween({ x: 5.1, y: 3.9 }, { x: 2.9, y: 1.1 }, scene)).toEqual(expected)
    const all = { left: 0, top: 0, width: 10, height: 8 }
    expect(rectangleBetween({ x: -40, y: -1 }, { x: 900, y: 90 }, scene)).toEqual(all)
  })
})
