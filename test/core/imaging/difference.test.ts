import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { colourOf, paletteOf } from '../../../src/core/imaging/colour-map'
import { drawDifference, rangeOf, type DifferenceRule, type RgbaPixels } from '../../../src/core/imaging/difference'

const pixels = (width: number, height: number, rgba: Iterable<number>): RgbaPixels => ({
  width,
  height,
  rgba: Uint8Array.from(rgba)
})
const rule: fc.Arbitrary<DifferenceRule> = fc.record({
  form: fc.constantFrom('signed', 'absolute', 'squared'),
  channel: fc.constantFrom('rgb', 'r', 'g', 'b', 'y'),
  gain: fc.integer({ min: 1, max: 256 }),
  map: fc.constantFrom('viridis', 'cividis', 'grey')
})
/** Two pictures of one size. */
const pair = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })).chain(([width, height]) => {
  const length = 4 * width * height
  const samples = fc.uint8Array({ minLength: length, maxLength: length })
  return fc.tuple(samples, samples).map(([a, b]) => [pixels(width, height, a), pixels(width, height, b)] as const)
})

/** What a rule makes of one pixel, from the definition: in steps of its map, of which there are 255, or 510 around the middle. */
function stepOf(a: readonly number[], b: readonly number[], { form, channel, gain }: DifferenceRule): number {
  const weights = { rgb: [1, 1, 1], r: [1, 0, 0], g: [0, 1, 0], b: [0, 0, 1], y: [0, 0, 0] }[channel]
  const luma = (samples: readonly number[]): number =>
    16 + 65.481 * ((samples[0] ?? 0) / 255) + 128.553 * ((samples[1] ?? 0) / 255) + 24.966 * ((samples[2] ?? 0) / 255)
  const made = (difference: number): number => {
    if (form === 'signed') return 255 + gain * difference
    return form === 'absolute' ? gain * Math.abs(difference) : (gain * difference * difference) / 255
  }
  const values = weights.flatMap((weight, c) => (weight === 0 ? [] : [made((a[c] ?? 0) - (b[c] ?? 0))]))
  const value = channel === 'y' ? made(luma(a) - luma(b)) : values.reduce((sum, each) => sum + each, 0) / values.length
  return Math.min(Math.max(value, 0), form === 'signed' ? 510 : 255)
}

describe('drawDifference', () => {
  it('gives each pixel the colour of the entry that its definition says', () => {
    fc.assert(
      fc.property(pair, rule, ([a, b], how) => {
        const { rgba } = drawDifference(a, b, how)
        for (let i = 0; i < rgba.length; i += 4) {
          const [p, q] = [a, b].map((each) => [...each.rgba.subarray(i, i + 4)]) as [number[], number[]]
          const opacity = Math.min(p[3] ?? 0, q[3] ?? 0)
          const step = stepOf(p, q, how)
          // Luma may lie between two entries; sums in another order then round otherwise.
          const candidates = [step - 1e-9, step + 1e-9].map((near) => {
            const entry = Math.min(Math.max(Math.round(near), 0), how.form === 'signed' ? 510 : 255)
            const palette = paletteOf(how.form === 'signed' ? 'diverging' : how.map)
            return opacity === 0 ? [0, 0, 0, 0] : [...palette.subarray(3 * entry, 3 * entry + 3), opacity]
          })
          expect(candidates).toContainEqual([...rgba.subarray(i, i + 4)])
        }
      })
    )
  })

  it('turns its sign with the order of the pictures, around the middle of the map', () => {
    const [a, b] = [pixels(2, 1, [10, 20, 30, 255, 7, 7, 7, 255]), pixels(2, 1, [11, 21, 31, 255, 7, 7, 7, 255])]
    const how = { form: 'signed', channel: 'rgb', gain: 1, map: 'grey' } as const
    const middle = 3 * 255
    const [less, more] = [drawDifference(a, b, how).rgba, drawDifference(b, a, how).rgba]
    const palette = paletteOf('diverging')
    expect([...less.subarray(0, 3)]).toEqual([...palette.subarray(middle - 3, middle)])
    expect([...more.subarray(0, 3)]).toEqual([...palette.subarray(middle + 3, middle + 6)])
    expect([...less.subarray(4, 7)]).toEqual([247, 247, 247])
  })

  it('refuses pictures of different sizes', () => {
    const how = { form: 'signed', channel: 'y', gain: 1, map: 'grey' } as const
    expect(() => drawDifference(pixels(1, 2, new Uint8Array(8)), pixels(2, 1, new Uint8Array(8)), how)).toThrow('1×2')
  })
})

describe('rangeOf', () => {
  it('tells the difference that the ends of the map are reached with', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 255 }), (difference) => {
        const [grey, black] = [pixels(1, 1, [difference, 0, 0, 255]), pixels(1, 1, [0, 0, 0, 255])]
        const gain = 255 / difference
        const how = { channel: 'r', gain, map: 'grey' } as const
        expect(drawDifference(grey, black, { ...how, form: 'absolute' }).rgba[0]).toBe(255)
        expect(rangeOf({ form: 'absolute', gain })[1]).toBeCloseTo(difference)
        expect(rangeOf({ form: 'signed', gain })).toEqual([expect.closeTo(-difference), expect.closeTo(difference)])
        expect(rangeOf({ form: 'squared', gain: gain ** 2 })[1]).toBeCloseTo((difference / 255) ** 2)
      })
    )
  })
})

describe('colourOf', () => {
  it.each([
    // Published: the ends and the middles of the maps.
    ['viridis', [68, 1, 84], [33, 145, 140], [253, 231, 37]],
    ['cividis', [0, 34, 78], [125, 124, 120], [254, 232, 56]],
    ['grey', [0, 0, 0], [128, 128, 128], [255, 255, 255]],
    ['diverging', [33, 102, 172], [247, 247, 247], [178, 24, 43]]
  ] as const)('goes through %s', (map, first, middle, last) => {
    expect([colourOf(map, 0), colourOf(map, 0.5), colourOf(map, 1)]).toEqual([first, middle, last])
    expect([colourOf(map, -1), colourOf(map, 2)]).toEqual([first, last])
  })

  it.each(['viridis', 'cividis', 'grey'] as const)('grows lighter along %s without a jump', (map) => {
    const lightness = Array.from({ length: 256 }, (_, i) => {
      const [red, green, blue] = colourOf(map, i / 255)
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    })
    const steps = lightness.slice(1).map((value, i) => value - (lightness[i] ?? 0))
    expect(Math.min(...steps)).toBeGreaterThan(-1)
    expect(Math.max(...steps)).toBeLessThan(3)
    expect((lightness[255] ?? 0) - (lightness[0] ?? 0)).toBeGreaterThan(150)
  })
})
