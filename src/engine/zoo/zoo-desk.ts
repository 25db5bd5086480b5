import { dirname, join } from 'node:path'
import { topicReducers } from '../../contract/engine'
import type { ZooEntry } from '../../contract/zoo'
import { StudioError } from '../../core/errors'
import { Feed } from '../service/feed'
import { zooModels, type ZooModel } from './catalogue'
import { onServer, receivedOf } from './download'
import { findModels, obtain } from './library'

/** Milliseconds between two words of how far a download has come. */
const interval = 100

/** What windows see and ask of the zoo: its models, kept in one folder under the names they were published by. */
export class ZooDesk {
  /** Each change is the whole list. */
  readonly feed: Feed<readonly ZooEntry[], readonly ZooEntry[]>
  readonly #folder: string
  readonly #models: readonly ZooModel[]
  readonly #downloads = new Set<string>()

  constructor(folder: string, models = zooModels) {
    this.#folder = folder
    this.#models = models
    const entries = models.map(({ id, title, bytes, sha256, licence, source }): ZooEntry => {
      return { id, title, bytes, sha256, licence, source, path: null, received: 0, isDownloading: false }
    })
    this.feed = new Feed<readonly ZooEntry[], readonly ZooEntry[]>(entries, topicReducers.zoo)
  }

  /** Looks which models are there. */
  async look(): Promise<void> {
    const found = await findModels(this.#models, [this.#folder])
    for (const model of this.#models) {
      if (this.#downloads.has(model.id)) continue
      const received = await receivedOf(join(this.#folder, model.name))
      this.#change(model.id, { path: found.get(model) ?? null, received: Math.min(received, model.bytes) })
    }
  }

  /**
   * Has a model in the folder; what an earlier call has brought is not brought again.
   *
   * @param server where to get it instead of from those who published it
   * @returns where it is
   * @throws StudioError as `obtain` does, and 'refused' where it is on its way already
   */
  async get(id: string, server: string | null, signal: AbortSignal): Promise<string> {
    const model = this.#models.find((each) => each.id === id)
    if (model === undefined) throw new StudioError('missing', `There is no model "${id}" in the zoo.`)
    if (this.#downloads.has(id)) throw new StudioError('refused', `${model.title} is being downloaded already.`)
    this.#downloads.add(id)
    this.#change(id, { isDownloading: true })
    let told = performance.now()
    const onProgress = (received: number): void => {
      if (performance.now() - told < interval) return
      told = performance.now()
      this.#change(id, { received })
    }
    try {
      const { path } = await obtain(onServer(model, server), this.#folder, [], { signal, onProgress })
      return path
    } finally {
      this.#downloads.delete(id)
      this.#change(id, { isDownloading: false })
      await this.look()
    }
  }

  /**
   * Takes a file that the user has, whatever it is called, as the model that it is.
   *
   * @returns where its copy is
   * @throws StudioError ('refused') where it is none of the zoo's
   */
  async take(file: string, signal: AbortSignal): Promise<string> {
    const found = await findModels(this.#models, [dirname(file)])
    const model = this.#models.find((each) => found.get(each) === file)
    if (model === undefined) {
      const what = `"${file}" is none of these models: size or content differ from what was published`
      throw new StudioError('refused', `${what}. To use it all the same, choose it as your model.`)
    }
    const { path } = await obtain(model, this.#folder, [dirname(file)], { signal })
    await this.look()
    return path
  }

  #change(id: string, changes: Partial<ZooEntry>): void {
    this.feed.publish(this.feed.state.map((entry) => (entry.id === id ? { ...entry, ...changes } : entry)))
  }
}
