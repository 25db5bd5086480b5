import type { CDPSession, Page } from '@playwright/test'
import type { Bits, Method } from '../../src/contract/bounds'
import type { CallResult, EngineCall } from '../../src/contract/engine'
import type { JobEvent, QuantizerRow } from '../../src/contract/events'
import type { JobView } from '../../src/contract/job-view'
import type { Queue } from '../../src/contract/jobs'
import { portMessage } from '../../src/contract/names'
import type { ClientMessage } from '../../src/contract/protocol'
import { runDetailsSchema, type RunDetails, type RunSummary } from '../../src/contract/runs'

/** What a fake engine has to tell. */
export interface FakeWorld {
  /** The run that its one job works on. */
  readonly details: RunDetails
  readonly isRunning: boolean
  /** What the job told before. */
  readonly view: JobView
  /** Other runs, and what they told while they were made. */
  readonly others: readonly { readonly summary: RunSummary; readonly view: JobView }[]
}

/** What the page's end of it offers to tests. */
interface InPage {
  queue(text: string, size: number): void
  /** Sends all that is queued, a part at a time; resolves when the page has taken the last one. */
  play(milliseconds: number): Promise<void>
}

const jobId = 'fake'

/**
 * An engine that lives in the page of the real app and speaks the engine's protocol over a port like the main process's: it
 * has a run to tell of at once, and events of hours in seconds. The real engine has its port already; the page speaks to the
 * one that came last.
 */
export class FakeEngine {
  readonly #page: Page

  private constructor(page: Page) {
    this.#page = page
  }

  /** Takes the engine's place in a page that the real engine was connected to. */
  static async connect(page: Page, world: FakeWorld): Promise<FakeEngine> {
    await page.evaluate(install, JSON.stringify(setUp(world)))
    return new FakeEngine(page)
  }

  /** Shows a step of the run of its job. */
  async show(folder: string, step: 'bounds' | 'distillation'): Promise<void> {
    await this.#page.evaluate((query) => {
      window.location.hash = `#/run?${query}`
    }, new URLSearchParams({ folder, step }).toString())
  }

  /** Takes events to the page, to be sent so many at a time. */
  async queue(events: readonly JobEvent[], size: number): Promise<void> {
    await this.#page.evaluate(
      ([text, size]) => {
        ;(globalThis as unknown as { fakeEngine: InPage }).fakeEngine.queue(text, size)
      },
      [JSON.stringify(events), size] as const
    )
  }

  /**
   * Sends what is queued, the next part when the page is ready and so many milliseconds after the last at the earliest;
   * resolves when the page has shown the last.
   */
  async play(milliseconds = 0): Promise<void> {
    await this.#page.evaluate(
      (milliseconds) => (globalThis as unknown as { fakeEngine: InPage }).fakeEngine.play(milliseconds),
      milliseconds
    )
  }
}

/** All that the page's end needs, as data: answers to calls by `name` or `name folder`, and states by topic. */
function setUp({ details, isRunning, view, others }: FakeWorld): {
  readonly portMessage: string
  readonly answers: Readonly<Record<string, unknown>>
  readonly states: { readonly queue: Queue; readonly runs: number; readonly job: JobView }
} {
  const { folder } = details.summary
  const answer = <C extends EngineCall>(name: C, result: CallResult<C>, of = ''): readonly [string, unknown] => [
    `${name} ${of}`.trim(),
    result
  ]
  const state = isRunning ? 'running' : 'done'
  const job = { id: jobId, request: { kind: 'resume' }, run: folder, state, created: details.summary.created } as const
  return {
    portMessage,
    answers: Object.fromEntries([
      answer('runs.list', [details.summary, ...others.map(({ summary }) => summary)]),
      answer('runs.open', details),
      answer('runs.view', view, folder),
      ...others.map((other) => answer('runs.view', other.view, other.summary.folder)),
      answer('job.watch', null)
    ]),
    states: { queue: { jobs: [job], held: false, atWork: isRunning ? jobId : null }, runs: 1, job: view }
  }
}

/** Runs in the page: has to be complete in itself. */
function install(text: string): void {
  const { portMessage, answers, states } = JSON.parse(text) as ReturnType<typeof setUp>
  const { port1, port2 } = new MessageChannel()
  const parts: unknown[][] = []
  let jobSubscription: number | null = null
  let isReady = false
  let onReady = (): void => undefined
  port1.onmessage = ({ data }: MessageEvent<ClientMessage>) => {
    const { id } = data
    switch (data.kind) {
      case 'call': {
        const { folder = '' } = (data.args ?? {}) as { folder?: string }
        const value = answers[`${data.name} ${folder}`] ?? answers[data.name]
        const failure = { code: 'usage', message: `The fake engine does not know ${data.name}.` }
        port1.postMessage(value === undefined ? { kind: 'failure', id, failure } : { kind: 'result', id, value })
        return
      }
      case 'subscribe':
        if (data.topic === 'job') jobSubscription = id
        port1.postMessage({ kind: 'state', id, state: states[data.topic as keyof typeof states] })
        return
      case 'ready':
        if (id !== jobSubscription) return
        isReady = true
        onReady()
        return
      case 'unsubscribe':
        if (id === jobSubscription) jobSubscription = null
        return
      case 'cancel':
        return
    }
  }
  const untilReady = (): Promise<void> =>
    new Promise((resolve) => {
      if (isReady) resolve()
      else onReady = resolve
    })
  const fakeEngine: InPage = {
    queue: (events, size) => {
      const all = JSON.parse(events) as unknown[]
      for (let i = 0; i < all.length; i += size) parts.push(all.slice(i, i + size))
    },
    play: async (milliseconds) => {
      let next = performance.now()
      for (let changes = parts.shift(); changes !== undefined; changes = parts.shift()) {
        await untilReady()
        const wait = next - performance.now()
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
        next = Math.max(next, performance.now() - milliseconds) + milliseconds
        isReady = false
        port1.postMessage({ kind: 'changes', id: jobSubscription, changes })
      }
      await untilReady()
    }
  }
  Object.assign(globalThis, { fakeEngine })
  window.postMessage(portMessage, window.location.origin, [port2])
}

