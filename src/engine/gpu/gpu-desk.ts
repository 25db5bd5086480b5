import { mkdir } from 'node:fs/promises'
import { topicReducers } from '../../contract/engine'
import type { GpuEntry } from '../../contract/gpu'
import { StudioError } from '../../core/errors'
import { gpuComponents, type GpuComponent } from '../../runtimes/gpu/components'
import { withDiskErrors } from '../run-folder'
import { Feed } from '../service/feed'
import { componentOf, entryOf } from './entries'
import { install, remove, tidy, type InstallOptions } from './install'

/** Milliseconds between two words of how far an installation has come. */
const interval = 100

/** What windows see and ask of GPU support: components that are kept in one folder. */
export class GpuDesk {
  /** Each change is the whole list. */
  readonly feed: Feed<readonly GpuEntry[], readonly GpuEntry[]>
  readonly #folder: string
  readonly #components: readonly GpuComponent[]
  /** Components that are being installed or removed. */
  readonly #busy = new Set<string>()

  private constructor(folder: string, components: readonly GpuComponent[], entries: readonly GpuEntry[]) {
    this.#folder = folder
    this.#components = components
    this.feed = new Feed<readonly GpuEntry[], readonly GpuEntry[]>(entries, topicReducers.gpu)
  }

  /** Has the folder there where this system has components, so that onnxruntime is loaded from where it finds what comes later. */
  static async open(folder: string, components = gpuComponents()): Promise<GpuDesk> {
    if (components.length > 0) await withDiskErrors(folder, () => mkdir(folder, { recursive: true }))
    const desk = new GpuDesk(folder, components, [])
    await desk.look()
    return desk
  }

  /** Looks which components are there. */
  async look(): Promise<void> {
    const entries: GpuEntry[] = []
    for (const component of this.#components) {
      const { id } = component
      if (!this.#busy.has(id)) await tidy(component, this.#folder)
      const known = this.feed.state.find((entry) => entry.id === id)
      entries.push(this.#busy.has(id) && known !== undefined ? known : await entryOf(component, this.#folder))
    }
    this.feed.publish(entries)
  }

  /**
   * Installs a component; what an earlier call has brought is not brought again.
   *
   * @param files the user's, to take it from; without any, it is downloaded
   * @throws StudioError as `install` does, and 'refused' where it is worked on already
   */
  async install(id: string, files: readonly string[], signal: AbortSignal): Promise<void> {
    let timer: NodeJS.Timeout | null = null
    let last: Partial<GpuEntry> = { step: 'download' }
    const onProgress: InstallOptions['onProgress'] = (step, received) => {
      last = { step, received }
      timer ??= setTimeout(() => {
        timer = null
        this.#change(id, last)
      }, interval)
    }
    await this.#alone(id, async (component) => {
      this.#change(id, last)
      try {
        await install(component, this.#folder, { server: null, files, signal, onProgress })
      } finally {
        if (timer !== null) clearTimeout(timer)
      }
    })
  }

  /** Removes a component, or what has come of it. */
  remove(id: string): Promise<void> {
    return this.#alone(id, (component) => remove(component, this.#folder))
  }

  async #alone(id: string, work: (component: GpuComponent) => Promise<void>): Promise<void> {
    const component = componentOf(id, this.#components)
    if (this.#busy.has(id)) throw new StudioError('refused', `${component.title} is being worked on already.`)
    this.#busy.add(id)
    try {
      await work(component)
    } finally {
      this.#busy.delete(id)
      await this.look()
    }
  }

  #change(id: string, changes: Partial<GpuEntry>): void {
    this.feed.publish(this.feed.state.map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)))
  }
}
