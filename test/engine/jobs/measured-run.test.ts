import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { bitsSchema, type Quantizer } from '../../../src/contract/bounds'
import type { JobEvent } from '../../../src/contract/events'
import { settingsOf } from '../../../src/contract/presets'
import { readEvaluation } from '../../../src/engine/evaluation-file'
import { makeContext } from '../../../src/engine/job'
import { editBounds } from '../../../src/engine/jobs/edit-bounds'
import { evaluate } from '../../../src/engine/jobs/evaluate'
import { quantizeAndMeasure, resumeAndMeasure } from '../../../src/engine/jobs/measured-run'
import { openRun } from '../../../src/engine/run-folder'
import { TrainingControl } from '../../../src/engine/training/control'
import { temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'
import { writeSmallModel } from '../../golden-model'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const photos = { folder: join(folder, 'photos') }
const model = writeSmallModel(folder)
const flat = { folder: join(folder, 'flat'), kind: 'hr' as const }
const bits = bitsSchema.parse({ weight: 2, activation: 2 })
const dobi = { method: 'dobi' as const, bits }
const usual = settingsOf('fast')
const settings = {
  ...usual,
  bits: [bits],
  methods: ['2dquant' as const, '2dquant+' as const],
  patches: 2,
  patchSize: 16,
  distillation: { ...usual.distillation, iterations: 20, batch: 2 }
}

interface Asked {
  readonly sets?: readonly { readonly folder: string; readonly kind?: 'hr' | 'lr' }[]
  readonly endsWithBounds?: boolean
  /** Breaks the job off. */
  readonly isEnough?: (event: JobEvent) => boolean
}

async function contextUntil(isEnough: (event: JobEvent) => boolean): ReturnType<typeof makeContext> {
  const controller = new AbortController()
  return makeContext((event) => {
    if (isEnough(event)) controller.abort()
  }, controller.signal)
}

/** Begins a run, or goes on with it, as the job `quantize` does. */
async function quantized(name: string, { sets = [], endsWithBounds, isEnough = () => false }: Asked): Promise<string> {
  const out = join(folder, name)
  const config = { model, overrides: {}, scale: undefined, calibrationKind: undefined, settings }
  const work = { ...config, calibration: pictures, out, endsWithBounds, tellsTime: false }
  await quantizeAndMeasure(work, { sets, memoryCap: undefined }, await contextUntil(isEnough), new TrainingControl())
  return out
}

async function resumed(
  run: string,
  { sets, isEnough = () => false }: Pick<Asked, 'isEnough'> & { readonly sets: Asked['sets'] | undefined }
): Promise<void> {
  await resumeAndMeasure(run, { sets, memoryCap: undefined }, await contextUntil(isEnough), new TrainingControl())
}

/** All files of a run, but for its time of birth. */
function filesOf(run: string): ReadonlyMap<string, string> {
  const names = readdirSync(run, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = names.map((entry) => join(entry.parentPath, entry.name)).toSorted()
  return new Map(
    paths.map((path) => {
      const contents = readFileSync(path, 'latin1').replace(/"created": "[^"]*"/, '')
      return [path.slice(run.length), contents.replaceAll(`"model": "${run.slice(folder.length + 1)}"`, '')]
    })
  )
}

async function quantizersOf(run: string, method: string): Promise<readonly Quantizer[]> {
  return (await openRun(run)).bounds.variants.find((variant) => variant.method === method)?.quantizers ?? []
}

let whole = ''
/** A run that ended with its bounds; it is copied before it is changed. */
let bounded = ''
const copyOf = (name: string): string => {
  const copy = join(folder, name)
  cpSync(bounded, copy, { recursive: true })
  return copy
}

beforeAll(async () => {
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(pictures, 'HR', 'two.png'), 101, 90, 7)
  await writeTestPicture(join(photos.folder, 'HR', 'three.png'), 64, 48, 3)
  await writeTestPicture(join(flat.folder, 'four.png'), 52, 44, 5)
  whole = await quantized('whole', { sets: [photos, flat] })
  bounded = await quantized('bounded', { sets: [photos, flat], endsWithBounds: true })
})

describe('a run that ends with its bounds', () => {
  it('waits to be trained, and is not measured', async () => {
    const { run, bounds } = await openRun(bounded)
    expect(run.state).toBe('paused')
    expect(bounds.variants.map(({ method }) => method)).toEqual(['dobi'])
    expect(await readEvaluation(bounded)).toBeNull()
    expect(existsSync(join(bounded, 'lock'))).toBe(false)
  })

  it('is left as it is where the job is gone on with after it', async () => {
    const before = filesOf(bounded)
    await quantized('bounded', { endsWithBounds: true })
    expect(filesOf(bounded)).toEqual(before)
  })

  it('is trained and measured as if it had never stood still, also where it is broken off again and again', async () => {
    const run = copyOf('gone on')
    const inTraining = (event: JobEvent): boolean =>
      event.kind === 'loss' && event.method === '2dquant+' && event.iteration === 3
    const states: string[] = []
    await expect(resumed(run, { sets: [photos, flat], isEnough: inTraining })).rejects.toThrow(/after iteration 3/)
    states.push((await openRun(run)).run.state)
    const inMeasuring = (event: JobEvent): boolean => event.kind === 'progress' && event.phase === 'evaluate'
    await expect(resumed(run, { sets: [photos, flat], isEnough: inMeasuring })).rejects.toThrow(/abort/)
    states.push((await openRun(run)).run.state)
    expect(states).toEqual(['paused', 'done'])
    expect(await readEvaluation(run)).toBeNull()
    await resumed(run, { sets: [photos, flat] })
    const [files, wanted] = [filesOf(run), filesOf(whole)]
    expect([...files.keys()]).toEqual([...wanted.keys()])
    for (const [name, contents] of files) expect(contents === wanted.get(name), name).toBe(true)
  })

  it('says while it is trained that it is', async () => {
    const run = copyOf('trained')
    let state = ''
    const isEnough = (event: JobEvent): boolean => {
      if (event.kind !== 'loss') return false
      state = (JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as { state: string }).state
      return true
    }
    await expect(resumed(run, { sets: [], isEnough })).rejects.toThrow(/Paused/)
    expect(state).toBe('training')
  })
})

describe('training after bounds were set by hand', () => {
  it('begins with them, and leaves those that are frozen bit for bit', async () => {
    const run = copyOf('all frozen')
    const found = await quantizersOf(run, 'dobi')
    const edits = found.map(({ name, lower, upper }, i) => {
      return { name, bounds: i % 2 === 0 ? { lower: lower * 0.9, upper: upper * 1.1 } : null, frozen: true }
    })
    await editBounds(run, dobi, edits)
    const manual = await quantizersOf(run, 'dobi')
    expect(manual).not.toEqual(found)
    await resumed(run, { sets: [] })
    expect(await quantizersOf(run, '2dquant')).toEqual(manual)
    // Weights were trained around them.
    expect(await quantizersOf(run, '2dquant+')).toEqual(manual)
    const { bounds } = await openRun(run)
    expect(bounds.variants.find(({ method }) => method === '2dquant+')?.weights).toBeDefined()
    expect(bounds.variants.find(({ method }) => method === '2dquant')?.training?.bestIteration).toBe(0)
  })

  it('moves the others from where they were set', async () => {
    const run = copyOf('some frozen')
    const found = await quantizersOf(run, 'dobi')
    const edits = found.slice(0, 6).map(({ name, lower, upper }, i) => {
      return { name, bounds: { lower: lower * 0.5, upper: upper * 0.5 }, frozen: i < 3 }
    })
    await editBounds(run, dobi, edits)
    const manual = await quantizersOf(run, 'dobi')
    await resumed(run, { sets: [] })
    const trained = await quantizersOf(run, '2dquant+')
    expect(trained.slice(0, 3)).toEqual(manual.slice(0, 3))
    const free = trained.slice(3)
    expect(free.every(({ search, found, frozen }) => search === 'distilled' && !found && !frozen)).toBe(true)
    const moved = free.filter(({ lower, upper }, i) => lower !== manual[i + 3]?.lower && upper !== manual[i + 3]?.upper)
    expect(moved.length).toBeGreaterThan(free.length / 2)
    // Twenty small steps lead no farther than a fifth of a range.
    for (const [i, { lower, upper }] of free.slice(0, 3).entries()) {
      const start = manual[i + 3] ?? { lower: NaN, upper: NaN }
      const range = start.upper - start.lower
      expect(Math.abs(lower - start.lower) / range).toBeLessThan(0.2)
      expect(Math.abs(upper - start.upper) / range).toBeLessThan(0.2)
    }
    await expect(editBounds(run, dobi, [{ name: 'no.such', bounds: null, frozen: false }])).rejects.toThrow(/no.such/)
  })

  it('keeps its start from being changed while it is broken off', async () => {
    const run = copyOf('broken off')
    const isEnough = (event: JobEvent): boolean => event.kind === 'loss' && event.iteration === 2
    await expect(resumed(run, { sets: [], isEnough })).rejects.toThrow(/Paused/)
    const name = (await quantizersOf(run, 'dobi'))[0]?.name ?? ''
    const change = editBounds(run, dobi, [{ name, bounds: { lower: -1, upper: 1 }, frozen: false }])
    await expect(change).rejects.toMatchObject({ code: 'refused' })
    await resumed(run, { sets: [] })
    await editBounds(run, dobi, [{ name, bounds: { lower: -1, upper: 1 }, frozen: false }])
  })
})

describe('what is measured at the end', () => {
  it('is what `evaluate` measures, of every variant, full precision and bicubic', async () => {
    const context = await makeContext(() => undefined, new AbortController().signal)
    const shared = { overrides: {}, filter: {}, sets: [photos, flat], memoryCap: undefined }
    const ofRun = await evaluate({ subject: whole, scale: undefined, ...shared }, context)
    const bicubic = await evaluate({ subject: 'bicubic', scale: 2, ...shared }, context)
    const evaluation = await readEvaluation(whole)
    expect(evaluation?.results.map(({ method }) => method)).toEqual(['bicubic', 'fp', 'dobi', '2dquant', '2dquant+'])
    expect(evaluation?.results).toEqual([...bicubic.results, ...ofRun.results])
    expect(evaluation?.pictures.map((each) => [each.set, each.name, each.views.length])).toEqual([
      ['photos', 'three', 7],
      ['flat', 'four', 7]
    ])
  })

  it.each([
    ['are missing', [{ folder: '/nowhere' }], 'missing'],
    ['are empty', [{ folder: 'EMPTY' }], 'missing'],
    ['leave open what they hold', [{ folder: flat.folder }], 'usage'],
    ['have one name', [photos, { folder: join(folder, 'else', 'photos') }], 'refused']
  ])('is refused before any work where sets %s', async (what, sets, code) => {
    mkdirSync(join(folder, 'EMPTY'), { recursive: true })
    await writeTestPicture(join(folder, 'else', 'photos', 'HR', 'x.png'), 40, 40)
    const given = sets.map((each) => (each.folder === 'EMPTY' ? { folder: join(folder, 'EMPTY') } : each))
    const told: JobEvent[] = []
    const isEnough = (event: JobEvent): boolean => told.push(event) < 0
    await expect(quantized(`never ${what}`, { sets: given, isEnough })).rejects.toMatchObject({ code })
    expect([told, existsSync(join(folder, `never ${what}`))]).toEqual([[], false])
    const before = await readEvaluation(whole)
    await expect(resumed(whole, { sets: given })).rejects.toMatchObject({ code })
    expect(await readEvaluation(whole)).toEqual(before)
  })

  it('is nothing for a run that is finished where no sets are given', async () => {
    await expect(resumed(whole, { sets: [] })).rejects.toMatchObject({ code: 'refused' })
  })
})

describe('the sets of a run', () => {
  const setsOf = async (run: string): Promise<readonly string[]> =>
    ((await readEvaluation(run))?.results[0]?.sets ?? []).map(({ name }) => name)

  /** As the run, with a file of its own for what it is to be measured on. */
  function withSets(name: string, sets: readonly { readonly folder: string }[]): string {
    const run = copyOf(name)
    const path = join(run, 'run.json')
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), sets }))
    return run
  }

  it('are in its run.json, as absolute paths; a run without any has none there', async () => {
    expect((await openRun(bounded)).run.sets).toEqual([photos, flat])
    const set = { folder: relative('.', flat.folder), kind: flat.kind }
    expect((await openRun(await quantized('told', { sets: [set], endsWithBounds: true }))).run.sets).toEqual([flat])
    const path = join(await quantized('none told', { endsWithBounds: true }), 'run.json')
    expect(JSON.parse(readFileSync(path, 'utf8'))).not.toHaveProperty('sets')
  })

  it('are what it is measured on where none are given, once', async () => {
    const run = copyOf('remembered')
    const inMeasuring = (event: JobEvent): boolean => event.kind === 'progress' && event.phase === 'evaluate'
    await expect(resumed(run, { sets: undefined, isEnough: inMeasuring })).rejects.toThrow(/abort/)
    expect(await readEvaluation(run)).toBeNull()
    await resumed(run, { sets: undefined })
    expect(await setsOf(run)).toEqual(['photos', 'flat'])
    await expect(resumed(run, { sets: undefined })).rejects.toMatchObject({ code: 'refused' })
  })

  it('are not taken where others are given, or none', async () => {
    const run = copyOf('given')
    await resumed(run, { sets: [] })
    expect([(await openRun(run)).run.state, await readEvaluation(run)]).toEqual(['done', null])
    await resumed(run, { sets: [photos] })
    expect(await setsOf(run)).toEqual(['photos'])
  })

  it('do not keep it from being trained where they are gone', async () => {
    const run = withSets('gone', [{ folder: join(folder, 'gone away') }])
    await expect(resumed(run, { sets: undefined })).rejects.toMatchObject({
      code: 'missing',
      message: expect.stringContaining('gone away') as string
    })
    const { state } = (await openRun(run)).run
    expect([state, await readEvaluation(run)]).toEqual(['done', null])
    expect(await quantizersOf(run, '2dquant+')).not.toEqual([])
  })

  it('that are gone do not keep a job that quantizes from going on', async () => {
    const sets = [{ folder: join(folder, 'for a while') }]
    await writeTestPicture(join(sets[0]?.folder ?? '', 'HR', 'x.png'), 40, 40)
    const inTraining = (event: JobEvent): boolean => event.kind === 'loss' && event.iteration === 2
    await expect(quantized('goes on', { sets, isEnough: inTraining })).rejects.toThrow(/Paused/)
    rmSync(sets[0]?.folder ?? '', { recursive: true })
    await expect(quantized('goes on', { sets })).rejects.toMatchObject({ code: 'missing' })
    expect((await openRun(join(folder, 'goes on'))).run.state).toBe('done')
  })
})
