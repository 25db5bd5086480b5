import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { deflateSync, inflateSync } from 'node:zlib'
import { z } from 'zod'
import { boundsFileSchema, formatBits, variantKey, type BoundsFile, type Variant } from '../contract/bounds'
import { jobEventSchema, type JobEvent } from '../contract/events'
import { runFile } from '../contract/names'
import { quantizeSettingsSchema, runFileSchema, type QuantizeSettings, type RunFile } from '../contract/run'
import type { Statistics } from '../core/calibration/statistics'
import { StudioError } from '../core/errors'
import { packNumbers, unpackNumbers } from './packed'

/** Names of the files in a run folder. */
export const boundsFile = 'bounds.json'
const statisticsFile = 'statistics.bin'
export const eventsFile = 'events.jsonl'

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
    const parent = dirname(resolve(folder))
    await mkdir(parent, { recursive: true })
    // What a killed process left behind.
    const prefix = partialPrefix(folder)
    for (const name of await readdir(parent)) {
      const left = name.startsWith(prefix) && !isAlive(Number(name.slice(prefix.length)))
      if (left) await rm(join(parent, name), { recursive: true, force: true })
    }
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
      await writeFile(join(partial, eventsFile), contents.events.map(eventLine).join(''))
      await rename(partial, folder)
    } finally {
      await rm(partial, { recursive: true, force: true })
    }
  })
}

/** Events that only matter at their time. */
const momentary: ReadonlySet<JobEvent['kind']> = new Set(['progress', 'pace', 'estimate', 'histogram', 'quantizers'])

/** What an event is in `events.jsonl`: a line, or nothing where it only matters at its time. */
export function eventLine(event: JobEvent): string {
  return momentary.has(event.kind) ? '' : `${JSON.stringify(event)}\n`
}

/** An event from a line of `events.jsonl`; null for a line that was not written to its end. */
export function parseEvent(line: string): JobEvent | null {
  try {
    return jobEventSchema.parse(JSON.parse(line))
  } catch {
    return null
  }
}

/** What a run told while it was made. */
export async function readEvents(folder: string): Promise<readonly JobEvent[]> {
  const path = join(folder, eventsFile)
  if (!existsSync(path)) return []
  return (await readFile(path, 'utf8')).split('\n').flatMap((line) => parseEvent(line) ?? [])
}

/** A hidden name beside the folder, so that renaming stays on one disk. */
function partialFolder(folder: string): string {
  return join(dirname(resolve(folder)), `${partialPrefix(folder)}${process.pid}`)
}

const partialPrefix = (folder: string): string => `.${basename(resolve(folder))}.partial-`

/** Whether a process of this number runs. */
export function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && pid > 0 && process.kill(pid, 0)
  } catch (error) {
    // Another user's process may not be signalled, but it is there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Runs `write` and turns what the operating system says into one sentence. */
export async function withDiskErrors<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    throw diskError(path, cause)
  }
}

const diskReasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EACCES: 'writing is not permitted there',
  EPERM: 'writing is not permitted there',
  EROFS: 'the disk is read-only',
  ENOTDIR: 'part of the path is a file',
  EEXIST: 'part of the path is a file'
}

/** What the operating system says of writing as one sentence; anything else as it is. */
export function diskError(path: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const reason = typeof code === 'string' ? diskReasons[code] : undefined
  if (reason === undefined) return cause
  return new StudioError('failed', `"${path}" could not be written: ${reason}; choose another place.`, { cause })
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** SHA-256 of settings, in hexadecimal. */
export function settingsDigest(settings: QuantizeSettings): string {
  // Parsed, entries have one order wherever the settings come from.
  const { zeroPoint, ...before } = quantizeSettingsSchema.parse(settings)
  // What is usual counts as if it were not told, so that runs of before there was a choice are known.
  const told = zeroPoint === 'float' ? before : { ...before, zeroPoint }
  return createHash('sha256').update(JSON.stringify(told)).digest('hex')
}

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

/** A variant of a run. Throws a StudioError ('missing') where there is none. */
export function variantOf({ folder, bounds }: OpenedRun, { method, bits }: Pick<Variant, 'method' | 'bits'>): Variant {
  const found = bounds.variants.find((each) => variantKey(each) === variantKey({ method, bits }))
  if (found !== undefined) return found
  throw new StudioError('missing', `"${folder}" holds no ${method} at ${formatBits(bits)} bits.`)
}

export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
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

/** Histograms as bytes: where the bins of each lie and how many values are in each bin, deflated. */
export function packStatistics(statistics: Statistics): Uint8Array {
  const header = [...statistics].map(([value, { origin, width, min, max, count }]) => {
    return { value, origin, width, min, max, count }
  })
  return deflateSync(packNumbers({ header, arrays: [...statistics.values()].map(({ counts }) => counts) }), {
    level: 1
  })
}

const statisticsSchema = z.array(
  z.object({
    value: z.string(),
    origin: z.number(),
    width: z.number(),
    min: z.number(),
    max: z.number(),
    count: z.number()
  })
)

/** The histograms of a run, so that new bounds can be searched without the network. */
export async function readStatistics(folder: string): Promise<Statistics> {
  const path = join(folder, statisticsFile)
  if (!existsSync(path)) throw new StudioError('missing', `There is no "${path}"; quantize again.`)
  try {
    const { header, arrays } = unpackNumbers(inflateSync(await readFile(path)))
    return new Map(
      statisticsSchema.parse(header).map(({ value, ...rest }, i) => {
        return [value, { ...rest, counts: arrays[i] ?? new Float64Array(0) }]
      })
    )
  } catch (cause) {
    throw new StudioError('unreadable', `"${path}" is damaged; quantize again.`, { cause })
  }
}

/** Replaces a file in one step: after a crash it is the old one or the new one. */
export async function replaceFile(path: string, bytes: Uint8Array | string): Promise<void> {
  const partial = `${path}.partial-${process.pid}`
  await withDiskErrors(path, async () => {
    try {
      const file = await open(partial, 'w')
      try {
        await file.writeFile(bytes)
        // Without this, a power cut after the renaming could leave an empty file.
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(partial, path)
    } finally {
      await rm(partial, { force: true })
    }
  })
}
