import { stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { StudioError } from '../errors'
import { FilePicture } from './file-picture'

/** Pictures that are kept in memory at most: several times what is looked at at once. */
const mostPictures = 32

/** Bytes that pictures in memory may take. */
const usualBytes = Math.max(2 ** 29, Math.floor(totalmem() / 3))

interface Entry {
  readonly path: string
  /** Tells a file from what it was before it was changed. */
  readonly stamp: string
  readonly picture: Promise<FilePicture>
  /** Null while it is read. */
  read: FilePicture | null
}

/** A file as it is now. */
export interface StampedPicture {
  readonly picture: FilePicture
  readonly stamp: string
}

/**
 * Picture files, read once and kept while there is room: those that were asked for last stay longest. A file that was changed
 * is read anew.
 */
export class PictureFiles {
  readonly #mostBytes: number
  readonly #most: number
  /** By path, in the order in which they were asked for last. */
  readonly #entries = new Map<string, Entry>()

  constructor(mostBytes: number = usualBytes, most: number = mostPictures) {
    this.#mostBytes = mostBytes
    this.#most = most
  }

  /** Bytes that pictures in memory take. */
  get bytes(): number {
    let bytes = 0
    for (const { read } of this.#entries.values()) bytes += read?.bytes ?? 0
    return bytes
  }

  /**
   * The picture in a file.
   *
   * @throws StudioError as `readImage`
   */
  async open(path: string): Promise<StampedPicture> {
    const stamp = await stampOf(path)
    const known = this.#entries.get(path)
    const entry = known?.stamp === stamp ? known : this.#read(path, stamp)
    this.#entries.delete(path)
    this.#entries.set(path, entry)
    return { picture: await entry.picture, stamp }
  }

  #read(path: string, stamp: string): Entry {
    const picture = FilePicture.read(path, () => {
      this.#trim()
    })
    const entry: Entry = { path, stamp, picture, read: null }
    picture.then(
      (read) => {
        entry.read = read
        this.#trim()
      },
      () => {
        // It may be there, or whole, when it is asked for again.
        if (this.#entries.get(path) === entry) this.#entries.delete(path)
      }
    )
    return entry
  }

  /** Lets go of what was not asked for longest; the last one stays whatever it takes. */
  #trim(): void {
    let bytes = this.bytes
    for (const { path, read } of [...this.#entries.values()].slice(0, -1)) {
      if (bytes <= this.#mostBytes && this.#entries.size <= this.#most) return
      if (read === null) continue
      bytes -= read.bytes
      this.#entries.delete(path)
    }
  }
}

/** What tells a file from what it was before it was changed. Throws a StudioError ('missing'). */
export async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size } = await stat(path)
    return `${mtimeMs} ${size}`
  } catch (cause) {
    throw new StudioError('missing', `There is no picture "${path}".`, { cause })
  }
}
