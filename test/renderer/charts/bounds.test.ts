import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { movedBounds, valueAfterKey } from '../../../src/renderer/charts/dragging'
import { clippedShares, levelsOf } from '../../../src/renderer/charts/plot'
import { drawGallery, drawThumbnail, shortened, type Thumbnail } from '../../../src/renderer/charts/draw-gallery'
import { svgOf } from '../../../src/renderer/charts/svg'
import { histogram } from './plots'

const limits = [-10, 10] as const

describe('movedBounds', () => {
  test('keeps the lower bound below the upper, and both within the limits', () => {
    const value = fc.double({ min: -50, max: 50, noNaN: true })
    fc.assert(
      fc.property(value, fc.constantFrom('lower' as const, 'upper' as const), (to, side) => {
        const { lower, upper } = movedBounds({ lower: -1, upper: 2 }, side, to, limits)
        expect(lower).toBeLessThan(upper)
        expect(lower).toBeGreaterThanOrEqual(-10)
        expect(upper).toBeLessThanOrEqual(10)
      })
    )
  })

  test('moves the one and not the other', () => {
    expect(movedBounds({ lower: -1, upper: 2 }, 'lower', 0.5, limits)).toEqual({ lower: 0.5, upper: 2 })
    expect(movedBounds({ lower: -1, upper: 2 }, 'upper', 0.5, limits)).toEqual({ lower: -1, upper: 0.5 })
  })
})

test('valueAfterKey moves by 1/200 of the range, ten times that with shift, and to the ends', () => {
  const after = (key: string, isFast = false): number | null => valueAfterKey(key, isFast, 1, limits)
  expect(after('ArrowRight')).toBeCloseTo(1.1)
  expect(after('ArrowLeft', true)).toBeCloseTo(0)
  expect([after('Home'), after('End'), after('Tab')]).toEqual([-10, 10, null])
})

test('clippedShares counts parts of bins', () => {
  expect(clippedShares(histogram, { lower: -1, upper: 1.5 })).toEqual({
    below: expect.closeTo(0.1, 12) as number,
    above: expect.closeTo(0.05, 12) as number
  })
  expect(clippedShares(histogram, { lower: -9, upper: 9 })).toEqual({
    below: 0,
    above: expect.closeTo(0, 12) as number
  })
})

test('levelsOf tells 2^bits values from bound to bound', () => {
  expect(levelsOf({ lower: -1, upper: 2, bits: 2 })).toEqual([-1, 0, 1, 2])
})

describe('a gallery', () => {
  const thumbnail = (name: string): Thumbnail => ({ ...histogram, name, kind: 'weight', text: 'weight' })

  test('draws a step for each bin and a line for each bound', () => {
    const picture = drawThumbnail(thumbnail('a'), 200, 80, false)
    const [path, ...rest] = picture.children.filter((child) => typeof child !== 'string')
    expect(String(path?.attributes['d']).match(/H/g)).toHaveLength(4)
    const lines = rest.filter(({ tag }) => tag === 'line').map(({ attributes }) => attributes['x1'])
    expect(lines).toEqual([0, 50, 175])
  })

  test('puts all cards into one drawing, in rows', () => {
    const picture = drawGallery('All', ['a', 'b', 'c', 'd', 'e'].map(thumbnail), 2, false)
    const text = svgOf(picture)
    expect(text.match(/class="card"/g)).toHaveLength(5)
    expect(picture.attributes).toMatchObject({ width: 2 * 246 + 16, height: 48 + 3 * 136 })
    expect(text).not.toMatch(/NaN|undefined/)
  })
})

test('shortened keeps the end of a name', () => {
  expect([shortened('abcdef', 6), shortened('abcdef', 4)]).toEqual(['abcdef', '…def'])
})
