import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bitsSchema, type Quantizer } from '../../../src/contract/bounds'
import type { HistogramEvent, JobEvent, QuantizerRow } from '../../../src/contract/events'
import { emptyJobView, withEvent } from '../../../src/contract/job-view'
import { Distribution } from '../../../src/core/calibration/histogram'
import type { Bounds } from '../../../src/core/quantization/quantizer'
import { makeContext } from '../../../src/engine/job'
import { DistributionReader } from '../../../src/engine/jobs/distribution'
import { quantize } from '../../../src/engine/jobs/quantize'
import { settingsOf } from '../../../src/contract/presets'
import { quantizerRow } from '../../../src/engine/jobs/quantizer-row'
import { loadModel } from '../../../src/engine/model-file'
import { plannedSites } from '../../../src/engine/plan'
import { openRun, readStatistics } from '../../../src/engine/run-folder'
import { readSafetensors } from '../../../src/formats/safetensors'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const run = join(folder, 'run')
const bits = 3
const patches = 5
const weight = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'
const activation = 'layers.0.residual_group.blocks.0.mlp.fc2.input'
const told: HistogramEvent[] = []
const events: JobEvent[] = []
let values: Float32Array

async function calibrate(out: string, seed: number, emit: (event: JobEvent) => void = () => undefined): Promise<void> {
  const settings = {
    ...settingsOf('fast'),
    bits: [bitsSchema.parse({ weight: bits, activation: bits })],
    methods: ['minmax' as const, 'dbdc' as const, 'dobi' as const],
    patches,
    patchSize: 16,
    seed,
    distillation: null
  }
  const config = { model: bundledModel, overrides: {}, scale: undefined, calibrationKind: undefined, settings }
  const context = await makeContext(emit, new AbortController().signal)
  await quantize({ ...config, calibration: join(folder, 'pictures'), out, tellsTime: false }, context)
}

/** Root mean square of x − Q(x), value by value. */
function errorOf(x: Float32Array, { lower, upper }: Bounds): number {
  const step = (upper - lower) / (2 ** bits - 1)
  const squares = x.map((each) => {
    const clipped = Math.min(Math.max(each, lower), upper)
    return (each - (lower + step * Math.round((clipped - lower) / step))) ** 2
  })
  return Math.sqrt(squares.reduce((a, b) => a + b, 0) / x.length)
}

