import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import type { HistogramEvent, JobEvent, QuantizerRow } from '../../../src/contract/events'
import { emptyJobView, withEvent } from '../../../src/contract/job-view'
import { settingsOf } from '../../../src/contract/presets'
import type { QuantizeSettings } from '../../../src/contract/run'
import { searchBounds } from '../../../src/core/calibration/dobi'
import { Distribution, histogramOf } from '../../../src/core/calibration/histogram'
import type { StatisticsProgress } from '../../../src/core/calibration/statistics'
import type { Graph } from '../../../src/core/graph/graph'
import type { QuantizerSite } from '../../../src/core/quantization/placement'
import { makeContext, type JobContext } from '../../../src/engine/job'
import { BoundsSearch } from '../../../src/engine/jobs/bounds-search'
import { LiveCalibration, shownVariant } from '../../../src/engine/jobs/live-calibration'

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
  return {
    name: `${value}.q`,
    kind: value === 'weight' ? 'weight' : 'activation',
    value,
    readers: [{ node: value, input: 0 }]
  }
})
const without = (value: string): readonly QuantizerSite[] => sites.filter((site) => site.value !== value)
const graph: Graph = { inputs: [], outputs: [], nodes: [], initializers: new Map() }

/** The histogram of a tensor after so many patches of 2000 values. */
const after = (patches: number, value: string): ReturnType<typeof histogramOf> =>
  histogramOf(Float32Array.from({ length: 2000 * patches }, (_, i) => tensors[value]?.(i) ?? NaN))

const progress = (patchesDone: number): StatisticsProgress => {
  const histogram = (value: string): ReturnType<typeof histogramOf> => after(patchesDone, value)
  return { patchesDone, histogramOf: histogram, rangeOf: histogram }
}

let context: JobContext
let events: JobEvent[]
let watched: string | null

beforeEach(async () => {
  events = []
  watched = null
  context = await makeContext((event) => events.push(event), new AbortController().signal)
})

const live = (changes: Partial<QuantizeSettings> = {}, shown: readonly QuantizerSite[] = sites): LiveCalibration => {
  const changed = { ...settings, ...changes }
  return new LiveCalibration(shown, changed, new BoundsSearch(graph, shown, changed), () => watched, context)
}

/** Lets time pass as a network would take it, so that there is some for bounds. */
function compute(milliseconds: number): void {
  const began = performance.now()
  while (performance.now() - began < milliseconds);
}

const histograms = (): readonly HistogramEvent[] =>
  events.flatMap((event) => (event.kind === 'histogram' ? [event] : []))
const rows = (): readonly QuantizerRow[] => events.reduce(withEvent, emptyJobView).quantizers?.rows ?? []
const rowOf = (name: string): QuantizerRow | undefined => rows().find((row) => row.name === name)

/** Histograms told of a collection of three patches. */
function told(changes: Partial<QuantizeSettings>, shown: readonly QuantizerSite[] = sites): readonly HistogramEvent[] {
  const calibration = live(changes, shown)
  for (const patch of [1, 2, 3]) calibration.addPatch(progress(patch))
  return histograms()
}

describe('the variant that is shown', () => {
  it('is that of DOBI at the fewest bits of activations, then of weights', () => {
    const bits = [
      { weight: 8, activation: 4 },
      { weight: 4, activation: 2 },
      { weight: 2, activation: 2 },
      { weight: 2, activation: 8 }
    ] as const
    const methods = ['minmax', 'dobi', '2dquant'] as const
    expect(shownVariant({ ...settings, methods: [...methods], bits: [...bits] })).toEqual({
      method: 'dobi',
      bits: bits[2]
    })
  })

  it('is that of the first method without training where DOBI is none of them', () => {
    expect(shownVariant({ ...settings, methods: ['percentile', 'dbdc', '2dquant'] }).method).toBe('percentile')
  })
})

