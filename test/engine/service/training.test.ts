import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { EngineConfig, EngineNotice } from '../../../src/contract/engine'
import { emptyQueue, type JobRequest, type Queue } from '../../../src/contract/jobs'
import type { JobView } from '../../../src/contract/job-view'
import type { QuantizeSettings } from '../../../src/contract/run'
import { settingsOf } from '../../../src/contract/presets'
import { makeContext } from '../../../src/engine/job'
import { quantize } from '../../../src/engine/jobs/quantize'
import { openRun } from '../../../src/engine/run-folder'
import { threadPort } from '../../../src/engine/service/port'
import { serve } from '../../../src/engine/service/server'
import { openStudio, type Studio } from '../../../src/engine/service/studio'
import { EngineClient, type EngineError } from '../../../src/renderer/engine/client'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'
import { startInProcess } from './built-engine'
import { configIn } from './config'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const iterations = 60
/** A copy of a run that was paused. */
const paused = join(folder, 'paused')

const usual = settingsOf('fast')
const settings: QuantizeSettings = {
  ...usual,
  bits: [{ weight: 2, activation: 2 }],
  methods: ['2dquant'],
  patches: 3,
  patchSize: 16,
  distillation: { ...usual.distillation, iterations, batch: 2 }
}
const quantizing = { model: bundledModel, calibration: { folder: pictures }, settings }
const request = { kind: 'quantize', ...quantizing } as const satisfies JobRequest
/** What training starts from. */
const start = { method: 'dobi' as const, bits: { weight: 2 as const, activation: 2 as const } }
const asked = { quantizer: 'layers.0.residual_group.blocks.0.mlp.fc1.weight', bits: 2 } as const

const configOf = (name: string): EngineConfig => configIn(join(folder, name))

/** What a run found, without what tells a time or a place apart. */
const boundsOf = (run: string): string => readFileSync(join(run, 'bounds.json'), 'utf8')

/** How many iterations a run has told of, as its file says. */
function iterationsOf(run: string): number {
  const file = join(run, 'events.jsonl')
  return existsSync(file) ? readFileSync(file, 'utf8').split('"kind":"loss"').length - 1 : 0
}

const soon = (expectation: () => void): Promise<void> => vi.waitFor(expectation, { timeout: 60_000, interval: 5 })
const untilIteration = (run: string, iteration: number): Promise<void> =>
  soon(() => {
    expect(iterationsOf(run)).toBeGreaterThanOrEqual(iteration)
  })

/** A window: it is connected to engines one after the other, and keeps what it was told last. */
class Window {
  readonly client = new EngineClient((then) => setImmediate(then))
  queue: Queue = emptyQueue
  view: JobView | null = null

  constructor() {
    this.client.follow('queue', '', (state) => {
      this.queue = state
    })
  }

  follow(id: string): void {
    this.client.follow('job', id, (state) => {
      this.view = state
    })
  }

  connect(studio: Studio): void {
    const { port1, port2 } = new MessageChannel()
    serve(threadPort(port1), studio)
    this.client.connect(threadPort(port2))
    // What is still open does not keep the tests from ending.
    port1.unref()
    port2.unref()
  }

  untilState(state: string): Promise<void> {
    return soon(() => {
      expect(this.queue.jobs.map((job) => job.state)).toContain(state)
    })
  }
}

/** Iterations that went by while a person waited for the histogram of a tensor, and its errors along DOBI's search. */
async function iterationsUntilAnswered({ client }: Window, run: string): Promise<readonly number[]> {
  const waited: number[] = []
  const measure = async <T>(call: () => Promise<T>): Promise<T> => {
    const before = iterationsOf(run)
    const answer = await call()
    waited.push(iterationsOf(run) - before)
    return answer
  }
  for (let i = 0; i < 3; i++) {
    const shown = await measure(() => client.call('runs.distribution', { folder: run, ...asked }))
    expect(shown.shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9)
    const { candidates } = await measure(() => client.call('runs.errorCurve', { folder: run, ...asked }))
    expect(candidates).toHaveLength(settings.searchSteps)
  }
  return waited
}

