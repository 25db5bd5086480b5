import { existsSync } from 'node:fs'
import { mkdir, open, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { StudioError } from '../../core/errors'
import { sizesOf, type GpuComponent, type GpuPart } from '../../runtimes/gpu/components'
import { folderOf, foldersOf, isInstalled, manifestName, unfinished } from '../../runtimes/gpu/installed'
import { holdAlone } from '../lock-file'
import { json, withDiskErrors } from '../run-folder'
import { download, onServer, receivedOf, sha256Of, type DownloadOptions } from '../zoo/download'
import { unpack } from './unpack'

export interface InstallOptions extends Omit<DownloadOptions, 'onProgress'> {
  /** The address of a folder that has the same files; null for those who published them. */
  readonly server: string | null
  /** Files that the user has, under any names. Where there are some, nothing is downloaded. */
  readonly files: readonly string[]
  /** Hears what is done and how many bytes of it are: of what is downloaded, then of what is kept. */
  readonly onProgress?: (step: 'download' | 'unpack', bytes: number) => void
}

/**
 * Has a component in a folder of libraries: as it was before, or wholly. What has come of its files is kept for the next attempt;
 * older versions are gone afterwards.
 *
 * @returns the component's folder
 * @throws StudioError ('refused' where the disk has too little room, a file is another one, or another process does the same;
 *   as `download` does)
 */
export async function install(component: GpuComponent, folder: string, options: InstallOptions): Promise<string> {
  const own = folderOf(component, folder)
  await alone(component, folder, async () => {
    await removeUnfinished(component, folder)
    if (isInstalled(component, folder)) return
    await expectRoom(component, folder, options.files.length > 0)
    const archives = await obtainParts(component, folder, options)
    const made = `${own}${unfinished}`
    try {
      await withDiskErrors(folder, async () => {
        await mkdir(made)
        await fill(made, component, archives, options)
        // One of the same name has other contents than are wanted.
        if (existsSync(own)) await discard(own)
        await rename(made, own)
        for (const other of foldersOf(component, folder)) if (other !== own) await discard(other)
      })
    } finally {
      await rm(made, { recursive: true, force: true })
    }
    await removeDownloads(component, folder)
  })
  return own
}

/** Removes a component, whatever version of it is there, and what has come of it. A process that has it loaded keeps it until it ends. */
export async function remove(component: GpuComponent, folder: string): Promise<void> {
  if (!existsSync(folder)) return
  await alone(component, folder, async () => {
    for (const path of foldersOf(component, folder)) await discard(path)
    await removeDownloads(component, folder)
  })
}

/** Removes what a process that was killed has left unfinished, where no other is at work on it. */
export async function tidy(component: GpuComponent, folder: string): Promise<void> {
  if (!foldersOf(component, folder).some((path) => path.endsWith(unfinished))) return
  try {
    await alone(component, folder, () => removeUnfinished(component, folder))
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
  }
}

/** Bytes that have come of a component's files. */
export async function receivedBytes({ parts }: GpuComponent, folder: string): Promise<number> {
  let bytes = 0
  for (const part of parts) bytes += await receivedOfPart(part, folder)
  return bytes
}

async function receivedOfPart(part: GpuPart, folder: string): Promise<number> {
  const path = downloadOf(part, folder)
  const received = existsSync(path) ? (await stat(path)).size : await receivedOf(path)
  return Math.min(received, part.bytes)
}

const lockOf = ({ id }: GpuComponent, folder: string): string => join(folder, `${id}.lock`)
const downloadsIn = (folder: string): string => join(folder, 'downloads')
const downloadOf = ({ name }: GpuPart, folder: string): string => join(downloadsIn(folder), name)

async function alone(component: GpuComponent, folder: string, work: () => Promise<void>): Promise<void> {
  const lock = lockOf(component, folder)
  await withDiskErrors(folder, () => mkdir(folder, { recursive: true }))
  await holdAlone(lock, component.title)
  try {
    await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function removeUnfinished(component: GpuComponent, folder: string): Promise<void> {
  for (const path of foldersOf(component, folder)) {
    if (path.endsWith(unfinished)) await rm(path, { recursive: true, force: true })
  }
}

/** Removes a folder in one step: it is there wholly, or has the name of what is unfinished. */
async function discard(path: string): Promise<void> {
  if (path.endsWith(unfinished)) {
    await rm(path, { recursive: true, force: true })
    return
  }
  const gone = `${path}.old${unfinished}`
  await rename(path, gone)
  await rm(gone, { recursive: true, force: true })
}

async function removeDownloads({ parts }: GpuComponent, folder: string): Promise<void> {
  for (const part of parts) {
    const path = downloadOf(part, folder)
    for (const left of [path, `${path}.part`]) await rm(left, { force: true })
  }
  // It stays where files of other components are in it.
  await rmdir(downloadsIn(folder)).catch(() => undefined)
}

/** Throws a StudioError ('refused') where the disk has no room for what is still to come and for what is kept of it. */
async function expectRoom(component: GpuComponent, folder: string, hasFiles: boolean): Promise<void> {
  const { bytes, unpackedBytes } = sizesOf(component)
  const toCome = hasFiles ? 0 : bytes - (await receivedBytes(component, folder))
  const needed = toCome + unpackedBytes
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= needed) return
  const [wanted, free] = [needed, bavail * bsize].map((count) => `${Math.ceil(count / 1e6)} MB`)
  const what = `${component.title} needs ${wanted} on the disk of "${folder}", which has ${free} left`
  throw new StudioError('refused', `${what}; make room there and try again.`)
}

/** The file of each part, checked: one that the user gave, or one that is downloaded. */
async function obtainParts(
  component: GpuComponent,
  folder: string,
  { server, files, onProgress = () => undefined, ...options }: InstallOptions
): Promise<ReadonlyMap<GpuPart, string>> {
  const archives = new Map(await recognize(component, files))
  let before = 0
  for (const part of component.parts) {
    options.signal.throwIfAborted()
    const path = downloadOf(part, folder)
    if (archives.has(part)) {
      // Nothing of it comes.
    } else if (existsSync(path) && (await sha256Of(path)) === part.sha256) {
      archives.set(part, path)
    } else if (files.length > 0) {
      const what = `${component.title} also needs "${part.name}" (${part.bytes} bytes)`
      throw new StudioError('refused', `${what}; give it together with the others, or none to have all downloaded.`)
    } else {
      const since = before
      const telling = (bytes: number): void => {
        onProgress('download', since + bytes)
      }
      await download(onServer(part, server), path, { ...options, onProgress: telling })
      archives.set(part, path)
    }
    before += part.bytes
    onProgress('download', before)
  }
  return archives
}

/** Which parts the user's files are. Throws a StudioError ('refused') where one is none. */
async function recognize(
  { title, parts }: GpuComponent,
  files: readonly string[]
): Promise<ReadonlyMap<GpuPart, string>> {
  const found = new Map<GpuPart, string>()
  for (const file of files) {
    if (!existsSync(file)) throw new StudioError('missing', `There is no "${file}"; is the path right?`)
    const { size } = await stat(file)
    const alike = parts.filter(({ bytes }) => bytes === size)
    const digest = alike.length > 0 ? await sha256Of(file) : ''
    const part = alike.find(({ sha256 }) => sha256 === digest)
    if (part === undefined) {
      const expected = parts.map(({ name, bytes, sha256 }) => `${name} (${bytes} bytes, SHA-256 ${sha256})`)
      const what = `"${file}" is no file of ${title}: its size or content differ`
      throw new StudioError('refused', `${what}. Expected is ${expected.join(' or ')}.`)
    }
    found.set(part, file)
  }
  return found
}

/** Puts all members of a component into a folder, and then the file that says that they are there. */
async function fill(
  made: string,
  component: GpuComponent,
  archives: ReadonlyMap<GpuPart, string>,
  { signal, onProgress = () => undefined }: InstallOptions
): Promise<void> {
  let bytes = 0
  const telling = (more: number): void => {
    bytes += more
    onProgress('unpack', bytes)
  }
  for (const [part, archive] of archives) await unpack(archive, part, made, { signal, onProgress: telling })
  const { id, version } = component
  const parts = component.parts.map(({ name, sha256 }) => ({ name, sha256 }))
  const manifest = await open(join(made, manifestName), 'wx')
  try {
    await manifest.writeFile(json({ schema: 1, id, version, parts }))
    await manifest.sync()
  } finally {
    await manifest.close()
  }
}
