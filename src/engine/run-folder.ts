import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'
import type { z } from 'zod'
import { boundsFileSchema, type BoundsFile } from '../contract/bounds'
import type { JobEvent } from '../contract/events'
import { runFileSchema, type RunFile } from '../contract/run'
import type { Histogram } from '../core/calibration/histogram'
import type { Statistics } from '../core/calibration/statistics'
import { StudioError } from '../core/errors'

/** Names of the files in a run folder. */
const runFile = 'run.json'
const boundsFile = 'bounds.json'
const statisticsFile = 'statistics.bin'
const eventsFile = 'events.jsonl'

/** What a finished calibration leaves behind. */
export interface RunContents {
  readonly run: RunFile
  readonly bounds: BoundsFile
  readonly statistics: Statistics
  readonly events: readonly JobEvent[]
}

/** A run folder that was read. */
export interface OpenedRun {
  readonly folder: string
  readonly run: RunFile
  readonly bounds: BoundsFile
}

/** Throws a StudioError if a run cannot be written to `folder`, before work is spent on it. */
export async function expectFreeFolder(folder: string): Promise<void> {
  if (existsSync(folder)) {
    throw new StudioError('refused', `"${folder}" exists already; give another --out or remove it first.`)
  }
  await withDiskErrors(folder, async () => {
    await mkdir(dirname(resolve(folder)), { recursive: true })
    await mkdir(partialFolder(folder))
    await rm(partialFolder(folder), { recursive: true })
  })
}

/** Writes a run folder in one step: it is complete or not there. */
export async function writeRun(folder: string, contents: RunContents): Promise<void> {
  const partial = partialFolder(folder)
  await withDiskErrors(folder, async () => {
    try {
      await mkdir(partial, { recursive: true })
      await writeFile(join(partial, runFile), json(contents.run))
      await writeFile(join(partial, boundsFile), json(contents.bounds))
      await writeFile(join(partial, statisticsFile), packStatistics(contents.statistics))
      await writeFile(join(partial, eventsFile), contents.events.map((event) => `${JSON.stringify(event)}\n`).join(''))
      await rename(partial, folder)
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  })
}

/** A hidden name beside the folder, so that renaming stays on one disk. */
function partialFolder(folder: string): string {
  const whole = resolve(folder)
  return join(dirname(whole), `.${basename(whole)}.partial-${process.pid}`)
}

/** Runs `write` and turns what the operating system says into one sentence. */
export async function withDiskErrors<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const reasons: Readonly<Record<string, string>> = {
      ENOSPC: 'the disk is full',
      EACCES: 'writing is not permitted there',
      EPERM: 'writing is not permitted there',
      EROFS: 'the disk is read-only',
      ENOTDIR: 'part of the path is a file',
      EEXIST: 'part of the path is a file'
    }
    const reason = typeof code === 'string' ? reasons[code] : undefined
    if (reason === undefined) throw cause
    throw new StudioError('failed', `"${path}" could not be written: ${reason}; choose another place.`, { cause })
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Whether a path is a run folder rather than a model file. */
export async function isRunFolder(path: string): Promise<boolean> {
  return existsSync(path) && (await stat(path)).isDirectory()
}

/** Reads a run folder. Throws a StudioError ('missing', 'unreadable') naming the file that is not as it should be. */
export async function openRun(folder: string): Promise<OpenedRun> {
  return {
    folder,
    run: await readJson(join(folder, runFile), runFileSchema),
    bounds: await readJson(join(folder, boundsFile), boundsFileSchema)
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  if (!existsSync(path)) throw new StudioError('missing', `There is no "${path}"; is this the folder of a run?`)
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new StudioError('unreadable', `"${path}" is damaged: it is no JSON; quantize again.`, { cause })
  }
  const checked = schema.safeParse(parsed)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`
  throw new StudioError('unreadable', `"${path}" is not as it should be${where}: ${issue?.message ?? 'unknown'}.`)
}

/**
 * Histograms as bytes: a header's length (uint32), the header (JSON: where each histogram's bins lie), then all counts as
 * float64, the whole deflated. Little-endian.
 */
function packStatistics(statistics: Statistics): Uint8Array {
  const entries = [...statistics]
  const header = Buffer.from(
    JSON.stringify(
      entries.map(([value, { origin, width, min, max, count, counts }]) => {
        return { value, origin, width, min, max, count, bins: counts.length }
      })
    )
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(header.length)
  const counts = entries.map(([, histogram]) =>
    Buffer.from(histogram.counts.buffer, histogram.counts.byteOffset, histogram.counts.byteLength)
  )
  return deflateSync(Buffer.concat([length, header, ...counts]), { level: 1 })
}

/** The histograms of a run, so that new bounds can be searched without the network. */
export async function readStatistics(folder: string): Promise<Statistics> {
  const path = join(folder, statisticsFile)
  if (!existsSync(path)) throw new StudioError('missing', `There is no "${path}"; quantize again.`)
  try {
    const bytes = inflateSync(await readFile(path))
    const headerLength = bytes.readUInt32LE(0)
    const header = JSON.parse(bytes.toString('utf8', 4, 4 + headerLength)) as (Omit<Histogram, 'counts'> & {
      readonly value: string
      readonly bins: number
    })[]
    let offset = 4 + headerLength
    return new Map(
      header.map(({ value, bins, ...rest }) => {
        const counts = new Float64Array(new Uint8Array(bytes.subarray(offset, offset + 8 * bins)).buffer)
        offset += 8 * bins
        return [value, { ...rest, counts }]
      })
    )
  } catch (cause) {
    throw new StudioError('unreadable', `"${path}" is damaged; quantize again.`, { cause })
  }
}
