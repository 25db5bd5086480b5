import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { svgOf, type Drawn } from '../../../src/renderer/charts/svg'
import { drawFigure, layOut, levelFor, pieceOf, type Figure } from '../../../src/renderer/viewer/figure'

const crop = (title: string, numbers: string | null): Figure['crops'][number] => ({
  title,
  numbers,
  piece: { address: `data:image/png;base64,${title}`, left: 40, top: 20, width: 44, height: 36 }
})
const figure: Figure = {
  scene: { width: 400, height: 200 },
  title: 'bird',
  whole: 'data:image/png;base64,whole',
  region: { left: 42, top: 21, width: 40, height: 32 },
  crops: [crop('HR', null), crop('A < B', '30.12/0.9001'), crop('FP', '34.00/0.9500')],
  columns: 2,
  scale: 4,
  hasNumbers: true
}

function partsOf(drawn: Drawn, name: string): readonly Drawn[] {
  const inside = drawn.children.flatMap((child) => (typeof child === 'string' ? [] : partsOf(child, name)))
  return drawn.attributes['class'] === name || drawn.tag === name ? [drawn, ...inside] : inside
}
const wordsOf = (drawn: Drawn): readonly string[] =>
  partsOf(drawn, 'text').flatMap(({ children }) => children.filter((child) => typeof child === 'string'))

describe('a figure', () => {
  it('has a box where the region lies in the picture', () => {
    const { whole, box } = layOut(figure, 3)
    expect(whole.width / whole.height).toBeCloseTo(2, 1)
    expect((box.left - whole.left) / whole.width).toBeCloseTo(42 / 400, 10)
    expect((box.top - whole.top) / whole.width).toBeCloseTo(21 / 400, 10)
    expect(box.width / whole.width).toBeCloseTo(40 / 400, 10)
  })

  it('has every crop in whole pixels of the scale, none over another or outside', () => {
    fc.assert(
      fc.property(
        fc.record({
          count: fc.integer({ min: 1, max: 12 }),
          columns: fc.integer({ min: 1, max: 6 }),
          scale: fc.integer({ min: 1, max: 8 }),
          hasNumbers: fc.boolean(),
          region: fc.record({
            left: fc.integer({ min: 0, max: 300 }),
            top: fc.integer({ min: 0, max: 100 }),
            width: fc.integer({ min: 1, max: 100 }),
            height: fc.integer({ min: 1, max: 100 })
          })
        }),
        ({ count, ...wanted }) => {
          const { width, height, whole, crops } = layOut({ scene: figure.scene, ...wanted }, count)
          const places = [whole, ...crops]
          expect(crops).toHaveLength(count)
          for (const [i, place] of places.entries()) {
            for (const side of Object.values(place)) expect(Number.isInteger(side)).toBe(true)
            expect(place.left + place.width).toBeLessThanOrEqual(width)
            expect(place.top + place.height).toBeLessThanOrEqual(height)
            for (const other of places.slice(i + 1)) {
              const isApart =
                place.left + place.width <= other.left ||
                other.left + other.width <= place.left ||
                place.top + place.height <= other.top ||
                other.top + other.height <= place.top
              expect(isApart).toBe(true)
            }
          }
          for (const place of crops) {
            expect(place.width).toBe(wanted.region.width * wanted.scale)
            expect(place.height).toBe(wanted.region.height * wanted.scale)
          }
        }
      )
    )
  })

  it('is an SVG whose crops show the region pixel by pixel', () => {
    const drawn = drawFigure(figure)
    const crops = partsOf(drawn, 'crop')
    expect(crops).toHaveLength(3)
    for (const { attributes } of crops)
      expect(attributes).toMatchObject({ viewBox: '42 21 40 32', width: 160, height: 128 })
    const [first] = crops
    expect(first?.children[0]).toMatchObject({
      tag: 'image',
      attributes: {
        x: 40,
        y: 20,
        width: 44,
        height: 36,
        'image-rendering': 'pixelated',
        href: 'data:image/png;base64,HR'
      }
    })
    expect(svgOf(drawn)).toContain('A &lt; B')
    expect(svgOf(drawn)).toBe(svgOf(drawFigure({ ...figure })))
  })

  it('has names below, and numbers where they are wanted and known', () => {
    expect(wordsOf(drawFigure(figure))).toEqual(['bird', 'HR', 'A < B', '30.12/0.9001', 'FP', '34.00/0.9500'])
    expect(wordsOf(drawFigure({ ...figure, hasNumbers: false }))).toEqual(['bird', 'HR', 'A < B', 'FP'])
  })

  it('takes the pixels of smaller pictures that a region touches', () => {
    expect(pieceOf({ left: 42, top: 21, width: 40, height: 32 }, 1)).toEqual({
      left: 42,
      top: 21,
      width: 40,
      height: 32
    })
    expect(pieceOf({ left: 42, top: 20, width: 40, height: 32 }, 4)).toEqual({ left: 10, top: 5, width: 11, height: 8 })
  })

  it('takes a level of the picture that is not smaller than what is drawn', () => {
    expect(levelFor(8000, 600)).toBe(3)
    expect(levelFor(600, 600)).toBe(0)
    expect(levelFor(100, 600)).toBe(0)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20000 }), fc.integer({ min: 1, max: 2000 }), (width, drawn) => {
        const level = levelFor(width, drawn)
        if (level > 0) expect(Math.ceil(width / 2 ** level)).toBeGreaterThanOrEqual(drawn)
        if (level < 16) expect(Math.ceil(width / 2 ** (level + 1))).toBeLessThan(drawn + (drawn === 1 ? 1 : 0))
      })
    )
  })
})
