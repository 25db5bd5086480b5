import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { halve, halveWhatIsThere, levelSize, type Samples } from '../../../src/core/imaging/pyramid'

// Widths that are multiples of four, and colours, are the usual ones.
const width = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(4, 8, 12))
const channels = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constantFrom(3, 4))
const samples = fc.tuple(width, fc.integer({ min: 1, max: 9 }), channels).chain(([width, height, channels]) => {
  const length = width * height * channels
  return fc.uint8Array({ minLength: length, maxLength: length }).map((data): Samples => {
    return { width, height, channels, data }
  })
})

/** The pixels of 2 × 2 that there are, one list of samples each. */
function pixelsUnder({ width, height, channels, data }: Samples, x: number, y: number): number[][] {
  const places = [2 * y, 2 * y + 1].flatMap((row) => [2 * x, 2 * x + 1].map((column) => ({ row, column })))
  return places
    .filter(({ row, column }) => row < height && column < width)
    .map(({ row, column }) => [...data.slice((row * width + column) * channels, (row * width + column + 1) * channels)])
}

const mean = (values: readonly number[]): number =>
  Math.round(values.reduce((sum, value) => sum + value, 0) / values.length)

describe('halve', () => {
  it('takes the means of the pixels of 2 × 2 that there are', () => {
    fc.assert(
      fc.property(samples, (source) => {
        const half = halve(source)
        expect([half.width, half.height]).toEqual([Math.ceil(source.width / 2), Math.ceil(source.height / 2)])
        for (let i = 0; i < half.width * half.height; i++) {
          const under = pixelsUnder(source, i % half.width, Math.floor(i / half.width))
          const means = Array.from({ length: source.channels }, (_, c) => mean(under.map((pixel) => pixel[c] ?? 0)))
          expect([...half.data.slice(i * source.channels, (i + 1) * source.channels)]).toEqual(means)
        }
      })
    )
  })

  it('makes levels of the sizes that are said', () => {
    let level: Samples = { width: 137, height: 5, channels: 1, data: new Uint8Array(137 * 5) }
    for (let i = 0; i < 9; i++) {
      expect([level.width, level.height]).toEqual([levelSize(137, i), levelSize(5, i)])
      level = halve(level)
    }
  })
})

describe('halveWhatIsThere', () => {
  it('takes the means of the pixels that are there', () => {
    const partial = samples
      .filter(({ channels }) => channels === 4)
      .chain((source) =>
        fc
          .array(fc.boolean(), { minLength: source.data.length / 4, maxLength: source.data.length / 4 })
          .map((there) => {
            const data = source.data.map((value, i) => (i % 4 < 3 ? value : there[i >> 2] === true ? 255 : 0))
            return { ...source, data }
          })
      )
    fc.assert(
      fc.property(partial, (source) => {
        const half = halveWhatIsThere(source)
        for (let i = 0; i < half.width * half.height; i++) {
          const under = pixelsUnder(source, i % half.width, Math.floor(i / half.width)).filter(([, , , a]) => a === 255)
          const means = [0, 1, 2, 3].map((c) => (under.length === 0 ? 0 : mean(under.map((pixel) => pixel[c] ?? 0))))
          expect([...half.data.slice(4 * i, 4 * i + 4)]).toEqual(means)
        }
      })
    )
  })
})
