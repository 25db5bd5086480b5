import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { StudioError } from '../../core/errors'
import { holdAlone } from '../lock-file'
import { withDiskErrors } from '../run-folder'

/** A file that can be had, and how to tell that it is the right one. */
export interface Downloadable {
  readonly name: string
  readonly url: string
  readonly bytes: number
  readonly sha256: string
}

export interface DownloadOptions {
  readonly signal: AbortSignal
  /** Hears how many bytes are there. */
  readonly onProgress?: (bytes: number) => void
  /** Milliseconds without a byte after which a connection counts as broken. */
  readonly patience?: number
  /** Milliseconds before the first new attempt; each further one waits twice as long. */
  readonly pause?: number
}

/** Attempts in a row that may bring nothing. */
const mostAttempts = 5
const mostRedirects = 5

/** What was sent was not what is wanted, or nothing came: another attempt may help. */
class Interruption extends Error {}

/** The server has nothing from where we want to go on, so what was left is of another file. */
class WrongRange extends Interruption {}

/**
 * Downloads a file to `target`, which is not there or holds it wholly, at no time a part: what has come stands in
 * `target.part`, from where a later call goes on. No more is taken than the file has bytes, and it is used only if its digest
 * is the one that is told.
 *
 * @throws StudioError ('refused' where the server has no such file, cannot be reached, or another process downloads the same;
 *   'unreadable' for other bytes; 'failed' where the disk does not take them)
 */
export async function download(file: Downloadable, target: string, options: DownloadOptions): Promise<void> {
  const { onProgress = () => undefined, pause = 1000 } = options
  const [part, lock] = [partOf(target), `${target}.lock`]
  await withDiskErrors(dirname(target), () => mkdir(dirname(target), { recursive: true }))
  await holdAlone(lock, target)
  try {
    await withDiskErrors(part, () => fetchInto(part, file, { ...options, onProgress, pause }))
    await rename(part, target)
  } finally {
    await rm(lock, { force: true })
  }
}

/** Has a file's bytes in `part`, all of them and no others, whatever is there before. */
async function fetchInto(
  part: string,
  file: Downloadable,
  options: DownloadOptions & Required<Pick<DownloadOptions, 'onProgress' | 'pause'>>
): Promise<void> {
  const { signal, pause } = options
  if ((await sizeOf(part)) > file.bytes) await rm(part)
  let [attempts, there] = [0, await sizeOf(part)]
  while (there < file.bytes) {
    signal.throwIfAborted()
    try {
      await fetchRest(file, part, there, options)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof Interruption)) throw error
      if (error instanceof WrongRange) await rm(part, { force: true })
      const now = await sizeOf(part)
      attempts = now > there ? 1 : attempts + 1
      if (attempts >= mostAttempts) {
        const what = `"${file.name}" could not be downloaded from ${new URL(file.url).host} (${error.message})`
        throw new StudioError('refused', `${what}; what has come is kept, and the next attempt goes on from there.`, {
          cause: error
        })
      }
      await wait(pause * 2 ** (attempts - 1), undefined, { signal })
    }
    there = await sizeOf(part)
  }
  if (there > file.bytes || (await sha256Of(part)) !== file.sha256) {
    await rm(part, { force: true })
    const what = `What ${new URL(file.url).host} sent is not "${file.name}"`
    throw new StudioError(
      'unreadable',
      `${what}: its bytes are others than those that were published; nothing was kept.`
    )
  }
}

/** A file as another server has it: the address of a folder, null for those who published it. */
export function onServer<T extends Downloadable>(file: T, server: string | null): T {
  if (server === null) return file
  return { ...file, url: new URL(file.name, server.endsWith('/') ? server : `${server}/`).href }
}

/** Bytes that an earlier download to `target` has left. */
export function receivedOf(target: string): Promise<number> {
  return sizeOf(partOf(target))
}

const partOf = (target: string): string => `${target}.part`

async function sizeOf(path: string): Promise<number> {
  return existsSync(path) ? (await stat(path)).size : 0
}

/** SHA-256 of a file that need not fit into memory, in hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

/** Appends what a server sends from byte `from` on; begins anew where it sends all of it. */
async function fetchRest(
  file: Downloadable,
  part: string,
  from: number,
  { signal, onProgress, patience = 30_000 }: DownloadOptions & Required<Pick<DownloadOptions, 'onProgress'>>
): Promise<void> {
  const silence = new AbortController()
  const timer = setTimeout(() => {
    silence.abort()
  }, patience)
  let handle: FileHandle | null = null
  try {
    const response = await answerOf(file, from, AbortSignal.any([signal, silence.signal]))
    const goesOn =
      response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${from}-`) === true
    // What is appended must be what comes next; a server that knows no ranges sends all.
    handle = await open(part, goesOn ? 'a' : 'w')
    let there = goesOn ? from : 0
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      timer.refresh()
      await handle.writeFile(chunk.subarray(0, file.bytes + 1 - there))
      there += chunk.length
      // One byte too many is enough to tell that it is another file.
      if (there > file.bytes) return
      onProgress(there)
    }
    if (there < file.bytes) throw new Interruption('the connection was cut')
  } catch (error) {
    if (error instanceof StudioError || error instanceof Interruption || isOfDisk(error)) throw error
    throw new Interruption(silence.signal.aborted ? `nothing came for ${patience / 1000} s` : reasonOf(error), {
      cause: error
    })
  } finally {
    clearTimeout(timer)
    await handle?.close()
  }
}

/** The answer of the server that has the file, wherever it sends us, but never from a protected connection to another. */
async function answerOf(file: Downloadable, from: number, signal: AbortSignal): Promise<Response> {
  let url = new URL(file.url)
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const headers = from > 0 ? { range: `bytes=${from}-` } : {}
    const response = await fetch(url, { headers, signal, redirect: 'manual' })
    const location = response.headers.get('location')
    if (response.status >= 300 && response.status < 400 && location !== null) {
      const next = new URL(location, url)
      await response.body?.cancel()
      if (next.protocol !== 'https:' && next.protocol !== url.protocol) {
        throw new StudioError(
          'refused',
          `${url.host} sends to an unprotected address, ${next.host}; it is not followed.`
        )
      }
      url = next
      continue
    }
    if (response.ok) return response
    await response.body?.cancel()
    const says = `${url.host} answers ${response.status}`
    if (response.status === 416) throw new WrongRange(says)
    // Busy servers may answer otherwise at the next attempt.
    if (response.status >= 500 || response.status === 429) throw new Interruption(says)
    const what = `"${file.name}" could not be downloaded: ${says} for ${url.pathname}`
    throw new StudioError('refused', `${what}; look for it at its source, or give another server by --from.`)
  }
  throw new StudioError(
    'refused',
    `"${file.name}" could not be downloaded: ${url.host} sends from one address to another.`
  )
}

/** Whether an error is one of writing, which no other attempt will help. */
function isOfDisk(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  return typeof code === 'string' && ['ENOSPC', 'EACCES', 'EROFS', 'EDQUOT', 'EIO', 'EISDIR', 'EPERM'].includes(code)
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message : String(cause)
}
