import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { levelsOf, quantize, stepOf } from '../../../src/core/quantization/quantizer'
import { nearestToZero } from '../../../src/core/quantization/running-codes'
import { withZeroPoint } from '../../../src/core/quantization/zero-point'

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e6), max: Math.fround(1e6) })
const bounds = fc
  .tuple(float, float)
  .map(([a, b]) => ({ lower: Math.min(a, b), upper: Math.max(a, b) }))
  .filter(({ lower, upper }) => upper - lower > 1e-30 && Math.max(-lower, upper) > 1e-30)
const anyBits = fc.constantFrom(2, 3, 4, 6, 8)

describe('bounds with an integer zero point', () => {
  it('have 0 among their values, and a code that stands for it without any offset, in float32', () => {
    fc.assert(
      fc.property(bounds, anyBits, (given, bits) => {
        const moved = withZeroPoint(given, levelsOf(bits), 'integer')
        expect([Math.fround(moved.lower), Math.fround(moved.upper)]).toEqual([moved.lower, moved.upper])
        expect(moved.upper).toBeGreaterThan(moved.lower)
        expect(quantize(0, moved, bits)).toBe(0)
        const { zero, offsets } = nearestToZero([moved.lower], [stepOf(moved, bits)], bits)
        expect(zero).toBeGreaterThanOrEqual(0)
        expect(zero).toBeLessThanOrEqual(levelsOf(bits))
        expect(Math.abs(offsets[0] ?? NaN)).toBe(0)
      })
    )
  })

  it('are those given or, where these do not hold 0, reach to it, but for half a step', () => {
    fc.assert(
      fc.property(bounds, anyBits, (given, bits) => {
        const moved = withZeroPoint(given, levelsOf(bits), 'integer')
        const [lower, upper] = [Math.min(given.lower, 0), Math.max(given.upper, 0)]
        const range = upper - lower
        const most = range * (0.5 / levelsOf(bits) + 2 ** -15)
        expect(Math.abs(moved.lower - lower)).toBeLessThanOrEqual(most)
        expect(Math.abs(moved.upper - upper)).toBeLessThanOrEqual(most)
        expect((moved.upper - moved.lower) / range).toBeCloseTo(1, 4)
      })
    )
  })

  it('stay as they are, bit for bit', () => {
    fc.assert(
      fc.property(bounds, anyBits, (given, bits) => {
        const moved = withZeroPoint(given, levelsOf(bits), 'integer')
        expect(withZeroPoint(moved, levelsOf(bits), 'integer')).toEqual(moved)
      })
    )
  })

  it.each([
    ['of numbers above 0', { lower: 0.7, upper: 0.9 }, { lower: 0, upper: 0.9 }],
    ['of numbers below 0', { lower: -3, upper: -1 }, { lower: -3, upper: 0 }],
    ['of one step up and two down', { lower: -2.2, upper: 0.8 }, { lower: -2, upper: 1 }],
    ['of nothing but 0', { lower: 0, upper: 0 }, { lower: 0, upper: 0 }]
  ])('%s', (_, given, expected) => {
    const { lower, upper } = withZeroPoint(given, levelsOf(2), 'integer')
    expect(lower).toBeCloseTo(expected.lower, 4)
    expect(upper).toBeCloseTo(expected.upper, 4)
  })

  it('are left alone where zero points may be any numbers', () => {
    expect(withZeroPoint({ lower: 0.3, upper: 0.71 }, 15, 'float')).toEqual({ lower: 0.3, upper: 0.71 })
  })
})
