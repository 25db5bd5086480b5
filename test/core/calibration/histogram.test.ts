import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CountingScratch,
  Distribution,
  HistogramAccumulator,
  histogramOf
} from '../../../src/core/calibration/histogram'

const scratch = new CountingScratch()

/** Counts batches of values as they would come from a network. */
function accumulate(batches: readonly Float32Array[]): HistogramAccumulator {
  const extremes = (values: Float32Array): [number, number] => [Math.min(...values), Math.max(...values)]
  const accumulator = new HistogramAccumulator(...extremes(batches[0] ?? new Float32Array(1)))
  for (const values of batches) {
    accumulator.reach(...extremes(values))
    const { width, zeroPoint } = accumulator.grid
    const codes = Uint16Array.from(values, (value) => {
      const code = Math.round(value / width) + zeroPoint
      expect(code).toBeGreaterThanOrEqual(0)
      expect(code).toBeLessThanOrEqual(65_535)
      return code
    })
    accumulator.add(codes, ...extremes(values), scratch)
  }
  return accumulator
}

const sizes = [1e-30, 1e-6, 1, 1e4, 1e20]
const values = fc
  .tuple(
    fc.constantFrom(...sizes),
    fc.array(fc.float({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 })
  )
  .map(([size, numbers]) => Float32Array.from(numbers, (number) => number * size))

describe('a histogram', () => {
  it('counts every value into the bin nearest to it', () => {
    fc.assert(
      fc.property(values, (numbers) => {
        const { origin, width, counts, min, max, count } = histogramOf(numbers)
        // + 0: zero has one sign here.
        expect([min + 0, max + 0]).toEqual([Math.min(...numbers) + 0, Math.max(...numbers) + 0])
        expect(count).toBe(numbers.length)
        const expected = new Float64Array(counts.length)
        for (const number of numbers) {
          const bin = Math.round((number - origin) / width)
          expected[bin] = (expected[bin] ?? 0) + 1
        }
        // A value in the very middle between two bins may be in either.
        const moved = counts.reduce((sum, n, i) => sum + Math.abs(n - (expected[i] ?? 0)), 0) / 2
        const ties = numbers.filter((x) => Math.abs(Math.abs(((x - origin) / width) % 1) - 0.5) < 1e-4).length
        expect(moved).toBeLessThanOrEqual(ties)
      })
    )
  })

  it('is fine: some thousands of bins over the values of the first patch', () => {
    const { counts } = histogramOf(Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i)))
    expect(counts.length).toBeGreaterThan(3000)
  })

  it('keeps number, sum and extremes while it widens, whatever comes later', () => {
    const growing = fc.array(fc.tuple(values, fc.constantFrom(1, 3, 50, 1e6)), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(growing, (batches) => {
        const scaled = batches.map(([numbers, factor]) => numbers.map((number) => number * factor))
        const all = scaled.flatMap((numbers) => [...numbers])
        fc.pre(all.every(Number.isFinite))
        const { counts, origin, width, count, min, max } = accumulate(scaled).snapshot()
        expect([count, min + 0, max + 0]).toEqual([all.length, Math.min(...all) + 0, Math.max(...all) + 0])
        expect(counts.reduce((sum, n) => sum + n, 0)).toBeCloseTo(all.length, 6)
        const sum = counts.reduce((total, n, i) => total + n * (origin + i * width), 0)
        const exact = all.reduce((total, value) => total + value, 0)
        // Each value is at most half a bin from its centre.
        expect(Math.abs(sum - exact)).toBeLessThanOrEqual(all.length * width * 0.5001)
      })
    )
  })

  it('does not grow with what it is shown', () => {
    const patch = Float32Array.from({ length: 500 }, (_, i) => Math.cos(i))
    const few = accumulate([patch]).snapshot().counts.length
    expect(accumulate(new Array<Float32Array>(50).fill(patch)).snapshot().counts).toHaveLength(few)
  })

  it('of a constant has one bin', () => {
    for (const value of [0, 0.25, -7, 1e-20]) {
      const { counts, min, max } = histogramOf(new Float32Array(9).fill(value))
      expect([...counts]).toEqual([9])
      expect(min).toBe(max)
    }
  })
})

describe('a distribution', () => {
  const numbers = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * 12.9898) ** 3 * (i % 7))
  const sorted = numbers.toSorted()
  const distribution = new Distribution(histogramOf(numbers))
  const { width } = distribution.histogram

  it('knows how many values lie below a point, and their sum, within a bin', () => {
    for (const x of [-7, -3, -0.01, 0, 0.4, 2.5, 6, 9]) {
      const within = (shift: number): Float32Array => sorted.filter((value) => value < x + shift)
      expect(distribution.countBelow(x)).toBeGreaterThanOrEqual(within(-width).length - 1e-6)
      expect(distribution.countBelow(x)).toBeLessThanOrEqual(within(width).length + 1e-6)
      const sum = within(0).reduce((total, value) => total + value, 0)
      const atStake = (within(width).length - within(-width).length) * (Math.abs(x) + width) + 4000 * width * 0.51
      expect(Math.abs(distribution.sumBelow(x) - sum)).toBeLessThanOrEqual(atStake)
    }
  })

  it('knows the sum of squares', () => {
    const exact = numbers.reduce((total, value) => total + value * value, 0)
    expect(distribution.sumOfSquares / exact).toBeCloseTo(1, 4)
  })

  it('has the quantiles of its values, within a bin', () => {
    for (const share of [0.001, 0.1, 0.5, 0.9, 0.999]) {
      const exact = sorted[Math.ceil(share * 4000) - 1] ?? NaN
      expect(Math.abs(distribution.quantile(share) - exact)).toBeLessThanOrEqual(2 * width)
    }
    expect([distribution.quantile(0), distribution.quantile(1)]).toEqual([sorted[0], sorted.at(-1)])
  })
})
