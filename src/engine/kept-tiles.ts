import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Image } from '../core/imaging/image'
import { StudioError } from '../core/errors'
import { writeImage } from '../formats/image-files'
import { withDiskErrors } from './run-folder'

/** Where a run folder keeps what its networks made of pictures that were looked at. */
export const viewsFolder = 'views'

/** Bytes that these may take in one run, but for the picture that is looked at. */
const mostBytes = 2 ** 30

/** Digits of digests in names: 64 bits. */
const digits = 16

/** One output of a run for a picture: the picture's and the variant's folder. */
export interface KeptOutput {
  /** The run folder. */
  readonly run: string
  readonly picture: string
  readonly variant: string
}

const tileName = /^(\d+-\d+)\.png$/

/**
 * Tiles that networks made, as `views/PICTURE/VARIANT/COLUMN-ROW.png` of a run folder. Where they grow too many, pictures that
 * were not looked at for longest go first.
 */
export class KeptTiles {
  readonly #most: number
  /** Bytes that the tiles of a run take, as far as they were counted. */
  readonly #bytes = new Map<string, number>()

  constructor(most = mostBytes) {
    this.#most = most
  }

  /** Where an output lies, as an absolute path; it need not be there. */
  folderOf({ run, picture, variant }: KeptOutput): string {
    return join(resolve(run), viewsFolder, picture, variant)
  }

  fileOf(output: KeptOutput, column: number, row: number): string {
    return join(this.folderOf(output), `${column}-${row}.png`)
  }

  /** Places of the tiles of an output that are there, as `column-row`. */
  async places(output: KeptOutput): Promise<string[]> {
    return (await namesIn(this.folderOf(output))).flatMap((name) => tileName.exec(name)?.[1] ?? [])
  }

  /**
   * Takes note that a picture is looked at, and removes what is of no use any more: outputs of variants that are others now,
   * and what is too much.
   *
   * @param variants folders of the variants as they are now
   */
  async look(run: string, picture: string, variants: ReadonlySet<string>): Promise<void> {
    const views = join(run, viewsFolder)
    await withDiskErrors(views, async () => {
      for (const each of await namesIn(views)) {
        const outputs = await namesIn(join(views, each))
        for (const name of outputs.filter((output) => !variants.has(output))) {
          await rm(join(views, each, name), { recursive: true, force: true })
          this.#bytes.delete(run)
        }
      }
    })
    await touch(join(views, picture))
    await this.#makeRoom(run, picture)
  }

  /** Keeps a tile. Throws a StudioError ('missing') where the run is gone, ('failed') where the disk does not take it. */
  async keep(output: KeptOutput, column: number, row: number, image: Image): Promise<void> {
    const { run, picture } = output
    const folder = this.folderOf(output)
    // A run that went to the trash meanwhile is not begun anew.
    if (!existsSync(run)) throw new StudioError('missing', `There is no run "${run}" any more.`)
    await withDiskErrors(folder, () => mkdir(folder, { recursive: true }))
    const file = this.fileOf(output, column, row)
    await writeImage(file, image)
    await touch(join(run, viewsFolder, picture))
    const known = this.#bytes.get(run)
    if (known !== undefined) this.#bytes.set(run, known + (await stat(file)).size)
    await this.#makeRoom(run, picture)
  }

  /** Removes pictures that were not looked at for longest while tiles take more than they may. */
  async #makeRoom(run: string, looked: string): Promise<void> {
    if ((this.#bytes.get(run) ?? Infinity) <= this.#most) return
    const pictures = await measured(join(run, viewsFolder))
    let total = pictures.reduce((sum, { bytes }) => sum + bytes, 0)
    for (const { name, bytes } of pictures.toSorted((a, b) => a.looked - b.looked)) {
      if (total <= this.#most) break
      if (name === looked) continue
      await withDiskErrors(run, () => rm(join(run, viewsFolder, name), { recursive: true, force: true }))
      total -= bytes
    }
    this.#bytes.set(run, total)
  }
}

/** What stands for a picture as it is now: it is another one once its file is replaced. Throws a StudioError ('missing'). */
export async function pictureKey(path: string): Promise<string> {
  const file = resolve(path)
  const found = await stat(file).catch(() => null)
  if (found === null) throw new StudioError('missing', `There is no picture "${path}".`)
  return digestOf([file, found.size, found.mtimeMs])
}

/** A digest of what tells things apart, for names. */
export function digestOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, digits)
}

interface KeptPicture {
  readonly name: string
  readonly bytes: number
  /** When it was looked at last, in milliseconds. */
  readonly looked: number
}

async function measured(views: string): Promise<readonly KeptPicture[]> {
  const pictures: KeptPicture[] = []
  for (const name of await namesIn(views)) {
    let bytes = 0
    for (const variant of await namesIn(join(views, name))) {
      const folder = join(views, name, variant)
      const files = await namesIn(folder)
      // One that is just being replaced is counted the next time.
      const sizes = await Promise.all(files.map((file) => stat(join(folder, file)).catch(() => ({ size: 0 }))))
      bytes += sizes.reduce((sum, { size }) => sum + size, 0)
    }
    const { mtimeMs } = await stat(join(views, name)).catch(() => ({ mtimeMs: 0 }))
    pictures.push({ name, bytes, looked: mtimeMs })
  }
  return pictures
}

/** Names in a folder; none where there is no such folder. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => [])
}

/** Makes a folder seem changed just now; nothing where it is not there. */
async function touch(folder: string): Promise<void> {
  const now = new Date()
  await utimes(folder, now, now).catch(() => undefined)
}
