import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { layOutAxis, niceStep, valueText } from '../../../src/renderer/charts/axis'
import type { Axis } from '../../../src/renderer/charts/plot'

const axis = (scale: Axis['scale'], more: Partial<Axis> = {}): Axis => ({
  title: 'x',
  scale,
  format: 'number',
  ...more
})
const labels = (shown: Axis, extent: readonly [number, number]): readonly string[] =>
  layOutAxis(shown, extent).ticks.map(({ label }) => label)

describe('layOutAxis', () => {
  test('ends at ticks that are 1, 2 or 5 times a power of ten apart', () => {
    expect(labels(axis('linear'), [0.13, 0.87])).toEqual(['0', '0.2', '0.4', '0.6', '0.8', '1.0'])
    expect(labels(axis('linear'), [-3.2, 4.1])).toEqual(['−4', '−2', '0', '2', '4', '6'])
    expect(labels(axis('linear'), [0, 1437])).toEqual(['0', '500', '1000', '1500'])
  })

  test('stays as it is while values come in below its end', () => {
    const at = (last: number): readonly [number, number] => {
      const { least, greatest } = layOutAxis(axis('linear'), [0, last])
      return [least, greatest]
    }
    expect(at(1100)).toEqual(at(1499))
  })

  test('has a range of its own where it is given one, with ticks inside', () => {
    const { least, greatest, ticks } = layOutAxis(axis('linear', { range: [-3.3, 3.7] }), null)
    expect([least, greatest]).toEqual([-3.3, 3.7])
    expect(ticks.map(({ at }) => at)).toEqual([-2, 0, 2])
  })

  test('shows powers of ten on a logarithmic axis, and nothing that is not positive', () => {
    const layout = layOutAxis(axis('log'), [0.003, 40])
    expect(layout.ticks.map(({ label }) => label)).toEqual(['0.001', '0.010', '0.1', '1', '10', '100'].map(trimmed))
    expect(layout.project(100)).toBe(2)
    expect(layout.project(0)).toBeNaN()
    expect(layout.project(-1)).toBeNaN()
  })

  test('places roots of shares, zero included', () => {
    const layout = layOutAxis(axis('root', { format: 'percent' }), [0, 0.25])
    expect([layout.least, layout.greatest]).toEqual([0, 0.5])
    expect(layout.ticks.map(({ label }) => label)).toEqual(['0%', '1%', '2%', '5%', '10%', '20%'])
    expect(layout.ticks.map(({ at }) => at ** 2)).toEqual(
      [0, 0.01, 0.02, 0.05, 0.1, 0.2].map((share) => expect.closeTo(share, 12) as number)
    )
  })

  test('takes in every value, whatever the values are', () => {
    const finite = fc.double({ min: -1e9, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(finite, finite, fc.constantFrom<Axis['scale']>('linear', 'log', 'root'), (a, b, scale) => {
        const extent: [number, number] = [Math.min(a, b), Math.max(a, b)]
        const layout = layOutAxis(axis(scale), extent)
        expect(layout.greatest).toBeGreaterThan(layout.least)
        expect(layout.ticks.length).toBeLessThan(30)
        for (const value of extent) {
          const at = layout.project(value)
          const slack = 1e-6 * (layout.greatest - layout.least)
          // Beside zero, and on a logarithmic axis below it, there is nothing to be seen.
          if (Number.isNaN(at) || (Math.abs(value) < 1e-280 && scale !== 'linear')) continue
          if (scale === 'log' && extent[0] < 1e-280) continue
          expect(at).toBeGreaterThanOrEqual(layout.least - slack)
          expect(at).toBeLessThanOrEqual(layout.greatest + slack)
        }
      })
    )
  })
})

/** Labels have as many digits as their own power of ten asks for. */
const trimmed = (label: string): string => (label === '0.010' ? '0.01' : label)

test('niceStep rounds up to 1, 2 or 5 times a power of ten', () => {
  expect([0.13, 0.2, 0.3, 0.7, 1, 3, 40, 60].map(niceStep)).toEqual(
    [0.2, 0.2, 0.5, 1, 1, 5, 50, 100].map((step) => expect.closeTo(step, 12) as number)
  )
})

test('valueText tells four digits, and a dash for what is no number', () => {
  const texts = [0, 1500, -0.123456, 1e-7, NaN].map((value) => valueText({ format: 'number' }, value))
  expect(texts).toEqual(['0', '1500', '−0.1235', '1.000e−7', '–'])
  expect(valueText({ format: 'percent' }, 0.01234)).toBe('1.234%')
})
