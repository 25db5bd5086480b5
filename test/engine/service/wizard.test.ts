import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import { engineCalls, type CallArgs, type CallResult, type EngineCall } from '../../../src/contract/engine'
import type { EngineConfig } from '../../../src/contract/engine'
import type { JobRequest, JobState, Queue } from '../../../src/contract/jobs'
import type { RunDetails } from '../../../src/contract/runs'
import { settingsOf } from '../../../src/contract/presets'
import { makeContext } from '../../../src/engine/job'
import { evaluate } from '../../../src/engine/jobs/evaluate'
import { quantize } from '../../../src/engine/jobs/quantize'
import { openStudio, type Studio } from '../../../src/engine/service/studio'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'
import { configIn } from './config'

const folder = temporaryFolder()
const calibration = { folder: join(folder, 'pictures') }
const photos = { folder: join(folder, 'photos') }
const picture = join(folder, 'cat.png')
const bits = bitsSchema.parse({ weight: 2, activation: 2 })
const dobi = { method: 'dobi' as const, bits }
const weight = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'
const usual = settingsOf('fast')
const settings = {
  ...usual,
  bits: [bits],
  methods: ['2dquant' as const],
  patches: 2,
  patchSize: 16,
  distillation: { ...usual.distillation, iterations: 40, batch: 2 }
}
const request = { kind: 'quantize', model: bundledModel, calibration, settings } as const satisfies JobRequest

let number = 0
const configOf = (): EngineConfig => configIn(join(folder, String(++number)))

