import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { paletteOf } from '../../../src/core/imaging/colour-map'
import { drawDifference, type DifferenceRule, type RgbaPixels } from '../../../src/core/imaging/difference'
import { DifferenceMeans } from '../../../src/core/imaging/difference-means'

const rule: fc.Arbitrary<DifferenceRule> = fc.record({
  form: fc.constantFrom('signed', 'absolute', 'squared'),
  channel: fc.constantFrom('r', 'g', 'b'),
  gain: fc.integer({ min: 1, max: 256 }),
  map: fc.constantFrom('viridis', 'cividis', 'grey')
})
const pair = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })).chain(([width, height]) => {
  const length = 4 * width * height
  const samples = fc.uint8Array({ minLength: length, maxLength: length })
  return fc.tuple(samples, samples).map(
    ([a, b]) =>
      [
        { width, height, rgba: a },
        { width, height, rgba: b }
      ] as const
  )
})
const whole = (a: RgbaPixels, b: RgbaPixels, step: number, how: DifferenceRule): DifferenceMeans => {
  const means = new DifferenceMeans(Math.ceil(a.width / step), Math.ceil(a.height / step), step, how)
  means.add(a, b, 0, 0)
  return means
}

describe('a difference seen small', () => {
  it('is, pixel for pixel, the difference itself', () => {
    fc.assert(
      fc.property(pair, rule, ([a, b], how) => {
        expect(whole(a, b, 1, how).draw()).toEqual(drawDifference(a, b, how))
      })
    )
  })

  it('has the entry that the mean of what is there says', () => {
    fc.assert(
      fc.property(pair, rule, fc.constantFrom(2, 4, 8), ([a, b], how, step) => {
        const { rgba, width } = whole(a, b, step, how).draw()
        const channel = { r: 0, g: 1, b: 2, rgb: 0, y: 0 }[how.channel]
        const [last, middle] = how.form === 'signed' ? [510, 255] : [255, 0]
        // From the definition, in steps of the map.
        const steps: number[] = []
        for (let y = 0; y < Math.min(step, a.height); y++) {
          for (let x = 0; x < Math.min(step, a.width); x++) {
            const i = 4 * (y * a.width + x)
            if (a.rgba[i + 3] === 0 || b.rgba[i + 3] === 0) continue
            const d = (a.rgba[i + channel] ?? 0) - (b.rgba[i + channel] ?? 0)
            const amount = how.form === 'squared' ? (d * d) / 255 : how.form === 'signed' ? d : Math.abs(d)
            steps.push(how.gain * amount)
          }
        }
        expect(width).toBe(Math.ceil(a.width / step))
        if (steps.length === 0) {
          expect([...rgba.subarray(0, 4)]).toEqual([0, 0, 0, 0])
          return
        }
        const mean = middle + steps.reduce((sum, each) => sum + each, 0) / steps.length
        const palette = paletteOf(how.form === 'signed' ? 'diverging' : how.map)
        const colours = [mean - 1e-6, mean + 1e-6].map((near) => {
          const entry = 3 * Math.min(Math.max(Math.round(near), 0), last)
          return [...palette.subarray(entry, entry + 3)]
        })
        expect(colours).toContainEqual([...rgba.subarray(0, 3)])
      })
    )
  })

  it('is the same however it is taken in', () => {
    fc.assert(
      fc.property(pair, rule, fc.constantFrom(1, 2, 4), ([a, b], how, step) => {
        const rows = new DifferenceMeans(Math.ceil(a.width / step), Math.ceil(a.height / step), step, how)
        for (let y = 0; y < a.height; y++) {
          const row = ({ rgba, width }: RgbaPixels): RgbaPixels => {
            return { width, height: 1, rgba: rgba.subarray(4 * y * width, 4 * (y + 1) * width) }
          }
          rows.add(row(a), row(b), 0, y)
        }
        expect(rows.draw()).toEqual(whole(a, b, step, how).draw())
      })
    )
  })
})
