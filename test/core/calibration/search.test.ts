import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isOneSided, searchBounds, type SearchStrategy } from '../../../src/core/calibration/dobi'
import { Distribution, histogramOf } from '../../../src/core/calibration/histogram'
import { minmaxBounds } from '../../../src/core/calibration/minmax'
import { percentileBounds } from '../../../src/core/calibration/percentile'
import { squaredError } from '../../../src/core/calibration/quantization-error'
import { Random } from '../../../src/core/imaging/random'
import { quantize, type Bounds } from '../../../src/core/quantization/quantizer'

const random = Random.seeded(7)
const uniform = (): number => (random.below(2 ** 31) + 0.5) / 2 ** 31
const normal = (): number => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
const sample = (draw: () => number, count = 20_000): Float32Array => Float32Array.from({ length: count }, draw)
const gelu = (x: number): number => (x * (1 + Math.tanh(0.7978845608 * (x + 0.044715 * x ** 3)))) / 2
const attention = (): Float32Array => {
  const rows = Array.from({ length: 400 }, () => {
    const scores = Array.from({ length: 64 }, () => Math.exp(2 * normal()))
    const sum = scores.reduce((a, b) => a + b, 0)
    return scores.map((score) => score / sum)
  })
  return Float32Array.from(rows.flat())
}

const samples: Readonly<Record<string, Float32Array>> = {
  normal: sample(normal),
  Laplace: sample(() => Math.log(uniform()) * (uniform() < 0.5 ? 1 : -1)),
  'normal, off centre': sample(() => 3 + normal()),
  'heavy-tailed': sample(() => normal() ** 3),
  uniform: sample(uniform),
  attention: attention(),
  'GELU of normal': sample(() => gelu(1.5 * normal())),
  'ReLU of normal': sample(() => Math.max(0, normal()))
}

/** The sum of squared errors by quantizing every value. */
function exactError(values: Float32Array, bounds: Bounds, bits: number): number {
  return values.reduce((sum, value) => sum + (value - quantize(value, bounds, bits)) ** 2, 0)
}

describe.each(Object.entries(samples))('%s', (name, values) => {
  const distribution = new Distribution(histogramOf(values))
  const { min, max } = distribution.histogram

  it.each([2, 3, 4, 6, 8])('has the quantization error at %d bits that quantizing every value gives', (bits) => {
    for (const [a, b] of [
      [0, 1],
      [0.1, 0.9],
      [0, 0.4],
      [0.3, 0.6]
    ] as const) {
      const bounds = { lower: min + a * (max - min), upper: min + b * (max - min) }
      const exact = exactError(values, bounds, bits)
      expect(Math.abs(squaredError(distribution, bounds, bits) / exact - 1)).toBeLessThan(bits === 8 ? 0.02 : 0.003)
    }
  })

  const oneSided = ['attention', 'GELU of normal', 'ReLU of normal'].includes(name)
  it(`is ${oneSided ? 'one-sided' : 'two-sided'}`, () => {
    expect(isOneSided(distribution)).toBe(oneSided)
    expect(searchBounds(distribution, 4).search).toBe(oneSided ? 'one-sided' : 'two-sided')
  })

  it.each<SearchStrategy>(['two-sided', 'one-sided'])('has the best of all candidates, %s', (strategy) => {
    const found = searchBounds(distribution, 3, strategy, 50)
    let best = Infinity
    for (let i = 0; i < 50; i++) {
      const step = (i * (max - min)) / 50
      const bounds =
        strategy === 'two-sided' ? { lower: min + step / 2, upper: max - step / 2 } : { lower: min, upper: max - step }
      best = Math.min(best, exactError(values, bounds, 3))
    }
    const { lower, upper } = found
    expect(exactError(values, { lower, upper }, 3) / best).toBeLessThan(1.003)
    expect(found.error ** 2 / best).toBeCloseTo(1, 1)
  })

  it.each<SearchStrategy>(['two-sided', 'one-sided', 'joint'])(
    'has the best of all candidates that have a code for 0, %s',
    (strategy) => {
      const found = searchBounds(distribution, 3, strategy, 50, 'integer')
      expect(quantize(0, found, 3)).toBe(0)
      expect(found.error ** 2 / exactError(values, found, 3)).toBeCloseTo(1, 1)
      let best = Infinity
      for (let i = 0; i < 50; i++) {
        const move = (i * (max - min)) / 50
        const lower = Math.min(0, strategy === 'one-sided' ? min : min + move / 2)
        const upper = Math.max(0, strategy === 'one-sided' ? max - move : max - move / 2)
        const step = (upper - lower) / 7
        const zero = Math.round(-lower / step)
        best = Math.min(best, exactError(values, { lower: -zero * step, upper: (7 - zero) * step }, 3))
      }
      expect(exactError(values, found, 3) / best).toBeLessThan(1.003)
    }
  )

  it('is never searched worse jointly than along either line', () => {
    const joint = searchBounds(distribution, 3, 'joint', 40)
    for (const strategy of ['two-sided', 'one-sided'] as const) {
      expect(joint.error).toBeLessThanOrEqual(searchBounds(distribution, 3, strategy, 40).error + 1e-9)
    }
  })
})

describe('degenerate tensors', () => {
  it.each<SearchStrategy>(['by-shape', 'two-sided', 'one-sided', 'joint'])(
    'are searched without error, %s',
    (strategy) => {
      const constant = new Distribution(histogramOf(new Float32Array(5).fill(0.7)))
      expect(searchBounds(constant, 4, strategy)).toMatchObject({ lower: Math.fround(0.7), upper: Math.fround(0.7) })
      const pair = new Distribution(histogramOf(Float32Array.of(-1, -1, 2)))
      const { lower, upper } = searchBounds(pair, 2, strategy)
      expect([lower, upper]).toEqual([-1, 2])
    }
  )

  it('of any size and sign give bounds within the extremes', () => {
    const numbers = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }), { minLength: 1 })
    fc.assert(
      fc.property(numbers, fc.constantFrom(2, 4, 8), (list, bits) => {
        const distribution = new Distribution(histogramOf(Float32Array.from(list)))
        const { lower, upper, error } = searchBounds(distribution, bits)
        const { min, max } = distribution.histogram
        expect(lower).toBeGreaterThanOrEqual(min)
        expect(upper).toBeLessThanOrEqual(max)
        expect(upper).toBeGreaterThanOrEqual(lower)
        expect(error).toBeGreaterThanOrEqual(0)
      })
    )
  })
})

describe('the baselines', () => {
  const values = Float32Array.from({ length: 10_001 }, (_, i) => i / 10_000)
  const distribution = new Distribution(histogramOf(values))

  it('MinMax takes the extremes', () => {
    expect(minmaxBounds(distribution)).toEqual({ lower: 0, upper: 1 })
  })

  it('Percentile leaves out the same share at either end', () => {
    const { lower, upper } = percentileBounds(distribution, 99)
    expect(lower).toBeCloseTo(0.01, 3)
    expect(upper).toBeCloseTo(0.99, 3)
    expect(percentileBounds(distribution, 100)).toEqual({ lower: 0, upper: 1 })
  })
})