const fourBits: Bits = { weight: 4, activation: 4 }

/** A run that trains, or whose bounds are still looked for (null), as `run.json` would tell of it. */
export function fakeRun(name: string, variants: readonly { readonly method: Method }[]): RunDetails {
  const methods: Method[] = ['dbdc+pac', '2dquant', '2dquant+']
  const created = '2026-01-01T00:00:00.000Z'
  const model = 'swinir-tiny-x4.safetensors'
  return runDetailsSchema.parse({
    summary: {
      folder: `/nowhere/${name}`,
      key: 'r0000000000000000',
      name,
      state: 'training',
      created,
      model,
      architecture: 'swinir',
      scale: 4,
      bits: [fourBits],
      methods,
      psnr: null,
      thumbnail: null
    },
    run: {
      schema: 1,
      appVersion: '0.0.0',
      state: 'training',
      created,
      model: { file: model, sha256: '', architecture: 'swinir', scale: 4, imageRange: null, residualScale: null },
      calibration: { folder: '/nowhere/pictures', kind: 'hr', sha256: '', pictures: 10 },
      settings: {
        bits: [fourBits],
        methods,
        percentile: 99.9,
        search: 'by-shape',
        searchSteps: 100,
        zeroPoint: 'float',
        patches: 16,
        patchSize: 64,
        seed: 0,
        quantizeFirstAndLast: false,
        plan: null,
        distillation: {
          iterations: 36_000,
          batch: 4,
          learningRate: null,
          weightLearningRate: null,
          train: 'quantized',
          schedule: 'cosine',
          loss: 'corrected',
          featureWeight: 1,
          features: 'groups',
          init: 'dobi'
        }
      },
      settingsSha256: '',
      runtime: { name: 'fake', version: '0', device: 'cpu' }
    },
    variants: variants.map(({ method }) => ({ method, bits: fourBits })),
    quantizers: [],
    evaluation: null,
    published: null,
    upscaled: [],
    exports: [],
    hasReport: false
  } satisfies RunDetails)
}

/** What an iteration of training tells: a loss that falls, with noise that is the same at every run. */
export function lossAt(iteration: number, method: '2dquant' | '2dquant+' | 'dbdc+pac'): JobEvent {
  const noise = 1 + 0.3 * Math.sin(iteration * 12.9898) * Math.cos(iteration * 4.1414)
  const loss = (0.02 + 0.2 / (1 + iteration / 2000)) * noise * (method === '2dquant' ? 1 : 0.8)
  return {
    kind: 'loss',
    method,
    bits: fourBits,
    iteration,
    output: 0.7 * loss,
    feature: 0.3 * loss,
    learningRate: 0.003
  }
}

export function validationAt(iteration: number, method: '2dquant' | '2dquant+' | 'dbdc+pac'): JobEvent {
  const psnr = 40 - 10 / (1 + iteration / 3000) + 0.2 * Math.sin(iteration * 7.77)
  return {
    kind: 'validation',
    method,
    bits: fourBits,
    iteration,
    psnr,
    psnrAgainstHr: psnr - 12,
    featureShare: 0.3 + 0.1 * Math.sin(iteration),
    preview: `previews/${method}-4-${iteration}.png`,
    ...(iteration === 0 && { reference: 'previews/fp.png' })
  }
}

/** A quantizer of a large network, whose bounds move a little with every round. */
export function quantizerAt(i: number, round: number): QuantizerRow {
  const wide = 1 + Math.abs(Math.sin(i * 12.9898)) * 4
  const lower = -wide * (0.8 + 0.01 * Math.sin(i + round))
  const isWeight = i % 2 === 0
  return {
    name: `layers.${Math.floor(i / 120)}.residual_group.blocks.${Math.floor((i % 120) / 12)}.attn.part${i % 12}.${isWeight ? 'weight' : 'input'}`,
    kind: isWeight ? 'weight' : 'activation',
    bits: 4,
    min: -wide,
    max: wide * 1.1,
    shape: i % 5 === 0 ? 'one-sided' : 'two-sided',
    bounds: {
      lower,
      upper: -lower,
      belowLower: 0.01,
      belowUpper: 0.985 + 0.01 * Math.sin(i + round),
      error: 0.01 * wide,
      sqnr: 18 + 6 * Math.sin(i * 3.1 + round * 0.3),
      found: null,
      frozen: false
    }
  }
}

/** What a page holds once its garbage is collected. */
export interface Held {
  readonly heapBytes: number
  readonly nodes: number
  readonly listeners: number
}

/** Collects the garbage of a page, and tells what is left. */
export async function heldBy(session: CDPSession): Promise<Held> {
  // What finalizers let go of is garbage of the next time.
  for (let i = 0; i < 3; i++) await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  const { nodes, jsEventListeners } = await session.send('Memory.getDOMCounters')
  return { heapBytes: usedSize, nodes, listeners: jsEventListeners }
}
