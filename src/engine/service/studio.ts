import { mkdir } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import {
  engineCalls,
  topicReducers,
  type EngineCall,
  type EngineChoice,
  type EngineConfig,
  type EngineNotice,
  type EngineTopics
} from '../../contract/engine'
import type { JobEvent } from '../../contract/events'
import { hasEnded, jobAtWork, type Job } from '../../contract/jobs'
import { emptyJobView, withEvent } from '../../contract/job-view'
import { bundledModelFile } from '../../contract/names'
import { StudioError } from '../../core/errors'
import { makeContext, type JobContext } from '../job'
import { enlargeBatch } from '../jobs/batch'
import { demo } from '../jobs/demo'
import { DistributionReader } from '../jobs/distribution'
import { TileReader } from '../jobs/tile'
import type { DoctorResult } from '../../contract/runtimes'
import { doctor, knownDiagnosis, measurementsIn } from '../jobs/doctor'
import { estimate } from '../jobs/estimate'
import { exportVariant } from '../jobs/export'
import { inspect } from '../jobs/inspect'
import { quantizeAndMeasure, resumeAndMeasure } from '../jobs/measured-run'
import { measure } from '../jobs/measure'
import { upscaleIntoRun } from '../jobs/upscale-into-run'
import { GpuDesk } from '../gpu/gpu-desk'
import { takeGpuLibrariesFrom } from '../gpu/folder'
import { newRunFolder } from '../new-run-folder'
import { checkSets, patchSheet } from '../jobs/preparation'
import { readEvents, withDiskErrors } from '../run-folder'
import type { Runtime } from '../../core/runtime'
import type { ProbeApart } from '../../runtimes/select'
import { runtimeFor } from '../automatic-runtime'
import type { TrainingControl } from '../training/control'
import { expectUnheld } from '../training/live-run'
import { answerCall, isCallOf, type CallHandlers } from './answer-call'
import { Feed } from './feed'
import { JobQueue } from './queue'
import { BoundsDesk } from './bounds-desk'
import { describeRun, listRuns } from './run-list'
import { RunsWatch } from './runs-watch'
import { failureOf, type Service } from './server'
import { Turns } from './turns'
import { ZooDesk } from '../zoo/zoo-desk'

/** What a model's page tells sizes of, and the input it counts multiplications at. */
const inspected = { bits: [2, 3, 4, 6, 8], width: 320, height: 180 }

/** Milliseconds between two words to the main process of how far work has come. */
const activityInterval = 250

/** The engine as windows see it: a queue of long jobs, and small ones that go between their steps. */
export interface Studio extends Service {
  /** Takes what the user chose anew; a job at work keeps what it began with. */
  configure(chosen: EngineChoice): void
  /** Brings what is at work to disk; nothing is begun any more. */
  settle(how: 'pause' | 'stop'): Promise<void>
}

/**
 * @param tell hears what the main process should know
 * @param probe tries runtimes; by Node.js where it is absent, which a packaged app has not
 */
