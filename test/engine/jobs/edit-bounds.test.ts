import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bitsSchema, type Quantizer } from '../../../src/contract/bounds'
import type { BoundsEdit } from '../../../src/contract/runs'
import type { Bounds } from '../../../src/core/quantization/quantizer'
import { readEvaluation } from '../../../src/engine/evaluation-file'
import { makeContext } from '../../../src/engine/job'
import { DistributionReader } from '../../../src/engine/jobs/distribution'
import { editBounds } from '../../../src/engine/jobs/edit-bounds'
import { measure } from '../../../src/engine/jobs/measure'
import { quantize } from '../../../src/engine/jobs/quantize'
import { settingsOf } from '../../../src/contract/presets'
import { openRun } from '../../../src/engine/run-folder'
import { readSafetensors } from '../../../src/formats/safetensors'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const original = join(folder, 'original')
const bits = bitsSchema.parse({ weight: 3, activation: 3 })
const dobi = { method: 'dobi' as const, bits }
const set = { folder: join(folder, 'photos') }
const weight = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'
const activation = 'layers.0.residual_group.blocks.0.mlp.fc2.input'
let values: readonly number[] = []
let number = 0
let run = ''

const context = await makeContext(() => undefined, new AbortController().signal)

beforeAll(async () => {
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(set.folder, 'HR', 'two.png'), 64, 48, 7)
  const methods = ['dbdc' as const, 'dobi' as const]
  const settings = { ...settingsOf('fast'), bits: [bits], methods, patches: 2, patchSize: 16, distillation: null }
  const config = { model: bundledModel, overrides: {}, scale: undefined, calibrationKind: undefined, settings }
  await quantize({ ...config, calibration: join(folder, 'pictures'), out: original, tellsTime: false }, context)
  const tensor = readSafetensors(readFileSync(bundledModel), 'model').tensors.get(weight)
  if (!(tensor?.data instanceof Float32Array)) throw new Error('the weight is no float32 tensor')
  values = [...tensor.data]
})

beforeEach(() => {
  run = join(folder, `run ${++number}`)
  cpSync(original, run, { recursive: true })
})

const edit = (name: string, bounds: Bounds | null, frozen = false): BoundsEdit => ({ name, bounds, frozen })

