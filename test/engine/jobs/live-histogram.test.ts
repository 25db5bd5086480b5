import { describe, expect, it } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import type { HistogramEvent } from '../../../src/contract/events'
import type { QuantizeSettings } from '../../../src/contract/run'
import { searchBounds } from '../../../src/core/calibration/dobi'
import { Distribution, histogramOf } from '../../../src/core/calibration/histogram'
import type { QuantizerSite } from '../../../src/core/quantization/placement'
import { liveHistogram } from '../../../src/engine/jobs/live-histogram'
import { settingsOf } from '../../../src/contract/presets'

const settings: QuantizeSettings = {
  ...settingsOf('fast'),
  bits: [4, 2].map((bits) => bitsSchema.parse({ weight: 8, activation: bits }))
}

/** Made-up tensors: one is even, one has far outliers, one is a constant; a weight has the farthest. */
const tensors: Readonly<Record<string, (i: number) => number>> = {
  even: (i) => Math.sin(i * 12.9898) * 2,
  outliers: (i) => Math.sin(i * 78.233) * (i % 500 === 0 ? 40 : 1),
  constant: () => 0.5,
  weight: (i) => Math.sin(i) * (i % 900 === 0 ? 500 : 1)
}
const sites = Object.keys(tensors).map((value): QuantizerSite => {
  return { name: `${value}.q`, kind: value === 'weight' ? 'weight' : 'activation', value, node: value, input: 0 }
})

/** The histogram of a tensor after so many patches of 2000 values. */
const after = (patches: number, value: string): ReturnType<typeof histogramOf> =>
  histogramOf(Float32Array.from({ length: 2000 * patches }, (_, i) => tensors[value]?.(i) ?? NaN))

/** What is told of a collection of three patches. */
function told(changes: Partial<QuantizeSettings>, shown = sites): readonly HistogramEvent[] {
  const events: HistogramEvent[] = []
  const tell = liveHistogram(shown, { ...settings, ...changes }, (event) => {
    if (event.kind === 'histogram') events.push(event)
  })
  for (const patchesDone of [1, 2, 3]) tell({ patchesDone, histogramOf: (value) => after(patchesDone, value) })
  return events
}

describe('the histogram that is shown while statistics are collected', () => {
  it('is of the activation for which a search pays most, and stays with it', () => {
    expect(told({}).map(({ name, patches }) => [name, patches])).toEqual([1, 2, 3].map((n) => ['outliers.q', n]))
    const others = sites.filter(({ value }) => value !== 'outliers')
    expect(new Set(told({}, others).map(({ name }) => name))).toEqual(new Set(['even.q']))
  })

  it.each(['by-shape', 'two-sided', 'one-sided', 'joint'] as const)(
    'has the bounds that the search of the run finds in what was seen: %s',
    (search) => {
      for (const { patches, bits, lower, upper, min, max, shares } of told({ search })) {
        const distribution = new Distribution(after(patches, 'outliers'))
        const found = searchBounds(distribution, 2, search, settings.searchSteps)
        expect([bits, lower, upper]).toEqual([2, found.lower, found.upper])
        expect([min, max]).toEqual([distribution.histogram.min, distribution.histogram.max])
        expect(shares).toHaveLength(128)
        expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
        // MinMax would reach the outliers.
        expect(upper).toBeLessThan(max)
      }
    }
  )

  it('is of a constant where there is nothing else', () => {
    const constant = sites.filter(({ value }) => value === 'constant')
    for (const { lower, upper, shares } of told({}, constant)) {
      expect([lower, upper, shares.reduce((a, b) => a + b, 0)]).toEqual([0.5, 0.5, 1])
    }
  })

  it('is not there without DOBI, nor without activations', () => {
    expect(told({ methods: ['minmax', 'percentile'] })).toEqual([])
    expect(
      told(
        {},
        sites.filter(({ kind }) => kind === 'weight')
      )
    ).toEqual([])
  })
})