export async function openStudio(
  initial: EngineConfig,
  tell: (notice: EngineNotice) => void,
  probe?: ProbeApart
): Promise<Studio> {
  let config = initial
  await withDiskErrors(config.data, () => mkdir(config.data, { recursive: true }))
  const gpu = await GpuDesk.open(takeGpuLibrariesFrom(config.data))
  const turns = new Turns()
  const measurements = measurementsIn(config.data)
  /** Several windows may ask at once. */
  let diagnosis: Promise<DoctorResult> | null = null
  const diagnose = async (isAnew: boolean): Promise<DoctorResult> => {
    const known = isAnew ? null : await knownDiagnosis(measurements)
    return known ?? (diagnosis ??= doctor(measurements, probe).finally(() => (diagnosis = null)))
  }
  const chosenRuntime = (): Promise<Runtime> => runtimeFor(config.runtime, measurements, () => undefined)
  const distributions = new DistributionReader()
  const tiles = new TileReader(
    chosenRuntime,
    () => config.memoryCap,
    () => jobAtWork(queue.feed.state) !== undefined
  )
  const runs = new Feed(0, topicReducers.runs)
  const runsChanged = (): void => {
    runs.publish(runs.state + 1)
  }
  const watch = new RunsWatch(config.runs, runsChanged)

  let tellActivity: () => void = () => undefined
  const execute = async (
    job: Job,
    emit: (event: JobEvent) => void,
    signal: AbortSignal,
    control: TrainingControl
  ): Promise<void> => {
    const activity = new Activity(job, control, tell)
    tellActivity = () => {
      activity.tell()
    }
    try {
      const telling = (event: JobEvent): void => {
        emit(event)
        activity.hear(event)
        if (event.kind === 'validation' && event.iteration === 0) runsChanged()
      }
      // Changes of bounds that were under way are part of what this job works with.
      await bounds.settled()
      const context = await makeContext(telling, signal, turns.giveWay, config.runtime, measurements)
      await carryOut(job, config, context, control)
      tell({ kind: 'ended', run: job.run, state: 'done', message: '' })
    } catch (error) {
      if (!signal.aborted) {
        tell({ kind: 'ended', run: job.run, state: 'failed', message: failureOf(error).message })
      }
      throw error
    } finally {
      tellActivity = () => undefined
      tell({ kind: 'activity', job: null, memoryBytes: process.memoryUsage.rss() })
      runsChanged()
    }
  }
  const queue = await JobQueue.open(join(config.data, 'queue.json'), execute, readEvents)
  const bounds = new BoundsDesk(distributions, () => jobAtWork(queue.feed.state)?.run ?? null, runsChanged)
  const zoo = new ZooDesk(config.zoo)
  // While training stands still there are no events that would tell of it.
  queue.feed.listen(() => {
    tellActivity()
  })

  const handlers: CallHandlers<typeof engineCalls> = {
    'queue.add': async ({ request, run }) => {
      if (run === undefined && request.kind !== 'quantize' && request.kind !== 'demo') {
        throw new StudioError('usage', 'Which run is meant was not said.')
      }
      const taken = queue.feed.state.jobs.map((job) => job.run)
      const subject = request.kind === 'quantize' ? basename(request.model, extname(request.model)) : 'demo'
      const folder = resolve(run ?? newRunFolder(config.runs, subject, taken))
      return { id: await queue.add(request, folder), run: folder }
    },
    'queue.remove': ({ id }) => done(queue.remove(id)),
    'queue.move': ({ id, place }) => done(queue.move(id, place)),
    'queue.release': () => done(queue.release()),
    'job.pause': ({ id }) => done(queue.pause(id)),
    'job.resume': ({ id }) => done(queue.resume(id)),
    'job.stop': ({ id }) => done(queue.stop(id)),
    'job.cancel': ({ id }) => done(queue.cancel(id)),
    'job.watch': ({ id, quantizer }) => {
      queue.watch(id, quantizer)
      return null
    },
    'runs.list': async () => {
      const found = await listRuns(config.runs)
      for (const { key, folder } of found) tell({ kind: 'known-run', key, folder })
      return [...found]
    },
    'runs.open': async ({ folder }) => {
      const details = await describeRun(folder)
      tell({ kind: 'known-run', key: details.summary.key, folder: details.summary.folder })
      return details
    },
    'runs.view': async ({ folder }) => (await readEvents(folder)).reduce(withEvent, emptyJobView),
    'runs.distribution': ({ folder, quantizer }) => distributions.distribution(folder, quantizer),
    'runs.outputs': ({ folder, picture }) => tiles.outputs(resolve(folder), picture),
    'runs.tile': ({ folder, ...tile }, { signal }) => done(tiles.tile({ folder: resolve(folder), ...tile }, signal)),
    'runs.errorCurve': ({ folder, quantizer, bits }) => distributions.errorCurve(folder, quantizer, bits),
    'runs.quantizers': (variant) => distributions.quantizers(variant),
    'runs.gallery': async ({ folder, quantizers }) => distributions.gallery(folder, quantizers),
    'runs.tryBounds': (trial) => distributions.tryBounds(trial),
    'runs.setBounds': ({ edits, ...variant }) => bounds.change(variant, edits),
    'runs.expectIdle': async ({ folder }) => {
      await bounds.settled()
      const run = resolve(folder)
      if (queue.feed.state.jobs.some((job) => job.run === run && !hasEnded(job))) {
        throw new StudioError(
          'refused',
          'A job in the queue is of this run; cancel it first, or let it come to its end.'
        )
      }
      await expectUnheld(run)
      await tiles.forget(run)
      return null
    },
    'data.patches': (config, { signal }) => patchSheet(config, signal),
    'data.sets': ({ scale, sets }, { signal }) => checkSets(scale, sets, signal),
    'data.estimate': async (request, { signal }) => {
      const context: JobContext = {
        runtime: await chosenRuntime(),
        emit: () => undefined,
        signal,
        giveWay: turns.giveWay
      }
      return estimate(request, config.memoryCap, context)
    },
    'zoo.look': () => done(zoo.look()),
    'zoo.get': ({ id }, { signal }) => zoo.get(id, config.modelServer, signal),
    'zoo.take': ({ file }, { signal }) => zoo.take(file, signal),
    'gpu.look': () => done(gpu.look()),
    'gpu.install': ({ id, files }, { signal }) => done(gpu.install(id, files, signal)),
    'gpu.remove': ({ id }) => done(gpu.remove(id)),
    'model.inspect': ({ file, overrides = {} }) => inspect({ model: file, overrides, ...inspected }),
    'engine.doctor': ({ isAnew }) => diagnose(isAnew)
  }

  return {
    call: (name, args, context) => {
      if (!isCallOf(engineCalls, name)) throw new StudioError('usage', `The engine knows no call "${name}".`)
      const answer = (): Promise<unknown> => answerCall(engineCalls, handlers, name, args, context)
      return steers(name) || isLong(name) ? answer() : turns.take(answer)
    },
    feed: (topic, key): Feed<unknown, unknown> => {
      const topics: Readonly<Record<keyof EngineTopics, () => unknown>> = {
        queue: () => queue.feed,
        job: () => queue.view(key),
        runs: () => runs,
        zoo: () => zoo.feed,
        gpu: () => gpu.feed
      }
      if (!Object.hasOwn(topics, topic)) throw new StudioError('usage', `The engine knows no topic "${topic}".`)
      return topics[topic as keyof EngineTopics]() as Feed<unknown, unknown>
    },
    configure: (chosen) => {
      config = { ...config, ...chosen }
      watch.follow(config.runs)
      runsChanged()
    },
    settle: async (how) => {
      watch.close()
      await queue.settle(how)
      await tiles.dispose()
    }
  }
}

