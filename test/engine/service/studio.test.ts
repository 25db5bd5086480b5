import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { CallArgs, CallResult, EngineCall, EngineConfig, EngineNotice } from '../../../src/contract/engine'
import { engineCalls, engineNoticeSchema } from '../../../src/contract/engine'
import type { Job, JobRequest, JobState, Queue } from '../../../src/contract/jobs'
import { emptyJobView, type JobView } from '../../../src/contract/job-view'
import type { QuantizeSettings } from '../../../src/contract/run'
import { settingsOf } from '../../../src/contract/presets'
import { openStudio, type Studio } from '../../../src/engine/service/studio'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'
import { configIn } from './config'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const settings: QuantizeSettings = { ...settingsOf('fast'), patches: 2, patchSize: 16, distillation: null }
const quantizing: JobRequest = { kind: 'quantize', model: bundledModel, calibration: { folder: pictures }, settings }
let number = 0
let config: EngineConfig

beforeEach(async () => {
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 96, 72)
  config = configIn(join(folder, String(++number)))
})

/** A studio that is asked without a port, and what it told the main process. */
class Asked {
  readonly notices: readonly EngineNotice[]
  readonly #studio: Studio

  private constructor(studio: Studio, notices: readonly EngineNotice[]) {
    this.#studio = studio
    this.notices = notices
  }

  static async open(jobs: readonly Job[] = []): Promise<Asked> {
    mkdirSync(config.data, { recursive: true })
    if (jobs.length > 0) writeFileSync(join(config.data, 'queue.json'), JSON.stringify({ jobs, held: false }))
    const notices: EngineNotice[] = []
    const studio = await openStudio(config, (notice) => notices.push(engineNoticeSchema.parse(notice)))
    return new Asked(studio, notices)
  }

  async call<C extends EngineCall>(name: C, args: CallArgs<C>): Promise<CallResult<C>> {
    const value = await this.#studio.call(name, args, { signal: new AbortController().signal })
    return engineCalls[name].result.parse(value) as CallResult<C>
  }

  get queue(): Queue {
    return this.#studio.feed('queue', '').state as Queue
  }

  get runsChanged(): number {
    return this.#studio.feed('runs', '').state as number
  }

  view(id: string): JobView {
    return this.#studio.feed('job', id).state as JobView
  }

  until(...states: readonly JobState[]): Promise<void> {
    const wait = { timeout: 30_000, interval: 5 }
    return vi.waitFor(() => {
      expect(this.queue.jobs.map(({ state }) => state)).toEqual(states)
    }, wait)
  }
}

const job = (run: string, request: JobRequest, state: JobState): Job => {
  return { id: `id ${run}`, request, run: join(folder, run), state, created: '2026-01-01T00:00:00.000Z' }
}

describe('a job', () => {
  it('makes a run that is listed, opened and seen, and says so', async () => {
    const studio = await Asked.open()
    const before = studio.runsChanged
    const { id, run } = await studio.call('queue.add', { request: quantizing })
    await studio.until('done')
    expect(studio.runsChanged).toBeGreaterThan(before)
    const [summary] = await studio.call('runs.list', null)
    expect(summary).toMatchObject({ folder: run, state: 'done', architecture: 'SwinIR', methods: ['dobi'], psnr: null })
    const details = await studio.call('runs.open', { folder: run })
    expect(details).toMatchObject({ summary, evaluation: null, hasReport: false })
    expect(details.quantizers).toHaveLength(128)
    const { key } = details.summary
    expect(studio.notices).toContainEqual({ kind: 'known-run', key, folder: run })
    expect(studio.notices).toContainEqual({ kind: 'ended', run, state: 'done', message: '' })
    expect(studio.notices.findLast(({ kind }) => kind === 'activity')).toMatchObject({ job: null })
    expect(await studio.call('runs.view', { folder: run })).toEqual({
      ...emptyJobView,
      messages: studio.view(id).messages
    })
    expect(studio.view(id).histogram?.patches).toBe(2)
  })

  it('tells the quantizers while it calibrates, and the histogram of the one that is looked at', async () => {
    const studio = await Asked.open()
    const long = { ...quantizing, settings: { ...settings, patches: 100 } }
    const { id } = await studio.call('queue.add', { request: long })
    const quantizer = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'
    const begun = (): void => {
      expect(studio.view(id).histogram?.patches).toBeGreaterThan(0)
    }
    await vi.waitFor(begun, { timeout: 30_000, interval: 5 })
    expect(studio.view(id).quantizers?.rows).toHaveLength(128)
    const seen = studio.view(id).histogram?.patches ?? NaN
    await studio.call('job.watch', { id, quantizer })
    expect(seen).toBeLessThan(100)
    expect(studio.view(id).histogram).toMatchObject({ name: quantizer })
    await studio.until('done')
    expect(studio.view(id).histogram).toMatchObject({ name: quantizer, patches: 100 })
    expect(studio.view(id).quantizers?.rows.every(({ bounds }) => bounds !== null)).toBe(true)
    await expect(studio.call('job.watch', { id, quantizer: null })).rejects.toMatchObject({ code: 'refused' })
  })

  it('of the same model within a second has a folder of its own', async () => {
    const studio = await Asked.open([job('broken off', { kind: 'demo' }, 'running')])
    const requests = [quantizing, quantizing, quantizing, { kind: 'demo' } as const, { kind: 'demo' } as const]
    const added = await Promise.all(requests.map((request) => studio.call('queue.add', { request })))
    expect(new Set(added.map(({ run }) => run)).size).toBe(5)
    expect(studio.queue.jobs).toHaveLength(6)
  })

  it('of one run is one, however its path is written', async () => {
    const studio = await Asked.open([job('broken off', { kind: 'demo' }, 'running')])
    const [run, same] = [`${folder}/a`, `${folder}/x/../a/`]
    await studio.call('queue.add', { request: { kind: 'resume' }, run })
    await expect(studio.call('queue.add', { request: { kind: 'resume' }, run: same })).rejects.toMatchObject({
      code: 'refused'
    })
  })
})

