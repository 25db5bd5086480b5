import { existsSync } from 'node:fs'
import { readFile, rename } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { topicReducers } from '../../contract/engine'
import type { JobEvent } from '../../contract/events'
import {
  emptyQueue,
  makesOf,
  hasEnded,
  queueSchema,
  type Job,
  type JobRequest,
  type JobState,
  type Queue
} from '../../contract/jobs'
import { emptyJobView, type JobView } from '../../contract/job-view'
import { StudioError } from '../../core/errors'
import { json, replaceFile } from '../run-folder'
import { TrainingControl, TrainingPaused } from '../training/control'
import { Feed } from './feed'
import { failureOf } from './server'

/** Jobs that ended and are still shown. */
const mostEnded = 20

/** What carries a job out, from its beginning or from where it was broken off. */
export type Execute = (
  job: Job,
  emit: (event: JobEvent) => void,
  signal: AbortSignal,
  control: TrainingControl
) => Promise<void>

/** What was told by a run before it was broken off. */
export type Recall = (run: string) => Promise<readonly JobEvent[]>

/** The job that is carried out, and what steers it. */
interface Active {
  readonly id: string
  readonly controller: AbortController
  readonly control: TrainingControl
  ended: Promise<void>
  /** Where the job stands once it ends early, as asked for. */
  endsAs: JobState | null
}

/**
 * Jobs one after the other. Every change is on disk before what asked for it is answered and before work is begun, so that
 * the queue outlives the process: a job that was at work then is found `interrupted`, and nothing is begun until the user
 * says so.
 */
export class JobQueue {
  readonly feed: Feed<Queue, Queue>
  readonly #file: string
  readonly #execute: Execute
  readonly #recall: Recall
  readonly #views = new Map<string, Feed<JobView, JobEvent>>()
  #active: Active | null = null
  #saving: Promise<void> = Promise.resolve()
  #closing = false

  private constructor(file: string, queue: Queue, execute: Execute, recall: Recall) {
    this.#file = file
    this.#execute = execute
    this.#recall = recall
    this.feed = new Feed(queue, topicReducers.queue)
  }

  /** Opens the queue kept in a file; a file that cannot be read is put aside and the queue begins empty. */
  static async open(file: string, execute: Execute, recall: Recall): Promise<JobQueue> {
    const known = await readQueue(file)
    const jobs = known.jobs.map((job): Job => (job.state === 'running' ? { ...job, state: 'interrupted' } : job))
    const broken = jobs.filter(({ state }) => state === 'interrupted' || state === 'paused')
    const queue = new JobQueue(file, { jobs, held: known.held || broken.length > 0, atWork: null }, execute, recall)
    for (const job of broken) await queue.#recallView(job)
    queue.#next()
    return queue
  }

