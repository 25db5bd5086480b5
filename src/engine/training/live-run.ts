import { existsSync, writeSync, openSync, closeSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import {
  bitsSchema,
  trainingMethodSchema,
  variantFileName,
  variantKey,
  type BoundsFile,
  type Variant
} from '../../contract/bounds'
import type { JobEvent } from '../../contract/events'
import { runFile } from '../../contract/names'
import type { RunFile } from '../../contract/run'
import type { TrainerState } from '../../core/distillation/trainer'
import { StudioError } from '../../core/errors'
import type { Image } from '../../core/imaging/image'
import type { TensorOf } from '../../core/tensor'
import { writeImage } from '../../formats/image-files'
import { writeSafetensors } from '../../formats/safetensors'
import { expectFree } from '../lock-file'
import { packNumbers, unpackNumbers } from '../packed'
import {
  boundsFile,
  diskError,
  eventLine,
  eventsFile,
  json,
  openRun,
  parseEvent,
  replaceFile,
  withDiskErrors
} from '../run-folder'

const checkpointFile = 'checkpoint.bin'
const lockFile = 'lock'
const previewFolder = 'previews'

/** Which variant is trained. */
export type VariantKey = z.infer<typeof variantKeySchema>
const variantKeySchema = z.object({ method: trainingMethodSchema, bits: bitsSchema })

const checkpointSchema = z.object({
  schema: z.literal(1),
  key: variantKeySchema,
  /** Which phase of training, from 0, and the iterations of all phases before. */
  phase: z.int(),
  before: z.int(),
  iteration: z.int(),
  steps: z.int(),
  best: z.object({ iteration: z.int(), psnr: z.number(), psnrAtStart: z.number() }),
  /** What tells divergence: the loss on held-out patches at the start, and the losses of the last iterations. */
  startLoss: z.number(),
  lastLosses: z.array(z.number())
})

/** Where the training of a variant stands. */
export interface TrainingCheckpoint extends Omit<z.infer<typeof checkpointSchema>, 'schema' | 'iteration' | 'steps'> {
  readonly state: TrainerState
  readonly bestValues: Float64Array
}

/**
 * A run folder in which training goes on. One process at a time holds it; every file but the list of events is replaced in
 * one step, so that a process may end at any moment.
 */
export class LiveRun {
  readonly folder: string
  #run: RunFile
  #bounds: BoundsFile
  #events: number

  private constructor(folder: string, run: RunFile, bounds: BoundsFile, events: number) {
    this.folder = folder
    this.#run = run
    this.#bounds = bounds
    this.#events = events
  }

  /** Opens a run folder and holds it. Throws a StudioError where another process does. */
  static async open(folder: string): Promise<LiveRun> {
    await expectUnheld(folder)
    const lock = join(folder, lockFile)
    const { run, bounds } = await openRun(folder)
    await withDiskErrors(lock, () => writeFile(lock, String(process.pid)))
    // What a killed process left half-written.
    for (const name of await readdir(folder)) if (name.includes('.partial-')) await rm(join(folder, name))
    const events = await withDiskErrors(folder, () => Promise.resolve(openSync(join(folder, eventsFile), 'a')))
    return new LiveRun(folder, run, bounds, events)
  }

  /** Lets the folder go. */
  async close(): Promise<void> {
    closeSync(this.#events)
    await rm(join(this.folder, lockFile), { force: true })
  }

  get run(): RunFile {
    return this.#run
  }

  get variants(): readonly Variant[] {
    return this.#bounds.variants
  }

  async setState(state: RunFile['state']): Promise<void> {
    this.#run = { ...this.#run, state }
    await replaceFile(join(this.folder, runFile), json(this.#run))
  }

  /** Keeps an event; what only matters at its time is left out. */
  keep(event: JobEvent): void {
    const line = eventLine(event)
    try {
      if (line !== '') writeSync(this.#events, line)
    } catch (cause) {
      throw diskError(this.folder, cause)
    }
  }

  /** Adds a variant that was trained, with the weights it changed. */
  async addVariant(variant: Variant, weights: ReadonlyMap<string, TensorOf<'float32'>>): Promise<Variant> {
    const name = `${variantFileName(variant.method, variant.bits)}.safetensors`
    const added: Variant = weights.size === 0 ? variant : { ...variant, weights: name }
    if (weights.size > 0) await replaceFile(join(this.folder, name), writeSafetensors(weights))
    this.#bounds = { ...this.#bounds, variants: [...this.#bounds.variants, added] }
    await replaceFile(join(this.folder, boundsFile), json(this.#bounds))
    return added
  }

  /** Writes a piece of a picture; returns its path within the run folder. */
  async addPreview(name: string, image: Image): Promise<string> {
    const path = `${previewFolder}/${name}.png`
    await withDiskErrors(this.folder, async () => {
      await mkdir(join(this.folder, previewFolder), { recursive: true })
      await writeImage(join(this.folder, path), image)
    })
    return path
  }

  async saveCheckpoint({ state, bestValues, ...rest }: TrainingCheckpoint): Promise<void> {
    const { iteration, values, ranges, adam } = state
    const header = { schema: 1, ...rest, iteration, steps: adam.steps }
    const arrays = [values, ranges, adam.firstMoments, adam.secondMoments, bestValues]
    await replaceFile(join(this.folder, checkpointFile), packNumbers({ header, arrays }))
  }

  /** The checkpoint of a variant, or null where its training has not come to one. */
  async loadCheckpoint(key: VariantKey): Promise<TrainingCheckpoint | null> {
    const checkpoint = await readCheckpoint(this.folder)
    return checkpoint !== null && variantKey(checkpoint.key) === variantKey(key) ? checkpoint : null
  }

  async removeCheckpoint(): Promise<void> {
    await rm(join(this.folder, checkpointFile), { force: true })
  }

  /** Forgets what a variant's training told after an iteration that it will now take again. */
  async rewindEvents(key: VariantKey, iteration: number): Promise<void> {
    const path = join(this.folder, eventsFile)
    const lines = (await readFile(path, 'utf8')).split('\n')
    const kept = lines.filter((line) => {
      const event = parseEvent(line)
      if (event === null) return false
      const isTold = event.kind === 'loss' || event.kind === 'validation'
      const isOfVariant = isTold && variantKey(event) === variantKey(key)
      return !isOfVariant || event.iteration <= iteration
    })
    closeSync(this.#events)
    await replaceFile(path, kept.map((line) => `${line}\n`).join(''))
    this.#events = openSync(path, 'a')
  }
}

/** Throws a StudioError ('refused') where another process is at work on a run folder. */
export async function expectUnheld(folder: string): Promise<void> {
  await expectFree(join(folder, lockFile), folder)
}

/** Where the training that was broken off in a run folder stands; null where none was. */
export async function readCheckpoint(folder: string): Promise<TrainingCheckpoint | null> {
  const path = join(folder, checkpointFile)
  if (!existsSync(path)) return null
  const damaged = (cause?: unknown): StudioError =>
    new StudioError('unreadable', `"${path}" is damaged; remove it to train this variant from its start.`, { cause })
  let unpacked: ReturnType<typeof unpackNumbers>
  try {
    unpacked = unpackNumbers(await readFile(path))
  } catch (cause) {
    throw damaged(cause)
  }
  const header = checkpointSchema.safeParse(unpacked.header)
  const [values, ranges, firstMoments, secondMoments, bestValues] = unpacked.arrays
  if (!header.success || !values || !ranges || !firstMoments || !secondMoments || !bestValues) throw damaged()
  const { iteration, steps, key, phase, before, best, startLoss, lastLosses } = header.data
  const state = { iteration, values, ranges, adam: { steps, firstMoments, secondMoments } }
  return { key, phase, before, best, startLoss, lastLosses, state, bestValues }
}