async function quantizerOf(name: string): Promise<Quantizer> {
  const { bounds } = await openRun(run)
  const variant = bounds.variants.find(({ method }) => method === 'dobi')
  const found = variant?.quantizers.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** Σ x² and Σ (x − Q(x))², value by value. */
function energies({ lower, upper }: Bounds): readonly [signal: number, noise: number] {
  const step = (upper - lower) / (2 ** bits.weight - 1)
  let [signal, noise] = [0, 0]
  for (const x of values) {
    const clipped = Math.min(Math.max(x, lower), upper)
    signal += x ** 2
    noise += (x - (lower + step * Math.round((clipped - lower) / step))) ** 2
  }
  return [signal, noise]
}

const shareBelow = (bound: number): number => values.filter((x) => x < bound).length / values.length

describe('the quantizers of a variant', () => {
  it('are told in the order of the network, as the values themselves say', async () => {
    const rows = await new DistributionReader().quantizers({ folder: run, ...dobi })
    const { bounds } = await openRun(run)
    expect(rows.map(({ name }) => name)).toEqual(bounds.variants[1]?.quantizers.map(({ name }) => name))
    const row = rows.find(({ name }) => name === weight)
    const { lower, upper } = await quantizerOf(weight)
    expect(row).toMatchObject({ kind: 'weight', bits: 3, min: Math.min(...values), max: Math.max(...values) })
    expect(row?.bounds).toMatchObject({ lower, upper, found: null, frozen: false })
    const [signal, noise] = energies({ lower, upper })
    expect((row?.bounds?.error ?? NaN) / Math.sqrt(noise / values.length)).toBeCloseTo(1, 2)
    expect(row?.bounds?.sqnr).toBeCloseTo(10 * Math.log10(signal / noise), 1)
    expect(row?.bounds?.belowLower).toBeCloseTo(shareBelow(lower), 3)
    expect(row?.bounds?.belowUpper).toBeCloseTo(shareBelow(upper), 3)
  })

  it('have the shape by which DOBI searched', async () => {
    const rows = await new DistributionReader().quantizers({ folder: run, ...dobi })
    const { bounds } = await openRun(run)
    expect(rows.map(({ shape }) => shape)).toEqual(bounds.variants[1]?.quantizers.map(({ search }) => search))
    expect(new Set(rows.map(({ shape }) => shape)).size).toBe(2)
  })

  it('have no error where every channel has bounds of its own', async () => {
    const rows = await new DistributionReader().quantizers({ folder: run, method: 'dbdc', bits })
    for (const { kind, bounds } of rows) {
      expect([bounds?.error === null, bounds?.sqnr === null]).toEqual(Array(2).fill(kind === 'weight'))
    }
  })

  it('are read anew once, and then told at once', async () => {
    const reader = new DistributionReader()
    const first = await reader.quantizers({ folder: run, ...dobi })
    const started = performance.now()
    expect(await reader.quantizers({ folder: run, ...dobi })).toEqual(first)
    // Reading the file of statistics alone takes longer.
    expect(performance.now() - started).toBeLessThan(300)
  })

  it('of a variant that is not there are missing', async () => {
    const asked = new DistributionReader().quantizers({ folder: run, method: 'minmax', bits })
    await expect(asked).rejects.toMatchObject({ code: 'missing' })
  })
})

describe('a gallery', () => {
  it('tells quantiles and shares of each tensor', async () => {
    const [first, second, ...more] = await new DistributionReader().gallery(run, [weight, activation])
    expect([first?.name, second?.name, more]).toEqual([weight, activation, []])
    const sorted = values.toSorted((a, b) => a - b)
    const width = (Math.max(...values) - Math.min(...values)) / 1000
    for (const [i, share] of [0.01, 0.25, 0.5, 0.75, 0.99].entries()) {
      const expected = sorted[Math.floor(share * (sorted.length - 1))] ?? NaN
      expect(Math.abs((first?.quantiles[i] ?? NaN) - expected)).toBeLessThan(8 * width)
    }
    for (const { shares } of [first, second].flatMap((each) => each ?? [])) {
      expect(shares).toHaveLength(64)
      expect(shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
    }
  })

  it('refuses a name that is none', async () => {
    await expect(new DistributionReader().gallery(run, ['no.such'])).rejects.toMatchObject({ code: 'missing' })
  })
})

describe('bounds that are tried', () => {
  it('tell what they would do, and change nothing', async () => {
    const before = readFileSync(join(run, 'bounds.json'), 'utf8')
    const reader = new DistributionReader()
    for (const bounds of [
      { lower: -0.1, upper: 0.2 },
      { lower: -2, upper: 3 }
    ]) {
      const [signal, noise] = energies(bounds)
      const tried = await reader.tryBounds({ folder: run, quantizer: weight, bits: 3, ...bounds })
      expect(tried.error / Math.sqrt(noise / values.length)).toBeCloseTo(1, 2)
      expect(tried.sqnr).toBeCloseTo(10 * Math.log10(signal / noise), 1)
      expect(tried.belowLower).toBeCloseTo(shareBelow(bounds.lower), 3)
      expect(tried.belowUpper).toBeCloseTo(shareBelow(bounds.upper), 3)
    }
    expect(readFileSync(join(run, 'bounds.json'), 'utf8')).toBe(before)
    const none = reader.tryBounds({ folder: run, quantizer: weight, bits: 3, lower: 1, upper: 1 })
    await expect(none).rejects.toMatchObject({ code: 'refused' })
  })
})

describe('bounds that are set by hand', () => {
  it('are kept in 32 bits beside what was found first, and given back', async () => {
    const { lower, upper, ...rest } = await quantizerOf(weight)
    await editBounds(run, dobi, [edit(weight, { lower: -0.1, upper: 0.3 })])
    const wanted = { ...rest, lower: Math.fround(-0.1), upper: Math.fround(0.3), found: { lower, upper } }
    expect(await quantizerOf(weight)).toEqual(wanted)
    await editBounds(run, dobi, [edit(weight, { lower: -0.2, upper: 0.3 }, true)])
    expect(await quantizerOf(weight)).toEqual({ ...wanted, lower: Math.fround(-0.2), frozen: true })
    await editBounds(run, dobi, [edit(weight, null)])
    expect(await quantizerOf(weight)).toEqual({ ...rest, lower, upper })
    expect((await openRun(run)).bounds).toEqual((await openRun(original)).bounds)
  })

  it('are as found again where they are set to that, and frozen alone as well', async () => {
    const before = await quantizerOf(weight)
    const { lower, upper } = before
    await editBounds(run, dobi, [edit(weight, { lower: -1, upper: 1 }), edit(weight, { lower, upper })])
    expect(await quantizerOf(weight)).toEqual(before)
    await editBounds(run, dobi, [edit(weight, null, true)])
    expect(await quantizerOf(weight)).toEqual({ ...before, frozen: true })
  })

  it('change what is measured and its pictures, are marked as outdated until then, and are looked at', async () => {
    const measured = await measure({ run, sets: [set], memoryCap: undefined }, context)
    const psnrOf = (results: typeof measured): number =>
      results.find(({ method }) => method === 'dobi')?.sets[0]?.mean.psnr ?? NaN
    const picture = async (wanted: string): Promise<Buffer> => {
      const views = (await readEvaluation(run))?.pictures[0]?.views ?? []
      return readFileSync(join(run, views.find(({ method }) => method === wanted)?.file ?? ''))
    }
    const before = await picture('dobi')
    await editBounds(run, dobi, [edit(weight, null, true)])
    expect((await readEvaluation(run))?.outdated).toEqual([])
    // In steps of hundreds, nothing is left of what is quantized.
    const names = (await openRun(run)).bounds.variants[1]?.quantizers.map(({ name }) => name) ?? []
    const all = names.map((name) => edit(name, { lower: -1000, upper: 1000 }))
    for (const edits of [all.slice(0, 1), all.slice(1)]) await editBounds(run, dobi, edits)
    const evaluation = await readEvaluation(run)
    expect(evaluation).toMatchObject({ outdated: [dobi], results: measured })
    const again = await measure({ run, sets: [set], memoryCap: undefined }, context)
    expect(psnrOf(again)).toBeLessThan(psnrOf(measured) - 1)
    expect((await picture('dobi')).equals(before)).toBe(false)
    expect((await picture('dbdc')).length).toBeGreaterThan(0)
    expect((await readEvaluation(run))?.outdated).toEqual([])
    const [row] = await new DistributionReader().quantizers({ folder: run, ...dobi }, new Set([activation]))
    expect(row?.bounds).toMatchObject({ lower: -1000, upper: 1000, frozen: false })
    expect(row?.bounds?.found).not.toBeNull()
  })

  it.each([
    ['that cross', weight, { lower: 1, upper: -1 }, 'refused'],
    ['that are one value in 32 bits', weight, { lower: 1, upper: 1 + 1e-9 }, 'refused'],
    ['that are not finite in 32 bits', weight, { lower: -1, upper: 1e39 }, 'refused'],
    ['of a quantizer that is not there', 'no.such', { lower: -1, upper: 1 }, 'missing']
  ])('%s are refused with all that was asked for beside them', async (_, name, bounds, code) => {
    const before = readFileSync(join(run, 'bounds.json'), 'utf8')
    const edits = [edit(activation, { lower: -1, upper: 1 }), edit(name, bounds)]
    await expect(editBounds(run, dobi, edits)).rejects.toMatchObject({ code })
    expect(readFileSync(join(run, 'bounds.json'), 'utf8')).toBe(before)
    expect(readdirSync(run).filter((file) => file.includes('partial'))).toEqual([])
  })

  it('have an integer zero point where the run has these, and so have those that are tried', async () => {
    const file = join(run, 'run.json')
    const told = JSON.parse(readFileSync(file, 'utf8')) as { settings: object }
    writeFileSync(file, JSON.stringify({ ...told, settings: { ...told.settings, zeroPoint: 'integer' } }))
    // Steps of 0.1, three of them below 0; 7 in all.
    const given = { lower: -0.33, upper: 0.37 }
    await editBounds(run, dobi, [edit(weight, given)])
    const { lower, upper } = await quantizerOf(weight)
    expect(lower).toBeCloseTo(-0.3, 5)
    expect(upper).toBeCloseTo(0.4, 5)
    const tried = await new DistributionReader().tryBounds({ folder: run, quantizer: weight, bits: 3, ...given })
    const [, noise] = energies({ lower, upper })
    expect(tried.error / Math.sqrt(noise / values.length)).toBeCloseTo(1, 2)
  })

  it('are refused where every channel has its own, and where there is no such variant', async () => {
    const edits = [edit(weight, { lower: -1, upper: 1 })]
    await expect(editBounds(run, { method: 'dbdc', bits }, edits)).rejects.toThrow(/channel.*own/)
    await expect(editBounds(run, { method: 'minmax', bits }, edits)).rejects.toMatchObject({ code: 'missing' })
    await editBounds(run, { method: 'dbdc', bits }, [edit(activation, { lower: -1, upper: 1 })])
  })

  it('are refused while another process holds the run', async () => {
    const lock = join(run, 'lock')
    writeFileSync(lock, String(process.ppid))
    const edits = [edit(weight, { lower: -1, upper: 1 })]
    await expect(editBounds(run, dobi, edits)).rejects.toMatchObject({ code: 'refused' })
    rmSync(lock)
    await editBounds(run, dobi, edits)
  })
})
