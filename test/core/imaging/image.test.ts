import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  crop,
  cropToMultiple,
  flipHorizontal,
  flipVertical,
  fromTensor,
  makeImage,
  padTo,
  quantizeTo8Bit,
  toRgb,
  toTensor,
  transpose,
  type Image
} from '../../../src/core/imaging/image'
import { toGrey } from '../../../src/core/imaging/ycbcr'

/** Sample (c, y, x) is 100 c + 10 y + x, so that it tells where it came from. */
const numbered = (width: number, height: number, channels: 1 | 3 = 1): Image =>
  makeImage(width, height, channels, (c, y, x) => 100 * c + 10 * y + x)
const row = (image: Image, y: number): number[] => [...image.data.subarray(y * image.width, (y + 1) * image.width)]
const sizes = fc.tuple(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom(1 as const, 3 as const)
)

describe('symmetries', () => {
  it('undo themselves', () => {
    fc.assert(
      fc.property(sizes, ([width, height, channels]) => {
        const image = numbered(width, height, channels)
        for (const turn of [flipHorizontal, flipVertical, transpose]) expect(turn(turn(image))).toEqual(image)
      })
    )
  })

  it('do what they say', () => {
    const image = numbered(3, 2)
    expect(row(flipHorizontal(image), 1)).toEqual([12, 11, 10])
    expect(row(flipVertical(image), 0)).toEqual([10, 11, 12])
    expect(row(transpose(image), 2)).toEqual([2, 12])
  })
})

describe('cropping', () => {
  it('takes the rectangle', () => {
    const part = crop(numbered(6, 5, 3), 2, 1, 3, 2)
    expect([part.width, part.height, ...row(part, 1)]).toEqual([3, 2, 22, 23, 24])
    expect([...part.data.subarray(6, 9)]).toEqual([112, 113, 114])
  })

  it('to a multiple drops right and bottom', () => {
    const part = cropToMultiple(numbered(7, 5), 3)
    expect([part.width, part.height, ...row(part, 0)]).toEqual([6, 3, 0, 1, 2, 3, 4, 5])
  })

  it('does not leave the picture', () => {
    expect(() => crop(numbered(4, 4), 2, 0, 3, 1)).toThrow(RangeError)
    expect(() => crop(numbered(4, 4), -1, 0, 2, 1)).toThrow(RangeError)
  })
})

describe('padding to a multiple', () => {
  it('mirrors with the edge repeated, as BasicSR’s evaluation does', () => {
    const padded = padTo(numbered(5, 3), 8, 4, 'repeats-edge')
    expect([padded.width, padded.height]).toEqual([8, 4])
    expect(row(padded, 0)).toEqual([0, 1, 2, 3, 4, 4, 3, 2])
    expect(row(padded, 3)).toEqual([20, 21, 22, 23, 24, 24, 23, 22])
  })

  it('mirrors again and again where the picture is smaller than what is missing', () => {
    expect(row(padTo(numbered(2, 1), 8, 8, 'repeats-edge'), 0)).toEqual([0, 1, 1, 0, 0, 1, 1, 0])
    expect(row(padTo(numbered(3, 1), 8, 1, 'skips-edge'), 0)).toEqual([0, 1, 2, 1, 0, 1, 2, 1])
    expect([...padTo(numbered(1, 1), 2, 1, 'skips-edge').data]).toEqual([0, 0])
    expect([...padTo(numbered(1, 1), 3, 3, 'repeats-edge').data]).toEqual(new Array(9).fill(0))
  })

  it('leaves what fits as it is', () => {
    const image = numbered(8, 4)
    expect(padTo(image, image.width, image.height, 'skips-edge')).toBe(image)
  })
})

describe('samples', () => {
  it('are rounded half to even and clamped', () => {
    const data = Float32Array.of(-3, 0.5, 1.5, 2.5, 254.5, 255.4, 300, 7.49)
    expect([...quantizeTo8Bit({ width: 8, height: 1, channels: 1, data }).data]).toEqual([0, 0, 2, 2, 254, 255, 255, 7])
  })

  it('go to networks and back', () => {
    const image = numbered(4, 3, 3)
    const back = fromTensor(toTensor(image), 4, 3, 3)
    for (const [i, value] of back.data.entries()) expect(value).toBeCloseTo(Math.min(image.data[i] ?? NaN, 255), 4)
    expect([...fromTensor(Float32Array.of(-1, 2), 2, 1, 1).data]).toEqual([0, 255])
  })

  it('of grey become equal channels, and equal channels grey', () => {
    const grey = numbered(3, 2)
    const back = toGrey(toRgb(grey))
    for (const [i, value] of back.data.entries()) expect(value).toBeCloseTo(grey.data[i] ?? NaN, 4)
    const primary = makeImage(1, 1, 3, (c) => (c === 1 ? 255 : 0))
    expect(toGrey(primary).data[0]).toBeCloseTo(0.587 * 255, 3)
  })
})
