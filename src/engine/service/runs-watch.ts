import { readdirSync, statSync, watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { reportFile, runFile } from '../../contract/names'
import { evaluationFile } from '../evaluation-file'
import { boundsFile } from '../run-folder'

/** Files of a run that lists and details are made from. Training writes others all the time. */
const telling: ReadonlySet<string> = new Set([runFile, boundsFile, evaluationFile, reportFile])

/** Milliseconds without a change after which changes are told, together. */
const quiet = 300

/**
 * Milliseconds between two looks at what is there: a folder that is not there yet cannot be watched, and one that was
 * replaced is not told of.
 */
const looking = 2000

/** Tells when runs in a folder may have changed, whoever changed them. It keeps no process from ending. */
export class RunsWatch {
  readonly #changed: () => void
  #folder: string
  #root: FSWatcher | null = null
  #runs = new Map<string, FSWatcher>()
  /** What was there at the last look: which folder it was, and the names in it. */
  #seen = ''
  #timer: NodeJS.Timeout | undefined
  readonly #interval: NodeJS.Timeout

  constructor(folder: string, changed: () => void) {
    this.#folder = folder
    this.#changed = changed
    this.#look()
    this.#interval = setInterval(() => {
      if (this.#look()) this.#tell()
    }, looking).unref()
  }

  /** Watches another folder from now on. */
  follow(folder: string): void {
    this.#folder = folder
    this.#look()
  }

  close(): void {
    clearInterval(this.#interval)
    clearTimeout(this.#timer)
    this.#unwatch()
  }

  /** Watches what is there now. Returns whether it is other than at the last look. */
  #look(): boolean {
    const { key, names } = contentsOf(this.#folder)
    const seen = JSON.stringify([this.#folder, key, names])
    if (seen === this.#seen) return false
    this.#seen = seen
    // Watchers of folders that were replaced see nothing any more.
    this.#unwatch()
    if (key === null) return true
    this.#root = this.#watch(this.#folder, () => {
      this.#tell()
    })
    for (const name of names) {
      const watcher = this.#watch(join(this.#folder, name), (file) => {
        if (file === null || telling.has(file)) this.#tell()
      })
      if (watcher !== null) this.#runs.set(name, watcher)
    }
    return true
  }

  #watch(folder: string, changed: (file: string | null) => void): FSWatcher | null {
    try {
      const watcher = watch(folder, { persistent: false }, (_, file) => {
        changed(file)
      })
      // It may have been removed; the next look says so.
      watcher.on('error', () => {
        watcher.close()
      })
      return watcher
    } catch {
      // Gone since it was listed, or more than the system can watch: names are still looked at.
      return null
    }
  }

  #unwatch(): void {
    this.#root?.close()
    this.#root = null
    for (const watcher of this.#runs.values()) watcher.close()
    this.#runs.clear()
  }

  /** Tells of a change once it is followed by no other. */
  #tell(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#look()
      this.#changed()
    }, quiet).unref()
  }
}

/** The folders in a folder by name, and what tells it from another one in its place; null where there is none. */
function contentsOf(folder: string): { readonly key: string | null; readonly names: readonly string[] } {
  try {
    const { ino, dev } = statSync(folder)
    const entries = readdirSync(folder, { withFileTypes: true })
    const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
    return { key: `${dev} ${ino}`, names: names.toSorted() }
  } catch {
    return { key: null, names: [] }
  }
}