describe('jobs of an earlier process', () => {
  it('whose folders are gone are begun anew, or say what is missing', async () => {
    const jobs = [
      job('gone', { kind: 'resume' }, 'running'),
      job('to be made', quantizing, 'paused'),
      job('gone as well', { kind: 'resume' }, 'waiting')
    ]
    const studio = await Asked.open(jobs)
    expect(studio.queue.held).toBe(true)
    await studio.call('job.resume', { id: 'id gone' })
    await studio.until('failed', 'failed', 'paused')
    for (const { failure } of studio.queue.jobs.slice(0, 2)) expect(failure?.code).toBe('missing')
    expect(studio.queue.jobs[0]?.failure?.message).toContain('run.json')
    const told = studio.notices.filter(({ kind }) => kind === 'ended')
    expect(told).toEqual(
      studio.queue.jobs.slice(0, 2).map(({ run, failure }) => {
        return { kind: 'ended', run, state: 'failed', message: failure?.message }
      })
    )
    await studio.call('job.resume', { id: 'id to be made' })
    await studio.until('failed', 'failed', 'done')
  })

  it('can be cancelled while there is no work', async () => {
    const studio = await Asked.open([job('a', { kind: 'demo' }, 'running'), job('b', { kind: 'resume' }, 'waiting')])
    await studio.call('job.cancel', { id: 'id a' })
    await studio.until('cancelled', 'failed')
  })
})

describe('a run that is to be removed', () => {
  const twice = `${folder}/./old/`
  const lock = join(folder, 'old', 'lock')

  it.each(['waiting', 'paused', 'interrupted'] as const)('is not while a job that is %s has it', async (state) => {
    const studio = await Asked.open([job('old', quantizing, state), job('other', quantizing, 'paused')])
    const refused = { code: 'refused', message: expect.stringContaining('cancel it') as string }
    await expect(studio.call('runs.expectIdle', { folder: twice })).rejects.toMatchObject(refused)
    await studio.call('job.cancel', { id: 'id old' })
    expect(await studio.call('runs.expectIdle', { folder: twice })).toBeNull()
  })

  it('is not while another process is at work on it', async () => {
    mkdirSync(join(folder, 'old'), { recursive: true })
    const studio = await Asked.open([job('old', quantizing, 'done')])
    writeFileSync(lock, String(process.ppid))
    await expect(studio.call('runs.expectIdle', { folder: twice })).rejects.toMatchObject({ code: 'refused' })
    writeFileSync(lock, '999999999')
    expect(await studio.call('runs.expectIdle', { folder: twice })).toBeNull()
  })
})

it('a demo is cancelled between two of the pictures that it prepares', async () => {
  const studio = await Asked.open()
  const { id, run } = await studio.call('queue.add', { request: { kind: 'demo' } })
  const prepared = (): number => {
    const place = join(config.data, 'demo-pictures')
    const names = existsSync(place) ? readdirSync(place, { recursive: true, encoding: 'utf8' }) : []
    return names.filter((name) => name.endsWith('.png') && !name.includes('partial')).length
  }
  await vi.waitFor(
    () => {
      expect(prepared()).toBeGreaterThan(0)
    },
    { timeout: 30_000, interval: 2 }
  )
  await studio.call('job.cancel', { id })
  await studio.until('cancelled')
  expect([prepared() < 9, existsSync(run)]).toEqual([true, false])
})

describe('before a run', () => {
  const calibration = { folder: pictures }

  it('the patches, the sets and the time of a run are told', async () => {
    const studio = await Asked.open()
    const patches = { model: bundledModel, calibration, patches: 5, patchSize: 16, seed: 0 }
    expect(await studio.call('data.patches', patches)).toMatchObject({ kind: 'hr', count: 5, columns: 3 })
    const sets = [calibration, { folder: join(folder, 'nowhere') }]
    const checks = await studio.call('data.sets', { scale: 4, sets })
    expect(checks.map(({ failure }) => failure === null)).toEqual([true, false])
    const { seconds } = await studio.call('data.estimate', {
      kind: 'quantize',
      model: bundledModel,
      calibration,
      settings
    })
    expect(seconds.calibration).toBeGreaterThan(0)
    expect(seconds.distillation).toBe(0)
  })

  it('an estimate does not hold up the job at work', async () => {
    const studio = await Asked.open()
    await studio.call('queue.add', { request: quantizing })
    const asked = studio.call('data.estimate', { kind: 'quantize', model: bundledModel, calibration, settings })
    await Promise.all([studio.until('done'), asked])
  })
})
