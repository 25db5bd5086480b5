import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crop, makeImage } from '../../../src/core/imaging/image'
import { imresize, imresizePart, sourceOf } from '../../../src/core/imaging/imresize'
import { testPicture } from '../../pictures'

describe('imresize', () => {
  it.each([0.25, 1 / 3, 0.5, 1, 2, 3, 4])('keeps a constant picture, × %d', (scale) => {
    const { data } = imresize(
      makeImage(24, 12, 3, () => 93),
      scale
    )
    expect(new Set(data)).toEqual(new Set([93]))
  })

  it('at scale 1 is the picture itself', () => {
    const image = makeImage(7, 5, 3, (c, y, x) => (c * 50 + y * 31 + x * 17) % 256)
    expect(imresize(image, 1)).toEqual(image)
  })

  it.each([2, 4])('continues a ramp as a ramp, × %d', (scale) => {
    // Cubic convolution is exact on straight lines away from the border.
    const { data, width } = imresize(
      makeImage(32, 4, 1, (_, __, x) => 4 * x + 60),
      scale
    )
    for (let x = 3 * scale; x < width - 3 * scale; x++) {
      const exact = 4 * ((x + 0.5) / scale - 0.5) + 60
      expect(Math.abs((data[x] ?? NaN) - exact)).toBeLessThanOrEqual(0.5 + 1e-6)
    }
  })

  it('has the size MATLAB gives: rounded up', () => {
    const { width, height } = imresize(
      makeImage(10, 7, 1, () => 0),
      1 / 4
    )
    expect([width, height]).toEqual([3, 2])
  })

  it('averages away what a smaller picture cannot show', () => {
    const { data } = imresize(
      makeImage(64, 64, 1, (_, y, x) => ((x + y) % 2) * 255),
      0.25
    )
    for (const value of data) expect(Math.abs(value - 127.5)).toBeLessThan(4)
  })
})

describe('imresizePart', () => {
  it('makes of what lies under a part what the whole picture has there', () => {
    const place = fc.record({
      x: fc.double({ min: 0, max: 0.99, noNaN: true }),
      y: fc.double({ min: 0, max: 0.99, noNaN: true })
    })
    fc.assert(
      fc.property(
        fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })),
        fc.constantFrom(2, 3, 4, 8, 0.5, 1 / 3),
        place,
        place,
        ([width, height], scale, begin, end) => {
          const image = testPicture(width, height)
          const whole = imresize(image, scale)
          const [left, top] = [Math.floor(begin.x * whole.width), Math.floor(begin.y * whole.height)]
          const across = 1 + Math.floor(end.x * (whole.width - left))
          const part = { left, top, width: across, height: 1 + Math.floor(end.y * (whole.height - top)) }
          const under = sourceOf(image, scale, part)
          const source = crop(image, under.left, under.top, under.width, under.height)
          expect(imresizePart(image, scale, part, source)).toEqual(crop(whole, left, top, part.width, part.height))
        }
      ),
      { numRuns: 60 }
    )
  })
})
