import { join } from 'node:path'
import type { BrowserWindow, UtilityProcess } from 'electron'
import log from 'electron-log/main'
import type { EngineState } from '../contract/channels'
import {
  engineNoticeSchema,
  type EngineChoice,
  type EngineConfig,
  type EngineNotice,
  type EngineOrder
} from '../contract/engine'
import { gpuFolderName, gpuFolderVariable } from '../contract/gpu'
import type { Failure } from '../contract/jobs'
import { portMessage } from '../contract/names'
import { probeResultSchema, type ProbeResult } from '../contract/runtimes'
import { connect } from './channels'
import { engineFailure } from './engine-failure'
import { startService } from './service-process'

/** An engine that ends this often within this time (in milliseconds) is not started again by itself. */
const mostFailures = 3
const failureWindow = 60_000

/** Milliseconds that an engine may take to bring its work to disk when the program ends. */
const settleTime = 30_000

export interface EngineOptions {
  /** Its entry file, and that of the processes that try runtimes for it. */
  readonly file: string
  readonly probeFile: string
  readonly config: EngineConfig
  readonly onState: (state: EngineState) => void
  readonly onNotice: (notice: EngineNotice) => void
}

/** Keeps the engine's process going, and windows connected to it. */
export class EngineProcess {
  readonly #options: EngineOptions
  #config: EngineConfig
  readonly #windows = new Set<BrowserWindow>()
  #process: UtilityProcess | null = null
  #state: EngineState = { state: 'starting' }
  #failures: number[] = []
  #memory = 0
  /** Why it could not start, where it said so. */
  #obstacle: Failure | null = null
  #ending = false
  #settled: () => void = () => undefined

  constructor(options: EngineOptions) {
    this.#options = options
    this.#config = options.config
  }

  /** Starts the engine, where it was not started yet or was given up. */
  start(): void {
    if (this.#process !== null || this.#ending) return
    this.#failures = []
    this.#start()
  }

  /** Tells the engine what the user chose anew; one that is started later knows it from its start. */
  configure(choice: EngineChoice): void {
    this.#config = { ...this.#config, ...choice }
    this.#order({ kind: 'configure', choice })
  }

  get state(): EngineState {
    return this.#state
  }

  /**
   * Gives a window that listens a port to the engine, now and whenever the engine is started anew. A page that was loaded
   * again asks for another.
   */
  connect(window: BrowserWindow): void {
    if (!this.#windows.has(window)) window.once('closed', () => this.#windows.delete(window))
    this.#windows.add(window)
    if (this.#state.state === 'running') this.#link(window)
  }

  /** Has the engine bring its work to disk, and ends it. */
  async end(how: 'pause' | 'stop'): Promise<void> {
    this.#ending = true
    const engine = this.#process
    if (engine === null) return
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve
      engine.once('exit', () => {
        resolve()
      })
      setTimeout(resolve, settleTime)
    })
    this.#order({ kind: 'settle', how })
    await settled
    engine.kill()
  }

  #start(): void {
    this.#setState({ state: 'starting' })
    const engine = startService(this.#options.file, 'engine', [JSON.stringify(this.#config)])
    this.#process = engine
    engine.on('message', (message: unknown) => {
      const notice = engineNoticeSchema.safeParse(message)
      if (notice.success) this.#hear(notice.data)
      else log.error('The engine said what is not understood', message)
    })
    engine.once('exit', (code) => {
      this.#ended(code)
    })
  }

  #hear(notice: EngineNotice): void {
    if (notice.kind === 'ready') {
      this.#setState({ state: 'running' })
      for (const window of this.#windows) this.#link(window)
    }
    if (notice.kind === 'unable') this.#obstacle = notice.failure
    if (notice.kind === 'activity') this.#memory = notice.memoryBytes
    if (notice.kind === 'settled') this.#settled()
    if (notice.kind === 'probe') this.#probe(notice)
    this.#options.onNotice(notice)
  }

  /** Only this process starts others; what a driver does to one of them, the engine only hears of. */
  #probe({ id, runtime, device }: Extract<EngineNotice, { kind: 'probe' }>): void {
    const engine = this.#process
    const libraries = { [gpuFolderVariable]: join(this.#config.data, gpuFolderName) }
    const tried = startService(this.#options.probeFile, 'probe', [runtime, device], libraries)
    const answer = (result: ProbeResult | null, code: number | null): void => {
      if (this.#process === engine) this.#order({ kind: 'probed', id, result, code })
    }
    const ended = (code: number): void => {
      answer(null, code)
    }
    tried.once('exit', ended)
    tried.once('message', (message: unknown) => {
      tried.off('exit', ended)
      tried.kill()
      answer(probeResultSchema.safeParse(message).data ?? null, null)
    })
  }

  #ended(code: number): void {
    this.#process = null
    if (this.#ending) return
    const failure = this.#obstacle ?? engineFailure(code, this.#memory)
    this.#obstacle = null
    log.error(`The engine ended with code ${code}: ${failure.message}`)
    this.#memory = 0
    const now = performance.now()
    this.#failures = [...this.#failures.filter((time) => now - time < failureWindow), now]
    this.#options.onNotice({ kind: 'activity', job: null, memoryBytes: 0 })
    if (this.#failures.length >= mostFailures) {
      this.#setState({ state: 'failed', failure })
      return
    }
    this.#setState({ state: 'lost', failure })
    this.#start()
  }

  #setState(state: EngineState): void {
    this.#state = state
    this.#options.onState(state)
  }

  #link(window: BrowserWindow): void {
    if (this.#process !== null) connect(window, this.#process, portMessage)
  }

  #order(order: EngineOrder): void {
    this.#process?.postMessage(order)
  }
}