const done = (work: Promise<void>): Promise<null> => work.then(() => null)

/**
 * Whether a call steers the queue. What steers it must not hold up the job at work: cancelling waits for that job's end, and
 * would wait forever for a job that waits for it.
 */
function steers(name: EngineCall): boolean {
  return name.startsWith('queue.') || name.startsWith('job.')
}

/**
 * Whether a call takes steps of its own, and gives way between them as the job at work does, or waits for others than this
 * machine; the job at work does not wait for it.
 */
function isLong(name: EngineCall): boolean {
  return name === 'data.estimate' || name.startsWith('zoo.') || name.startsWith('gpu.')
}

async function carryOut(
  { request, run }: Job,
  config: EngineConfig,
  context: Awaited<ReturnType<typeof makeContext>>,
  control: TrainingControl
): Promise<void> {
  const memoryCap = config.memoryCap ?? undefined
  switch (request.kind) {
    case 'demo': {
      const { iterations } = request
      const model = join(config.models, bundledModelFile)
      const pictures = join(config.data, 'demo-pictures')
      const places = { model, samples: config.samples, pictures, run }
      const wanted = { bits: [2] as const, memoryCap, ...(iterations !== undefined && { iterations }) }
      await demo({ ...places, ...wanted, continues: true }, context, control)
      return
    }
    case 'quantize': {
      const { model, overrides = {}, calibration, settings, sets = [], endsWithBounds } = request
      const quantizing = {
        model,
        overrides,
        scale: undefined,
        calibration: calibration.folder,
        calibrationKind: calibration.kind,
        settings,
        out: run,
        endsWithBounds,
        tellsTime: false
      }
      await quantizeAndMeasure(quantizing, { sets, memoryCap }, context, control)
      return
    }
    case 'resume':
      await resumeAndMeasure(run, { sets: request.sets, memoryCap }, context, control)
      return
    case 'evaluate':
      await measure({ run, sets: request.sets, memoryCap }, context)
      return
    case 'upscale':
      await upscaleIntoRun({ run, picture: request.picture, variant: request.variant, memoryCap }, context)
      return
    case 'export': {
      const { variant: filter, format: kind, out } = request
      await exportVariant({ run, filter, kind, out, opset: 25, pictures: null, isTimed: true }, context)
      return
    }
    case 'batch': {
      const { inputs, contestants, out } = request
      await enlargeBatch({ run, inputs, contestants, out, memoryCap }, context)
      return
    }
  }
}

/** Tells the main process how far a job has come: now and then, and whenever it is asked to. */
class Activity {
  readonly #job: Job
  readonly #control: TrainingControl
  readonly #tell: (notice: EngineNotice) => void
  #told = -Infinity
  #trains = false
  #fraction = 0

  constructor(job: Job, control: TrainingControl, tell: (notice: EngineNotice) => void) {
    this.#job = job
    this.#control = control
    this.#tell = tell
  }

  hear(event: JobEvent): void {
    if (event.kind !== 'progress') return
    const trains = event.phase === 'distillation'
    const changes = trains !== this.#trains
    this.#trains = trains
    this.#fraction = event.done / event.total
    if (changes || performance.now() - this.#told >= activityInterval) this.tell()
  }

  tell(): void {
    this.#told = performance.now()
    const { id, run } = this.#job
    const job = { id, run, paused: this.#control.isPaused, trains: this.#trains, fraction: this.#fraction }
    this.#tell({ kind: 'activity', job, memoryBytes: process.memoryUsage.rss() })
  }
}
