import { createHash } from 'node:crypto'
import { existsSync, type Dirent } from 'node:fs'
import { lstat, mkdir, readdir, rm, rmdir, stat, utimes } from 'node:fs/promises'
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

/** What a program leaves of a tile that is killed while it writes it. */
const partialName = /^\.\d+-\d+\.png\.partial-(\d+)\.png$/

/** Names that we give to folders of pictures and of variants; whatever else lies there is not ours, and is left alone. */
const pictureName = /^[0-9a-f]{16}$/
const variantName = /^.+-[0-9a-f]{16}$/

/**
 * Tiles that networks made, as `views/PICTURE/VARIANT/COLUMN-ROW.png` of a run folder. Where they grow too many, pictures that
 * were not looked at for longest go first.
 *
 * A run folder may come from anybody: nothing is read, written or removed through a link, and nothing is removed whose name is
 * none of ours.
 */
export class KeptTiles {
  readonly #most: number
  /** Bytes that the tiles of each picture of a run take, as far as they were counted. */
  readonly #bytes = new Map<string, Map<string, number>>()

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

  /** Whether a tile is there. */
  async has(output: KeptOutput, column: number, row: number): Promise<boolean> {
    const found = await lstat(this.fileOf(output, column, row)).catch(() => null)
    return found?.isFile() === true
  }

  /**
   * Places of the tiles of an output that are there, as `column-row`.
   *
   * @throws StudioError ('refused') where it lies behind a link
   */
  async places(output: KeptOutput): Promise<string[]> {
    await expectFolders(output)
    const entries = await entriesOf(this.folderOf(output))
    return entries.filter((entry) => entry.isFile()).flatMap(({ name }) => tileName.exec(name)?.[1] ?? [])
  }

  /**
   * Takes note that a picture is looked at, and removes what is of no use any more: outputs of variants that are others now,
   * and what is too much.
   *
   * @param variants folders of the variants as they are now
   * @throws StudioError ('refused') where the picture's tiles lie behind a link
   */
  async look(run: string, picture: string, variants: ReadonlySet<string>): Promise<void> {
    await expectFolders({ run, picture })
    const views = join(run, viewsFolder)
    await withDiskErrors(views, async () => {
      for (const each of await foldersIn(views, pictureName)) {
        const outputs = await foldersIn(join(views, each), variantName)
        for (const name of outputs.filter((output) => !variants.has(output))) {
          await rm(join(views, each, name), { recursive: true, force: true })
          this.#bytes.delete(run)
        }
      }
    })
    await touch(join(views, picture))
    await this.#makeRoom(run, picture)
  }

  /**
   * Keeps a tile.
   *
   * @throws StudioError ('missing') where the run is gone, ('refused') where it would lie behind a link, ('failed') where the
   *   disk does not take it
   */
  async keep(output: KeptOutput, column: number, row: number, image: Image): Promise<void> {
    const { run, picture } = output
    const folder = this.folderOf(output)
    // A run that went to the trash meanwhile is not begun anew.
    if (!existsSync(run)) throw new StudioError('missing', `There is no run "${run}" any more.`)
    await expectFolders(output)
    await withDiskErrors(folder, () => mkdir(folder, { recursive: true }))
    const file = this.fileOf(output, column, row)
    await writeImage(file, image)
    await touch(join(run, viewsFolder, picture))
    const known = this.#bytes.get(run)
    known?.set(picture, (known.get(picture) ?? 0) + (await stat(file)).size)
    await this.#makeRoom(run, picture)
  }

  /**
   * Removes pictures that were not looked at for longest while tiles take more than they may. What each picture takes is
   * counted once and then summed up: to look at every file for every tile would take longer than small tiles do.
   */
  async #makeRoom(run: string, looked: string): Promise<void> {
    const views = join(run, viewsFolder)
    const bytes = this.#bytes.get(run) ?? (await measured(views))
    this.#bytes.set(run, bytes)
    let total = [...bytes.values()].reduce((sum, each) => sum + each, 0)
    const others = [...bytes.keys()].filter((name) => name !== looked)
    if (total <= this.#most || others.length === 0) return
    const times = await Promise.all(others.map(async (name) => ({ name, time: await changeOf(join(views, name)) })))
    for (const { name } of times.toSorted((a, b) => a.time - b.time)) {
      if (total <= this.#most) return
      await withDiskErrors(run, () => removePicture(join(views, name)))
      total -= bytes.get(name) ?? 0
      bytes.delete(name)
    }
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

/**
 * Expects of folders on the way to an output that they are folders, as far as they are there.
 *
 * @throws StudioError ('refused') where one is a link or a file
 */
async function expectFolders({
  run,
  picture,
  variant = ''
}: Omit<KeptOutput, 'variant'> & Partial<KeptOutput>): Promise<void> {
  const views = join(resolve(run), viewsFolder)
  for (const path of new Set([views, join(views, picture), join(views, picture, variant)])) {
    const found = await lstat(path).catch(() => null)
    if (found === null) return
    if (found.isDirectory()) continue
    const what = found.isSymbolicLink() ? 'a link' : 'a file'
    throw new StudioError('refused', `"${path}" is ${what} where outputs of networks are kept; move it away.`)
  }
}

/** What the tiles of each picture take; what a program left that was killed while it wrote is removed. */
async function measured(views: string): Promise<Map<string, number>> {
  const bytes = new Map<string, number>()
  for (const name of await foldersIn(views, pictureName)) {
    let sum = 0
    for (const variant of await foldersIn(join(views, name), variantName)) {
      const folder = join(views, name, variant)
      const files = (await entriesOf(folder)).filter((entry) => entry.isFile()).map((entry) => entry.name)
      await Promise.all(
        files.filter(isLeft).map((file) => rm(join(folder, file), { force: true }).catch(() => undefined))
      )
      const tiles = files.filter((file) => tileName.test(file))
      // One that is just being removed takes nothing.
      const sizes = await Promise.all(tiles.map((file) => lstat(join(folder, file)).catch(() => ({ size: 0 }))))
      sum += sizes.reduce((all, { size }) => all + size, 0)
    }
    bytes.set(name, sum)
  }
  return bytes
}

/** Whether a file is part of a tile that nobody writes any more. */
function isLeft(name: string): boolean {
  const writer = partialName.exec(name)?.[1]
  return writer !== undefined && writer !== String(process.pid)
}

/** Removes what was made of a picture; what is not ours stays, and its folder with it. */
async function removePicture(folder: string): Promise<void> {
  for (const variant of await foldersIn(folder, variantName)) {
    await rm(join(folder, variant), { recursive: true, force: true })
  }
  if ((await entriesOf(folder)).length === 0) await rmdir(folder).catch(() => undefined)
}

/** Names of the folders in a folder that are called so; links to folders are none. */
async function foldersIn(folder: string, called: RegExp): Promise<readonly string[]> {
  const entries = await entriesOf(folder)
  return entries.filter((entry) => entry.isDirectory() && called.test(entry.name)).map(({ name }) => name)
}

/** What is in a folder; nothing where there is no such folder, or a link to one. */
async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  const found = await lstat(folder).catch(() => null)
  return found?.isDirectory() === true ? readdir(folder, { withFileTypes: true }).catch(() => []) : []
}

/** When a folder was changed last, in milliseconds. */
async function changeOf(folder: string): Promise<number> {
  const found = await stat(folder).catch(() => null)
  return found?.mtimeMs ?? 0
}

/** Makes a folder seem changed just now; nothing where it is not there. */
async function touch(folder: string): Promise<void> {
  const now = new Date()
  await utimes(folder, now, now).catch(() => undefined)
}