/**
 * Milliseconds until an engine that has loaded nothing so far gives a picture's first tile, of the variant that training starts
 * from. Each picture is made once.
 */
async function untilFirstTile({ client }: Window, run: string, name: string): Promise<number> {
  const picture = join(folder, `${name}.png`)
  await writeTestPicture(picture, 128, 128)
  const started = performance.now()
  await client.call('runs.tile', { folder: run, picture, variant: start, column: 0, row: 0 })
  const taken = performance.now() - started
  const { outputs } = await client.call('runs.outputs', { folder: run, picture })
  expect(outputs.map(({ variant, done }) => [variant, done])).toContainEqual([start, ['0-0']])
  return taken
}

/** Milliseconds that a tile may take longer while a network is trained. */
const tileDelay = 2000

let uninterrupted = ''

beforeAll(async () => {
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(pictures, 'HR', 'two.png'), 101, 90, 7)
  const run = join(folder, 'uninterrupted')
  const context = await makeContext(() => undefined, new AbortController().signal)
  const config = {
    ...quantizing,
    calibration: quantizing.calibration.folder,
    overrides: {},
    scale: undefined,
    calibrationKind: undefined,
    out: run,
    tellsTime: false
  }
  await quantize(config, context)
  uninterrupted = boundsOf(run)
})

describe('training on the thread that answers', () => {
  it('gives way, is paused when the program ends, and is cancelled and gone on with to the same end', async () => {
    const config = configOf('one thread')
    const notices: EngineNotice[] = []
    const first = await openStudio(config, (notice) => notices.push(notice))
    const window = new Window()
    window.connect(first)
    const { id, run } = await window.client.call('queue.add', { request })
    window.follow(id)
    await untilIteration(run, 3)
    for (const waited of await iterationsUntilAnswered(window, run)) expect(waited).toBeLessThanOrEqual(2)
    const whileTraining = await untilFirstTile(window, run, 'while training')
    expect(iterationsOf(run)).toBeLessThan(iterations)

    await first.settle('pause')
    expect((await openRun(run)).run.state).toBe('paused')
    const done = iterationsOf(run)
    expect(done).toBeLessThan(iterations)
    cpSync(run, paused, { recursive: true })

    const second = await openStudio(config, (notice) => notices.push(notice))
    window.connect(second)
    await soon(() => {
      expect(window.queue).toMatchObject({ held: true, jobs: [{ id, run, state: 'paused' }] })
    })
    // What it told before is seen before it goes on.
    await soon(() => {
      expect(window.view?.trainings[0]?.loss.points).toHaveLength(done)
    })
    expect(window.view?.progress).toBeNull()
    // Nothing is at work, and nothing is loaded: what the tile takes by itself.
    const itself = await untilFirstTile(window, run, 'by itself')
    expect(whileTraining).toBeLessThan(itself + tileDelay)
    await window.client.call('job.resume', { id })
    await untilIteration(run, done + 3)
    // A job at work waits for nothing that waits for its end.
    await window.client.call('job.cancel', { id })
    expect(window.queue.jobs.map(({ state }) => state)).not.toContain('running')
    expect((await openRun(run)).run.state).toBe('paused')

    const again = await window.client.call('queue.add', { request: { kind: 'resume' }, run })
    window.follow(again.id)
    await window.untilState('done')
    expect(boundsOf(run)).toBe(uninterrupted)
    await soon(() => {
      expect(window.view?.trainings[0]?.loss.points.map(([iteration]) => iteration)).toEqual(
        Array.from({ length: iterations }, (_, i) => i + 1)
      )
    })
    expect(notices.filter(({ kind }) => kind === 'ended')).toEqual([{ kind: 'ended', run, state: 'done', message: '' }])
  })

  it('ends with the best so far when the program ends and it is to stop', async () => {
    const config = configOf('stopped')
    const studio = await openStudio(config, () => undefined)
    const window = new Window()
    window.connect(studio)
    const { id } = await window.client.call('queue.add', { request: { kind: 'resume' }, run: paused })
    window.follow(id)
    const before = iterationsOf(paused)
    await untilIteration(paused, before + 2)
    await studio.settle('stop')
    const { run, bounds } = await openRun(paused)
    const training = bounds.variants.find(({ method }) => method === '2dquant')?.training
    expect([run.state, training?.outcome]).toEqual(['done', 'stopped'])
    expect(training?.iterations).toBe(iterationsOf(paused))
    expect(training?.iterations).toBeLessThan(iterations)
    expect(JSON.parse(readFileSync(join(config.data, 'queue.json'), 'utf8'))).toMatchObject({
      jobs: [{ state: 'done' }]
    })
  })

  it('gives way between the patches of statistics', async () => {
    const config = configOf('statistics')
    const studio = await openStudio(config, () => undefined)
    const window = new Window()
    window.connect(studio)
    const many = { ...settings, methods: ['dobi' as const], patches: 300, distillation: null }
    const { id } = await window.client.call('queue.add', { request: { ...request, settings: many } })
    let patches = 0
    const feed = studio.feed('job', id)
    feed.listen((change) => {
      const event = change as { readonly kind: string; readonly phase?: string }
      if (event.kind === 'progress' && event.phase === 'statistics') patches++
    })
    await soon(() => {
      expect(patches).toBeGreaterThan(2)
    })
    const waited: number[] = []
    for (let i = 0; i < 5; i++) {
      const before = patches
      await window.client.call('model.inspect', { file: bundledModel })
      waited.push(patches - before)
    }
    expect(patches).toBeLessThan(300)
    for (const each of waited) expect(each).toBeLessThanOrEqual(2)
    await window.client.call('job.cancel', { id })
    await window.untilState('cancelled')
  })
})