  get #jobs(): readonly Job[] {
    return this.feed.state.jobs
  }

  /** What a job told so far. Throws a StudioError where there is no such job. */
  view(id: string): Feed<JobView, JobEvent> {
    this.#find(id)
    const view = this.#views.get(id) ?? new Feed<JobView, JobEvent>(emptyJobView, topicReducers.job)
    this.#views.set(id, view)
    return view
  }

  async add(request: JobRequest, run: string): Promise<string> {
    // Several pictures may be enlarged one after the other; anything else of a run is there once.
    const isOnce = (each: JobRequest): boolean => !makesOf(each)
    const isBusy = this.#jobs.some((job) => job.run === run && !hasEnded(job) && isOnce(job.request))
    if (isBusy && isOnce(request)) throw new StudioError('refused', `"${run}" is in the queue already.`)
    const id = randomUUID()
    const job: Job = { id, request, run, state: 'waiting', created: new Date().toISOString() }
    await this.#set([...this.#jobs, job])
    this.#next()
    return id
  }

  async remove(id: string): Promise<void> {
    if (this.#active?.id === id) throw new StudioError('refused', 'The job is at work; cancel it first.')
    this.#find(id)
    this.#views.delete(id)
    await this.#set(this.#jobs.filter((job) => job.id !== id))
    await this.#letGo()
  }

  /** @param place among the waiting jobs, from 0 */
  async move(id: string, place: number): Promise<void> {
    const moved = this.#find(id)
    if (moved.state !== 'waiting') throw new StudioError('refused', 'Only a job that waits can be moved.')
    const rest = this.#jobs.filter(({ state }) => state !== 'waiting')
    const waiting = this.#jobs.filter((job) => job.state === 'waiting' && job.id !== id)
    await this.#set([...rest, ...waiting.toSpliced(place, 0, moved)])
  }

  /** Begins the next job where the queue was held. */
  async release(): Promise<void> {
    await this.#set(this.#jobs, false)
    this.#next()
  }

  async pause(id: string): Promise<void> {
    const { control } = this.#expectActive(id)
    control.pause()
    // A training that is being stopped is not paused any more.
    if (control.isPaused) await this.#setState(id, 'paused')
  }

  async resume(id: string): Promise<void> {
    const { state } = this.#find(id)
    if (this.#active?.id === id) {
      this.#active.control.resume()
      await this.#setState(id, 'running')
      return
    }
    if (state !== 'paused' && state !== 'interrupted') {
      throw new StudioError('refused', 'Only a job that was paused or interrupted can go on.')
    }
    const job: Job = { ...this.#find(id), state: 'waiting' }
    const others = this.#jobs.filter((each) => each.id !== id)
    const ended = others.filter((each) => each.state !== 'waiting')
    await this.#set([...ended, job, ...others.filter((each) => each.state === 'waiting')], false)
    this.#next()
  }

  /** Training ends and keeps what is best so far; what comes after it is done. */
  async stop(id: string): Promise<void> {
    this.#expectActive(id).control.stop()
    await this.#setState(id, 'running')
  }

  /** Chooses the quantizer whose histogram the job at work tells while it calibrates. */
  watch(id: string, quantizer: string | null): void {
    this.#expectActive(id).control.watch(quantizer)
  }

  async cancel(id: string): Promise<void> {
    if (this.#active?.id === id) {
      this.#active.endsAs = 'cancelled'
      this.#active.controller.abort(new StudioError('failed', 'The job was cancelled.'))
      await this.#active.ended
      return
    }
    if (hasEnded(this.#find(id))) throw new StudioError('refused', 'The job has ended already.')
    await this.#setState(id, 'cancelled')
    await this.#letGo()
  }

  /** Ends what is at work so that the process can end; nothing is begun any more. */
  async settle(how: 'pause' | 'stop'): Promise<void> {
    this.#closing = true
    const active = this.#active
    if (active !== null) {
      const trains = this.view(active.id).state.progress?.phase === 'distillation'
      // What comes after a training that is stopped can be done later.
      active.endsAs = how === 'pause' || trains ? 'paused' : 'cancelled'
      const abort = (): void => {
        active.controller.abort(new StudioError('failed', 'The program ends.'))
      }
      if (how === 'stop' && trains) {
        active.control.stop()
        // Training keeps what is best; what comes after it is left for later.
        this.view(active.id).listen((event) => {
          if (event.kind === 'progress' && event.phase !== 'distillation') abort()
        })
      } else abort()
      await active.ended
    }
    await this.#saving
  }

  #find(id: string): Job {
    const job = this.#jobs.find((each) => each.id === id)
    if (job === undefined) throw new StudioError('missing', 'There is no such job any more.')
    return job
  }

  #expectActive(id: string): Active {
    if (this.#active?.id !== id) throw new StudioError('refused', 'The job is not at work.')
    return this.#active
  }

  /** A queue that waits for nothing but the user, with nothing to decide, goes on. */
  async #letGo(): Promise<void> {
    const isBroken = this.#jobs.some(({ state }) => state === 'paused' || state === 'interrupted')
    if (!isBroken && this.feed.state.held) await this.#set(this.#jobs, false)
    this.#next()
  }

  #next(): void {
    if (this.#active !== null || this.feed.state.held || this.#closing) return
    const job = this.#jobs.find(({ state }) => state === 'waiting')
    if (job === undefined) return
    const controller = new AbortController()
    const control = new TrainingControl()
    const active: Active = { id: job.id, controller, control, endsAs: null, ended: Promise.resolve() }
    this.#active = active
    active.ended = this.#carryOut(job, active)
  }

  async #carryOut(job: Job, active: Active): Promise<void> {
    const { id } = job
    await this.#setState(id, 'running')
    const ending = await this.#endingOf(job, active)
    // While its end is brought to disk the job can be asked for nothing any more: it would seem to be at work again.
    this.#active = null
    await this.#set(this.#jobs.map((each) => (each.id === id ? { ...each, ...ending } : each)))
    this.#next()
  }

  /** Carries a job out and tells how it ended. */
  async #endingOf(job: Job, active: Active): Promise<Pick<Job, 'state' | 'failure'>> {
    const { signal } = active.controller
    await this.#recallView(job)
    const view = this.view(job.id)
    const emit = (event: JobEvent): void => {
      view.publish(event)
    }
    try {
      // It may have been cancelled while its begin was brought to disk.
      signal.throwIfAborted()
      await this.#execute(job, emit, signal, active.control)
      return { state: 'done' }
    } catch (error) {
      const isAsked = signal.aborted || error instanceof TrainingPaused
      return isAsked ? { state: active.endsAs ?? 'paused' } : { state: 'failed', failure: failureOf(error) }
    }
  }

  /** What a run told before it was broken off is seen again. */
  async #recallView({ id, run }: Job): Promise<void> {
    const view = this.view(id)
    if (view.state !== emptyJobView) return
    try {
      for (const event of await this.#recall(run)) view.publish(event)
    } catch (error) {
      console.error(`What "${run}" told before could not be read: ${failureOf(error).message}`)
    }
  }

  async #setState(id: string, state: JobState): Promise<void> {
    await this.#set(this.#jobs.map((job) => (job.id === id ? { ...job, state } : job)))
  }

  async #set(jobs: readonly Job[], held = this.feed.state.held): Promise<void> {
    const ended = jobs.filter(hasEnded)
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - mostEnded)).map(({ id }) => id))
    for (const id of forgotten) this.#views.delete(id)
    const kept = jobs.filter(({ id }) => !forgotten.has(id))
    const ordered = [...kept.filter(hasEnded), ...kept.filter((job) => !hasEnded(job))]
    const queue: Queue = { jobs: ordered, held, atWork: this.#active?.id ?? null }
    this.feed.publish(queue)
    this.#saving = this.#saving.then(async () => {
      try {
        await replaceFile(this.#file, json(queue))
      } catch (error) {
        // Work goes on without; only a queue that outlives the program is lost.
        console.error(`The queue could not be saved: ${failureOf(error).message}`)
      }
    })
    await this.#saving
  }
}

async function readQueue(file: string): Promise<Queue> {
  if (!existsSync(file)) return emptyQueue
  try {
    return queueSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    console.error(`The queue could not be read and begins empty: ${failureOf(error).message}`)
  }
  try {
    await rename(file, `${file}.damaged`)
  } catch (error) {
    console.error(`The old queue could not be put aside: ${failureOf(error).message}`)
  }
  return emptyQueue
}
