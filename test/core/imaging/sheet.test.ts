import { describe, expect, it } from 'vitest'
import { crop, makeImage, type Image } from '../../../src/core/imaging/image'
import { sheetOf } from '../../../src/core/imaging/sheet'

const picture = (number: number, channels: 1 | 3): Image =>
  makeImage(4, 3, channels, (channel, y, x) => 100 * number + 20 * channel + 4 * y + x)

describe('a sheet of pictures', () => {
  it.each([1, 3] as const)(
    'has each at its place, row by row, and black where there is none: %i channels',
    (channels) => {
      const [first, ...others] = [0, 1, 2, 3, 4].map((number) => picture(number, channels))
      if (first === undefined) throw new Error('there is no picture')
      const pictures = [first, ...others] as const
      const sheet = sheetOf(pictures, 2)
      expect(sheet).toMatchObject({ width: 8, height: 9, channels })
      pictures.forEach((wanted, i) => {
        expect(crop(sheet, 4 * (i % 2), 3 * Math.floor(i / 2), 4, 3)).toEqual(wanted)
      })
      expect(crop(sheet, 4, 6, 4, 3).data.every((value) => value === 0)).toBe(true)
    }
  )

  it('of one row is as high as a picture', () => {
    const [a, b] = [picture(1, 3), picture(2, 3)]
    const sheet = sheetOf([a, b], 2)
    expect([sheet.width, sheet.height]).toEqual([8, 3])
    expect(crop(sheet, 4, 0, 4, 3)).toEqual(b)
  })
})