describe('training on threads of its own, in a process that is killed', () => {
  it('gives way, pauses, and goes on from its checkpoint to the same end', async () => {
    const config = configOf('threads')
    const killed = await startInProcess(config)
    const window = new Window()
    window.client.connect(killed.connect())
    const { id, run } = await window.client.call('queue.add', { request })
    window.follow(id)
    await untilIteration(run, 3)
    for (const waited of await iterationsUntilAnswered(window, run)) expect(waited).toBeLessThanOrEqual(2)
    const whileTraining = await untilFirstTile(window, run, 'beside threads')

    await window.client.call('job.pause', { id })
    await window.untilState('paused')
    await soon(() => {
      const last = killed.notices.findLast((notice) => notice.kind === 'activity')
      expect(last).toMatchObject({ job: { id, paused: true, trains: true } })
    })
    // The iteration it was in is told, and no further one.
    await soon(() => {
      expect(JSON.parse(readFileSync(join(run, 'run.json'), 'utf8'))).toMatchObject({ state: 'paused' })
    })
    const standing = iterationsOf(run)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(iterationsOf(run)).toBe(standing)
    await window.client.call('job.resume', { id })
    await untilIteration(run, Math.max(30, standing + 1))
    const pending = window.client.call('model.inspect', { file: bundledModel }).then(
      () => 'answered',
      (error: unknown) => (error as EngineError).code
    )
    await killed.kill()
    expect(await pending).toBe('lost')
    expect(iterationsOf(run)).toBeLessThan(iterations)

    const next = await startInProcess(config)
    window.client.connect(next.connect())
    await window.untilState('interrupted')
    const itself = await untilFirstTile(window, run, 'in a process by itself')
    expect(whileTraining).toBeLessThan(itself + tileDelay)
    expect(window.queue).toMatchObject({ held: true, jobs: [{ id, run, state: 'interrupted' }] })
    await window.client.call('job.resume', { id })
    await window.untilState('done')
    expect(boundsOf(run)).toBe(uninterrupted)
    const told = await window.client.call('runs.view', { folder: run })
    expect(window.view?.trainings).toEqual(told.trainings)
    next.order({ kind: 'settle', how: 'pause' })
    await next.told('settled')
    await next.kill()
  })
})