async function boundsOf(method: string, name: string): Promise<Quantizer> {
  const { bounds } = await openRun(run)
  const found = bounds.variants.find((each) => each.method === method)?.quantizers.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no ${name} of ${method}`)
  return found
}

const viewOf = (told: readonly JobEvent[]): readonly QuantizerRow[] =>
  told.reduce(withEvent, emptyJobView).quantizers?.rows ?? []

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

beforeAll(async () => {
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(folder, 'pictures', 'HR', 'two.png'), 101, 90, 7)
  await calibrate(run, 0, (event) => {
    events.push(event)
    if (event.kind === 'histogram') told.push(event)
  })
  const tensor = readSafetensors(readFileSync(bundledModel), 'model').tensors.get(weight)
  if (!(tensor?.data instanceof Float32Array)) throw new Error('the weight is no float32 tensor')
  values = tensor.data
})

describe('how a tensor is distributed', () => {
  it('is told as its values, counted one by one, are', async () => {
    const { name, min, max, shares } = await new DistributionReader().distribution(run, weight)
    expect([name, min, max]).toEqual([weight, Math.min(...values), Math.max(...values)])
    expect(shares).toHaveLength(128)
    expect(sum(shares)).toBeCloseTo(1, 12)
    let below = 0
    for (const [i, share] of shares.entries()) {
      below += share
      const edge = min + ((i + 1) * (max - min)) / shares.length
      // A fine bin lies across the edge.
      expect(Math.abs(below - values.filter((value) => value <= edge).length / values.length)).toBeLessThan(2e-3)
    }
  })

  it('has the bounds of every method with the error that they leave, value by value', async () => {
    const { variants } = await new DistributionReader().distribution(run, weight)
    expect(variants.map(({ method }) => method)).toEqual(['minmax', 'dbdc', 'dobi'])
    for (const { method, lower, upper, error } of variants) {
      const bounds = await boundsOf(method, weight)
      expect([lower, upper]).toEqual([bounds.lower, bounds.upper])
      // Channels have bounds of their own in DBDC.
      if (method === 'dbdc') expect(error).toBeNull()
      else expect((error ?? NaN) / errorOf(values, bounds)).toBeCloseTo(1, 2)
    }
    const [minmax, , dobi] = variants
    expect(dobi?.error).toBeLessThan(minmax?.error ?? NaN)
  })

  it('of an activation has an error in every method', async () => {
    const { shares, variants } = await new DistributionReader().distribution(run, activation)
    expect(sum(shares)).toBeCloseTo(1, 12)
    expect(variants.map(({ error }) => (error ?? 0) > 0)).toEqual([true, true, true])
  })

  it('has no error for weights that were trained after they were counted', async () => {
    const copy = join(folder, 'trained')
    cpSync(run, copy, { recursive: true })
    const file = join(copy, 'bounds.json')
    const { bounds } = await openRun(copy)
    const variants = bounds.variants.map((variant) => ({ ...variant, method: '2dquant+', weights: 'x.safetensors' }))
    writeFileSync(file, JSON.stringify({ ...bounds, variants: variants.slice(2) }))
    const reader = new DistributionReader()
    const errors = [weight, activation].map(async (name) => (await reader.distribution(copy, name)).variants[0]?.error)
    expect((await Promise.all(errors)).map((error) => error === null)).toEqual([true, false])
  })
})

describe('the error along the search', () => {
  it.each([weight, activation])(
    'begins at the whole range and has its least at the bounds of DOBI: %s',
    async (name) => {
      const reader = new DistributionReader()
      const { search, candidates } = await reader.errorCurve(run, name, bits)
      const { min, max } = await reader.distribution(run, name)
      const found = await boundsOf('dobi', name)
      expect(candidates).toHaveLength(100)
      expect(candidates[0]).toMatchObject({ lower: min, upper: max })
      expect(search).toBe(found.search)
      const least = candidates.reduce((a, b) => (b.error < a.error ? b : a))
      expect([least.lower, least.upper].map(Math.fround)).toEqual([found.lower, found.upper])
    }
  )

  it('is what remains value by value', async () => {
    const { candidates } = await new DistributionReader().errorCurve(run, weight, bits)
    for (const candidate of candidates) expect(candidate.error / errorOf(values, candidate)).toBeCloseTo(1, 2)
  })
})

describe('reading', () => {
  it('tells what is missing, and finds it once it is there', async () => {
    const reader = new DistributionReader()
    await expect(reader.distribution(run, 'no.such')).rejects.toMatchObject({ code: 'missing' })
    await expect(reader.distribution(join(folder, 'nowhere'), weight)).rejects.toMatchObject({ code: 'missing' })
    const other = join(folder, 'other')
    cpSync(run, other, { recursive: true })
    const [file, away] = [join(other, 'statistics.bin'), join(other, 'away')]
    renameSync(file, away)
    await expect(reader.distribution(other, weight)).rejects.toMatchObject({ code: 'missing' })
    renameSync(away, file)
    expect(await reader.distribution(other, weight)).toEqual(await reader.distribution(run, weight))
  })

  it('takes a new run in the place of an old one for what it is', async () => {
    const reader = new DistributionReader()
    const [place, next] = [join(folder, 'place'), join(folder, 'next')]
    cpSync(run, place, { recursive: true })
    const old = await reader.distribution(place, activation)
    await calibrate(next, 1)
    const wanted = await new DistributionReader().distribution(next, activation)
    rmSync(place, { recursive: true })
    renameSync(next, place)
    expect(await reader.distribution(place, activation)).toEqual(wanted)
    expect(wanted.shares).not.toEqual(old.shares)
  })
})

describe('what is told of one activation while statistics are collected', () => {
  it('comes once for every patch, and ends with the bounds that are found', async () => {
    expect(told.map((event) => event.patches)).toEqual([1, 2, 3, 4, 5, 5])
    const [{ name }] = told as [HistogramEvent]
    expect(new Set(told.map((event) => event.name))).toEqual(new Set([name]))
    for (const { shares } of told) expect(sum(shares)).toBeCloseTo(1, 12)
    const last = told.at(-1)
    const found = await boundsOf('dobi', name)
    expect([last?.lower, last?.upper]).toEqual([found.lower, found.upper])
    const { min, max, shares } = await new DistributionReader().distribution(run, name)
    expect([last?.min, last?.max, last?.shares]).toEqual([min, max, shares])
  })
})

describe('what is told of all quantizers while a run calibrates', () => {
  it('begins with the weights and their bounds, then has every activation, in the order of the network', async () => {
    const parts = events.flatMap((event) => (event.kind === 'quantizers' ? [event] : []))
    expect(new Set(parts.map(({ method, bits }) => `${method} ${bits.weight}/${bits.activation}`))).toEqual(
      new Set([`dobi ${bits}/${bits}`])
    )
    const firstPatch = events.findIndex((event) => event.kind === 'progress')
    const before = viewOf(events.slice(0, firstPatch)).filter(({ kind }) => kind === 'weight')
    expect(before.every(({ bounds }) => bounds !== null)).toBe(true)
    const names = (await openRun(run)).bounds.variants[0]?.quantizers.map(({ name }) => name)
    expect(viewOf(events.slice(0, firstPatch)).map(({ name }) => name)).toEqual(names)
    expect(before).toHaveLength(48)
  })

  it('ends as the run folder has it, and leaves nothing in its list of events', async () => {
    const found = (await openRun(run)).bounds.variants.find(({ method }) => method === 'dobi')?.quantizers ?? []
    const statistics = await readStatistics(run)
    const { model } = await loadModel(bundledModel)
    const sites = plannedSites(model, false, null)
    const wanted = found.map((quantizer, i) => {
      const histogram = statistics.get(sites[i]?.value ?? '')
      if (histogram === undefined) throw new Error(`there are no statistics of ${quantizer.name}`)
      return quantizerRow(quantizer, new Distribution(histogram))
    })
    expect(viewOf(events)).toEqual(wanted)
    expect(readFileSync(join(run, 'events.jsonl'), 'utf8')).not.toContain('quantizers')
  })

  it('has shares and errors that are so value by value', () => {
    const row = viewOf(events).find(({ name }) => name === weight)
    const { lower = NaN, upper = NaN, belowLower, belowUpper, error = NaN, sqnr = NaN } = row?.bounds ?? {}
    const below = (bound: number): number => values.filter((value) => value < bound).length / values.length
    expect([row?.min, row?.max]).toEqual([Math.min(...values), Math.max(...values)])
    expect(Math.abs((belowLower ?? NaN) - below(lower))).toBeLessThan(2e-3)
    expect(Math.abs((belowUpper ?? NaN) - below(upper))).toBeLessThan(2e-3)
    const wanted = errorOf(values, { lower, upper })
    expect((error ?? NaN) / wanted).toBeCloseTo(1, 2)
    const signal = Math.sqrt(sum([...values.map((value) => value ** 2)]) / values.length)
    expect(sqnr).toBeCloseTo(20 * Math.log10(signal / wanted), 1)
  })
})
