import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { doneUnder } from '../../../src/renderer/viewer/outputs-under'
import {
  extentIn,
  fromTheMiddle,
  levelFor,
  levelIn,
  levelSize,
  makePicture,
  overviewLevel,
  pixelsUnder,
  tilesIn
} from '../../../src/renderer/viewer/pyramid'
import { pane } from './panes'

describe('levels of a picture', () => {
  it('are never so coarse that a device pixel shows less than a pixel, nor finer than twice that', () => {
    expect([32, 1, 0.99, 0.5, 0.49, 0.25, 1 / 16].map(levelFor)).toEqual([0, 0, 0, 1, 1, 2, 4])
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.999, noNaN: true }), (zoom) => {
        const step = zoom * 2 ** levelFor(zoom)
        expect(step).toBeGreaterThan(0.4999)
        expect(step).toBeLessThanOrEqual(1.0001)
      })
    )
  })

  it('end with a single tile', () => {
    expect(overviewLevel({ width: 256, height: 3 })).toBe(0)
    expect(overviewLevel({ width: 257, height: 3 })).toBe(1)
    expect(overviewLevel({ width: 8000, height: 8000 })).toBe(5)
    expect(levelSize({ width: 8000, height: 8001 }, 5)).toEqual({ width: 250, height: 251 })
  })

  it('are those of the picture itself, however much smaller than the scene it is', () => {
    const scene = { width: 2040, height: 1356 }
    const low = makePicture({ kind: 'file', path: '/lr.png' }, null, { width: 510, height: 339 }, scene)
    expect(levelIn(low, { zoom: 3, left: 0, top: 0 })).toEqual({ level: 0, step: 12 })
    expect(levelIn(low, { zoom: 1 / 8, left: 0, top: 0 })).toEqual({ level: 1, step: 1 })
  })
})

describe('tiles', () => {
  const picture = makePicture(
    { kind: 'file', path: '/a.png' },
    null,
    { width: 1000, height: 700 },
    { width: 1000, height: 700 }
  )

  it('are those that are seen', () => {
    const placement = { zoom: 2, left: -511, top: 30 }
    const frame = { left: 0, top: 30, width: 400, height: 200 }
    const extent = extentIn(picture, levelIn(picture, placement), placement, frame)
    expect(extent).toEqual({ left: 255, top: 0, right: 456, bottom: 100 })
    expect(extent && tilesIn(0, extent)).toEqual([
      { level: 0, column: 0, row: 0 },
      { level: 0, column: 1, row: 0 }
    ])
    const far = { left: 5000, top: 0, width: 10, height: 10 }
    expect(extentIn(picture, levelIn(picture, placement), placement, far)).toBeNull()
  })

  it('come from the middle outward', () => {
    const places = fromTheMiddle(0, { left: 0, top: 0, right: 768, bottom: 768 })
    expect(places[0]).toEqual({ level: 0, column: 1, row: 1 })
    expect(places).toHaveLength(9)
    expect(places.slice(5).every(({ column, row }) => column !== 1 && row !== 1)).toBe(true)
  })

  it('have the pixels of level 0 under them', () => {
    expect(pixelsUnder(picture, { level: 1, column: 1, row: 1 })).toEqual({
      left: 512,
      top: 512,
      width: 488,
      height: 188
    })
  })

  it('know how many tiles of an output lie under them, also where that is of another size', () => {
    const output = { columns: 3, rows: 2, side: 100, done: new Set(['0-0', '1-0', '2-1']), failure: null }
    const small = pane('fp', 'fp', 250, 150, output)
    const same = { width: 250, height: 150 }
    expect(doneUnder(small, { left: 0, top: 0, width: 250, height: 150 }, same)).toBe(3)
    expect(doneUnder(small, { left: 0, top: 0, width: 100, height: 150 }, same)).toBe(1)
    expect(doneUnder(small, { left: 99, top: 0, width: 2, height: 2 }, same)).toBe(2)
    expect(doneUnder(small, { left: 198, top: 0, width: 4, height: 2 }, { width: 500, height: 300 })).toBe(2)
    expect(doneUnder(pane('hr', 'hr', 250, 150), { left: 0, top: 0, width: 250, height: 150 }, same)).toBe(0)
  })
})