describe('the histogram that is shown while statistics are collected', () => {
  it('is of the activation for which a search pays most, and stays with it', () => {
    expect(told({}).map(({ name, patches }) => [name, patches])).toEqual([1, 2, 3].map((n) => ['outliers.q', n]))
    events = []
    expect(new Set(told({}, without('outliers')).map(({ name }) => name))).toEqual(new Set(['even.q']))
  })

  it.each(['by-shape', 'two-sided', 'one-sided', 'joint'] as const)(
    'has the bounds that the search of the run finds in what was seen: %s',
    (search) => {
      for (const { patches, bits, lower, upper, min, max, shares } of told({ search })) {
        const distribution = new Distribution(after(patches, 'outliers'))
        const found = searchBounds(distribution, 2, search, settings.searchSteps)
        expect([bits, lower, upper]).toEqual([2, Math.fround(found.lower), Math.fround(found.upper)])
        expect([min, max]).toEqual([distribution.histogram.min, distribution.histogram.max])
        expect(shares).toHaveLength(128)
        expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
        // MinMax would reach the outliers.
        expect(upper).toBeLessThan(max)
      }
    }
  )

  it('has the bounds of the first method where DOBI is none of them', () => {
    for (const { lower, upper, min, max } of told({ methods: ['minmax', 'percentile'] })) {
      expect([lower, upper]).toEqual([Math.fround(min), Math.fround(max)])
    }
  })

  it('is of a constant where there is nothing else', () => {
    const constant = sites.filter(({ value }) => value === 'constant')
    for (const { lower, shares } of told({}, constant)) {
      expect([lower, shares.reduce((a, b) => a + b, 0)]).toEqual([0.5, 1])
    }
  })

  it('is not there without activations, unless a weight is looked at', () => {
    const calibration = live({}, without('even').slice(2))
    calibration.addWeight('weight', new Distribution(after(1, 'weight')))
    calibration.begin()
    expect(histograms()).toEqual([])
    watched = 'weight.q'
    calibration.tellWatched()
    expect(histograms()).toMatchObject([{ name: 'weight.q', patches: 0, bits: 8 }])
  })

  it('is of the quantizer that is looked at: at once where it is known, else with the next patch', () => {
    const calibration = live()
    watched = 'even.q'
    calibration.begin()
    calibration.tellWatched()
    expect(histograms()).toEqual([])
    calibration.addPatch(progress(1))
    watched = 'constant.q'
    calibration.tellWatched()
    calibration.addPatch(progress(2))
    watched = null
    calibration.tellWatched()
    watched = 'no.such'
    calibration.addPatch(progress(3))
    expect(histograms().map(({ name, patches }) => [name, patches])).toEqual([
      ['even.q', 1],
      ['constant.q', 1],
      ['constant.q', 2],
      ['outliers.q', 2],
      ['outliers.q', 3]
    ])
  })
})

describe('the rows that are shown while statistics are collected', () => {
  it('have a weight with its bounds before there is a patch', () => {
    const calibration = live()
    calibration.addWeight('weight', new Distribution(after(1, 'weight')))
    calibration.begin()
    const { lower, upper, error } = searchBounds(new Distribution(after(1, 'weight')), 8, 'by-shape', 100)
    const [row] = rows()
    expect(rows()).toHaveLength(1)
    // Of 2000 values one lies far above the others.
    expect(row).toMatchObject({ name: 'weight.q', kind: 'weight', bits: 8, shape: 'one-sided' })
    expect(row?.bounds).toMatchObject({ lower: Math.fround(lower), upper: Math.fround(upper), found: null })
    expect((row?.bounds?.error ?? NaN) / (error / Math.sqrt(2000))).toBeCloseTo(1, 4)
  })

  it('have all activations after the first patch, in the order of the network, and their bounds when there was time', () => {
    // Patches take their time, and finding bounds takes none.
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const calibration = live()
    calibration.addWeight('weight', new Distribution(after(1, 'weight')))
    calibration.begin()
    calibration.addPatch(progress(1))
    expect(rows().map(({ name }) => name)).toEqual(sites.map(({ name }) => name))
    const activations = sites.slice(0, 3).map(({ name }) => name)
    expect(activations.map((name) => rowOf(name)?.bounds)).toEqual([null, null, null])
    for (let patch = 2; patch <= 6; patch++) {
      vi.advanceTimersByTime(120)
      calibration.addPatch(progress(patch))
    }
    const { min, max } = after(6, 'outliers')
    const { lower, upper } = searchBounds(new Distribution(after(6, 'outliers')), 2, 'by-shape', 100)
    const bounds = { lower: Math.fround(lower), upper: Math.fround(upper) }
    expect(rowOf('outliers.q')).toMatchObject({ min, max, bounds })
  })

  it('take a small share of the time that patches take', () => {
    const calibration = live({ search: 'joint', bits: [{ weight: 8, activation: 8 }] })
    calibration.addPatch(progress(1))
    let spent = 0
    for (let patch = 2; patch <= 12; patch++) {
      compute(40)
      // Making the histograms up takes time as well, which is none of what is measured.
      const made = new Map(sites.map(({ value }) => [value, after(2, value)]))
      const of = (value: string): ReturnType<typeof histogramOf> | undefined => made.get(value)
      const began = performance.now()
      calibration.addPatch({ patchesDone: patch, histogramOf: of, rangeOf: of })
      spent += performance.now() - began
    }
    const once = performance.now()
    searchBounds(new Distribution(after(2, 'outliers')), 8, 'joint', settings.searchSteps)
    // One search may begin before the time is up.
    expect(spent).toBeLessThan(0.07 * 11 * 60 + 50 + 3 * (performance.now() - once))
  })

  it('are told again only where they changed', () => {
    const calibration = live()
    calibration.addPatch(progress(1))
    events = []
    compute(120)
    const same = progress(1)
    calibration.addPatch({ ...same, patchesDone: 2 })
    compute(120)
    calibration.addPatch({ ...same, patchesDone: 3 })
    events = []
    compute(120)
    calibration.addPatch({ ...same, patchesDone: 4 })
    expect(events.filter(({ kind }) => kind === 'quantizers')).toEqual([])
  })
})