beforeAll(async () => {
  await writeTestPicture(join(calibration.folder, 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(photos.folder, 'HR', 'two.png'), 64, 48, 7)
  await writeTestPicture(picture, 20, 16)
})

async function call<C extends EngineCall>(studio: Studio, name: C, args: CallArgs<C>): Promise<CallResult<C>> {
  const value = await studio.call(name, args, { signal: new AbortController().signal })
  return engineCalls[name].result.parse(value) as CallResult<C>
}

const queueOf = (studio: Studio): Queue => studio.feed('queue', '').state as Queue

/** Waits until the job is in a state. */
function until(studio: Studio, id: string, state: JobState): Promise<void> {
  const wait = { timeout: 60_000, interval: 5 }
  return vi.waitFor(() => {
    const job = queueOf(studio).jobs.find((each) => each.id === id)
    expect([job?.state, job?.failure]).toEqual([state, undefined])
  }, wait)
}

/** Carries a job out to its end; returns its run. */
async function carriedOut(studio: Studio, asked: JobRequest, run?: string): Promise<string> {
  const added = await call(studio, 'queue.add', { request: asked, ...(run !== undefined && { run }) })
  await until(studio, added.id, 'done')
  return added.run
}

const detailsOf = (studio: Studio, run: string): Promise<RunDetails> => call(studio, 'runs.open', { folder: run })

/** Tells when training has taken a step. */
function untilTraining(studio: Studio, id: string): Promise<void> {
  return new Promise((resolve) => {
    studio.feed('job', id).listen((change) => {
      const { kind, phase } = change as { readonly kind: string; readonly phase?: string }
      if (kind === 'progress' && phase === 'distillation') resolve()
    })
  })
}

describe('the guided way', () => {
  it('goes from bounds over changes by hand to training, measuring, and a picture of the user', async () => {
    const studio = await openStudio(configOf(), () => undefined)
    const run = await carriedOut(studio, { ...request, endsWithBounds: true, sets: [photos] })
    expect(await detailsOf(studio, run)).toMatchObject({ run: { state: 'paused' }, evaluation: null, published: null })

    const rows = await call(studio, 'runs.quantizers', { folder: run, ...dobi })
    expect(rows).toHaveLength(128)
    const [shown] = await call(studio, 'runs.gallery', { folder: run, quantizers: [weight] })
    expect(shown?.shares).toHaveLength(64)
    const bounds = { lower: -0.25, upper: 0.25 }
    const tried = await call(studio, 'runs.tryBounds', { folder: run, quantizer: weight, bits: 2, ...bounds })
    const edits = [{ name: weight, bounds, frozen: true }]
    const changed = await call(studio, 'runs.setBounds', { folder: run, ...dobi, edits })
    const before = rows.find(({ name }) => name === weight)
    const found = { lower: before?.bounds?.lower, upper: before?.bounds?.upper }
    expect(changed).toEqual([{ ...before, bounds: { ...bounds, ...tried, found, frozen: true } }])

    await carriedOut(studio, { kind: 'resume' }, run)
    const details = await detailsOf(studio, run)
    expect(details.run.state).toBe('done')
    expect(details.evaluation?.results.map(({ method }) => method)).toEqual(['bicubic', 'fp', 'dobi', '2dquant'])
    expect(details.published).toMatchObject({ kind: 'none' })
    const trained = await call(studio, 'runs.quantizers', { folder: run, method: '2dquant', bits })
    expect(trained.find(({ name }) => name === weight)).toEqual(changed[0])
    expect(trained.filter((row) => row.bounds?.found !== null)).toHaveLength(1)

    await carriedOut(studio, { kind: 'upscale', picture, variant: { method: '2dquant', bits } }, run)
    await carriedOut(studio, { kind: 'upscale', picture, variant: null }, run)
    expect((await detailsOf(studio, run)).upscaled.map(({ file, width }) => [file, width])).toEqual([
      ['upscaled/cat-fp_x4.png', 80],
      ['upscaled/cat-2dquant-2_x4.png', 80]
    ])
    const out = join(folder, 'enlarged')
    const contestants = [{ method: 'fp' as const, bits: null }, dobi]
    await carriedOut(studio, { kind: 'batch', inputs: [picture], contestants, out }, run)
    expect(readdirSync(out).toSorted()).toEqual(['cat-dobi-2_x4.png', 'cat-fp_x4.png'])
    expect(readFileSync(join(out, 'cat-fp_x4.png'))).toEqual(readFileSync(join(run, 'upscaled/cat-fp_x4.png')))
    await studio.settle('pause')
  })

  it('ends where the command line ends that does all at once', async () => {
    const studio = await openStudio(configOf(), () => undefined)
    const run = await carriedOut(studio, { ...request, endsWithBounds: true })
    await carriedOut(studio, { kind: 'resume' }, run)
    const context = await makeContext(() => undefined, new AbortController().signal)
    const out = join(folder, 'at once')
    const config = { model: bundledModel, overrides: {}, scale: undefined, calibrationKind: undefined, settings }
    await quantize({ ...config, calibration: calibration.folder, out, tellsTime: false }, context)
    expect(readFileSync(join(run, 'bounds.json'), 'utf8')).toBe(readFileSync(join(out, 'bounds.json'), 'utf8'))

    const outdated = { name: weight, bounds: { lower: -1, upper: 1 }, frozen: false }
    await carriedOut(studio, { kind: 'evaluate', sets: [photos] }, run)
    await call(studio, 'runs.setBounds', { folder: run, ...dobi, edits: [outdated] })
    expect((await detailsOf(studio, run)).evaluation?.outdated).toEqual([dobi])
    await carriedOut(studio, { kind: 'evaluate', sets: [photos] }, run)
    const { evaluation } = await detailsOf(studio, run)
    const shared = { overrides: {}, filter: {}, sets: [photos], scale: undefined, memoryCap: undefined }
    const measured = await evaluate({ subject: run, ...shared }, context)
    expect([evaluation?.results.slice(1), evaluation?.outdated]).toEqual([measured.results, []])
    await studio.settle('pause')
  })

  it('measures also where the program ended in between', async () => {
    const config = configOf()
    const first = await openStudio(config, () => undefined)
    const { id, run } = await call(first, 'queue.add', { request: { ...request, sets: [photos] } })
    await untilTraining(first, id)
    await first.settle('stop')
    expect(queueOf(first).jobs).toMatchObject([{ id, state: 'paused' }])
    expect(existsSync(join(run, 'evaluation.json'))).toBe(false)
    const second = await openStudio(config, () => undefined)
    await call(second, 'job.resume', { id })
    await until(second, id, 'done')
    const { variants, evaluation } = await detailsOf(second, run)
    expect(variants.find(({ method }) => method === '2dquant')?.training?.outcome).toBe('stopped')
    expect(evaluation?.results).toHaveLength(4)
    await second.settle('pause')
  })
})

describe('bounds', () => {
  it('stay as they are while a job is at work on their run, and until it has ended', async () => {
    const studio = await openStudio(configOf(), () => undefined)
    const { id, run } = await call(studio, 'queue.add', { request })
    await untilTraining(studio, id)
    const edits = [{ name: weight, bounds: { lower: -1, upper: 1 }, frozen: false }]
    const change = { folder: `${run}/../${run.split('/').at(-1) ?? ''}/`, ...dobi, edits }
    const refused = call(studio, 'runs.setBounds', change)
    await expect(refused).rejects.toMatchObject({ code: 'refused' })
    await call(studio, 'job.pause', { id })
    await expect(call(studio, 'runs.setBounds', change)).rejects.toMatchObject({ code: 'refused' })
    await call(studio, 'job.stop', { id })
    await until(studio, id, 'done')
    const before = studio.feed('runs', '').state as number
    await call(studio, 'runs.setBounds', change)
    expect(studio.feed('runs', '').state).toBeGreaterThan(before)
    await studio.settle('pause')
  })

  it('that several windows set at once are all set', async () => {
    const studio = await openStudio(configOf(), () => undefined)
    const run = await carriedOut(studio, { ...request, endsWithBounds: true })
    const rows = await call(studio, 'runs.quantizers', { folder: run, ...dobi })
    const changes = rows.slice(0, 8).map(({ name }) => {
      const edits = [{ name, bounds: { lower: -1, upper: 1 }, frozen: false }]
      return call(studio, 'runs.setBounds', { folder: run, ...dobi, edits })
    })
    await Promise.all(changes)
    const after = await call(studio, 'runs.quantizers', { folder: run, ...dobi })
    expect(after.filter(({ bounds }) => bounds?.found !== null)).toHaveLength(8)
    await studio.settle('pause')
  })
})

describe('what the user chooses anew', () => {
  it('is where runs are listed, watched and made from then on', async () => {
    const config = configOf()
    const studio = await openStudio(config, () => undefined)
    const run = await carriedOut(studio, { ...request, endsWithBounds: true })
    expect(await call(studio, 'runs.list', null)).toHaveLength(1)
    const runs = join(config.data, 'elsewhere')
    const before = studio.feed('runs', '').state as number
    studio.configure({ runs, memoryCap: 2 ** 30, modelServer: null, runtime: null })
    expect(studio.feed('runs', '').state).toBeGreaterThan(before)
    expect(await call(studio, 'runs.list', null)).toEqual([])
    const other = await carriedOut(studio, { ...request, endsWithBounds: true })
    expect([other.startsWith(runs), existsSync(other), existsSync(run)]).toEqual([true, true, true])
    expect((await call(studio, 'runs.list', null)).map(({ folder: at }) => at)).toEqual([other])
    const known = studio.feed('runs', '').state as number
    rmSync(other, { recursive: true })
    await vi.waitFor(
      () => {
        expect(studio.feed('runs', '').state).toBeGreaterThan(known)
      },
      { timeout: 5000 }
    )
    await studio.settle('pause')
  })

  it('is what networks run on, and nothing is taken in its place', async () => {
    const config = configOf()
    const native = { runtime: 'tfjs' as const, device: 'node-gpu' }
    const studio = await openStudio({ ...config, runtime: native }, () => undefined)
    const asked = { request: { ...request, settings: { ...settings, methods: ['dobi' as const] } } }
    const { id } = await call(studio, 'queue.add', asked)
    await vi.waitFor(() => {
      const message = queueOf(studio).jobs.find((job) => job.id === id)?.failure?.message
      expect(message).toMatch(/tfjs on node-gpu: .*without its native library/)
    })
    const { runs, memoryCap, modelServer } = config
    studio.configure({ runs, memoryCap, modelServer, runtime: { runtime: 'tfjs', device: 'wasm' } })
    const again = await call(studio, 'queue.add', asked)
    await until(studio, again.id, 'done')
    await studio.settle('pause')
  })

  it('caps the memory of what is measured, which changes no picture much', async () => {
    const studio = await openStudio({ ...configOf(), memoryCap: 1 }, () => undefined)
    const large = { folder: join(folder, 'large') }
    await writeTestPicture(join(large.folder, 'HR', 'one.png'), 480, 320)
    const run = await carriedOut(studio, { ...request, settings: { ...settings, methods: ['dobi'] }, sets: [large] })
    const context = await makeContext(() => undefined, new AbortController().signal)
    const shared = { overrides: {}, filter: {}, sets: [large], scale: undefined }
    const tiled = await evaluate({ subject: run, ...shared, memoryCap: 1 }, context)
    const whole = await evaluate({ subject: run, ...shared, memoryCap: 2 ** 34 }, context)
    const { evaluation } = await detailsOf(studio, run)
    expect(evaluation?.results.slice(1)).toEqual(tiled.results)
    expect(tiled.results).not.toEqual(whole.results)
    await studio.settle('pause')
  })
})

it('a job on a run that was not said is refused; several pictures of one run may wait', async () => {
  const studio = await openStudio(configOf(), () => undefined)
  const ofRuns: readonly JobRequest[] = [
    { kind: 'evaluate', sets: [photos] },
    { kind: 'upscale', picture, variant: null },
    { kind: 'batch', inputs: [picture], contestants: [dobi], out: folder }
  ]
  for (const asked of ofRuns) {
    await expect(call(studio, 'queue.add', { request: asked })).rejects.toMatchObject({ code: 'usage' })
  }
  const run = await carriedOut(studio, { ...request, endsWithBounds: true })
  const wanted = [null, dobi].map((variant) => {
    return call(studio, 'queue.add', { request: { kind: 'upscale', picture, variant }, run })
  })
  const many: JobRequest = { kind: 'batch', inputs: [picture], contestants: [dobi], out: join(folder, 'many') }
  const added = [...(await Promise.all(wanted)), await call(studio, 'queue.add', { request: many, run })]
  for (const { id } of added) await until(studio, id, 'done')
  expect((await detailsOf(studio, run)).upscaled.map(({ method }) => method)).toEqual(['dobi', 'fp'])
  await studio.settle('pause')
})
