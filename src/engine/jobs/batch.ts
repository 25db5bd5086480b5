import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import {
  formatBits,
  variantFileName,
  variantKey,
  type Bits,
  type Contestant,
  type Variant
} from '../../contract/bounds'
import { crop, type Image } from '../../core/imaging/image'
import { imresizePart, sourceOf } from '../../core/imaging/imresize'
import type { Session } from '../../core/runtime'
import { readImage, readImageSize, type PictureFile } from '../../formats/image-files'
import { isOfPicture, StudioError } from '../errors'
import { memoryIn, report, warning, type JobContext } from '../job'
import { withDiskErrors } from '../run-folder'
import type { TileListener } from '../super-resolver'
import { openSubject, type Subject } from './variants'
import { enlargerOf, expectRoom, picturesOf, writeEnlarged, type Enlarger } from './upscale'

export interface BatchConfig {
  /** The run folder. */
  readonly run: string
  /** Picture files and folders of pictures. */
  readonly inputs: readonly string[]
  /** What enlarges each of them. */
  readonly contestants: readonly { readonly method: Contestant; readonly bits: Bits | null }[]
  /** The user's folder for the results; made where it is missing. */
  readonly out: string
  /** Bytes the values of a network may take. */
  readonly memoryCap: number | undefined
}

/** Pixels that are interpolated at one go: a tenth of a second. */
const stripPixels = 2 ** 18

/** Pictures that are named at the end, of those that could not be enlarged. */
const mostNamed = 10

/** Who enlarges, and what files it makes are called by. */
interface NamedEnlarger extends Enlarger {
  readonly name: string
}

/**
 * Enlarges pictures by each contestant into `NAME-METHOD-BITS_x4.png`, with the bit depth, greyness and alpha of the original.
 * Nothing is overwritten: where there is such a file, all files of that picture get a number, `NAME (2)-…`. What cannot be read,
 * and what would become too large to be made, is told as a warning and left out. Between the tiles of pictures that a network
 * does not take whole, progress is told in fractions of a picture, others have their turn, and the job can be cancelled.
 *
 * @throws StudioError where the run has no such variant, nothing could be enlarged, or the disk does not take it
 */
export async function enlargeBatch(config: BatchConfig, context: JobContext): Promise<void> {
  const { run, inputs, contestants, out, memoryCap } = config
  const subject = await openSubject(run, {}, {}, memoryIn(context, memoryCap))
  const wanted = contestants.map((contestant) => expectContestant(run, subject, contestant))
  const failures = new Failures(context)

  const files = new Set<string>()
  for (const input of inputs) {
    for (const file of (await failures.orNull(input, picturesOf(input))) ?? []) files.add(resolve(file))
  }
  await withDiskErrors(out, () => mkdir(out, { recursive: true }))
  const { enlargers, dispose } = await loadEnlargers(subject, files.size === 0 ? [] : wanted, context)
  let [done, written] = [0, 0]
  try {
    for (const file of files) {
      const picture = await failures.orNull(file, readPicture(file, subject.model.scale))
      const targets = newFiles(out, basename(file, extname(file)), enlargers)
      for (const [enlarger, target] of targets) {
        const total = files.size * targets.length
        const before = done++
        const onTile = (tile: number, tiles: number): Promise<void> =>
          tile === tiles ? Promise.resolve() : report(context, 'upscale', before + tile / tiles, total, 'pictures')
        const size =
          picture === null ? null : await failures.orNull(file, writeEnlarged(enlarger, picture, target, onTile))
        if (size !== null) written++
        await report(context, 'upscale', done, total, 'pictures')
      }
    }
  } finally {
    await dispose()
  }
  if (written === 0) throw new StudioError('unreadable', `No picture could be enlarged: ${failures.messages.join(' ')}`)
  const { paths } = failures
  if (paths.length === 0) return
  const named = paths.slice(0, mostNamed).map((path) => `"${basename(path)}"`)
  const rest = paths.length > mostNamed ? ' and others' : ''
  const which = `${paths.length} of the pictures and folders could not be enlarged (${named.join(', ')}${rest})`
  warning(context)(`${which}; all others are in "${out}".`)
}

/** Reads a picture of which there is room to make what is wanted; a StudioError ('refused') otherwise, before it is decoded. */
async function readPicture(file: string, scale: number): Promise<PictureFile> {
  expectRoom(file, await readImageSize(file), scale)
  return readImage(file, 'apply')
}

/** Pictures and folders that could not be used. Why is told once for each of them, naming it. */
class Failures {
  readonly #warn: (message: string) => void
  readonly #messages = new Map<string, Set<string>>()

  constructor(context: JobContext) {
    this.#warn = warning(context)
  }

  get paths(): readonly string[] {
    return [...this.#messages.keys()]
  }

  get messages(): readonly string[] {
    return [...this.#messages.values()].flatMap((messages) => [...messages])
  }

  /** What comes of work on one picture or folder; null where it cannot be used. */
  async orNull<T>(path: string, work: Promise<T>): Promise<T | null> {
    try {
      return await work
    } catch (error) {
      if (!isOfPicture(error)) throw error
      const message = error.message.includes(path) ? error.message : `"${path}": ${error.message}`
      const known = this.#messages.get(path) ?? new Set()
      if (!known.has(message)) this.#warn(message)
      this.#messages.set(path, known.add(message))
      return null
    }
  }
}

/** What enlarges: bicubic interpolation, a variant of the run, or full precision (null). */
type Wanted = Variant | 'bicubic' | null

function expectContestant(run: string, { variants }: Subject, wanted: BatchConfig['contestants'][number]): Wanted {
  if (wanted.method === 'bicubic') return 'bicubic'
  if (wanted.method === 'fp') return null
  const found = variants.find((variant) => variantKey(variant) === variantKey(wanted))
  if (found !== undefined) return found
  throw new StudioError('missing', `"${run}" holds no ${wanted.method} at ${formatBits(wanted.bits)} bits.`)
}

/** Loads what is wanted; variants that differ in bounds alone share a network. */
async function loadEnlargers(
  subject: Subject,
  wanted: readonly Wanted[],
  { runtime }: JobContext
): Promise<{ readonly enlargers: readonly NamedEnlarger[]; dispose(): Promise<void> }> {
  const sessions = new Map<string, Session>()
  const dispose = async (): Promise<void> => {
    for (const session of sessions.values()) await session.dispose()
  }
  const { scale } = subject.model
  const enlargers = new Map<string, NamedEnlarger>()
  try {
    for (const each of wanted) {
      if (each === 'bicubic') {
        enlargers.set(each, { name: each, scale, enlarge: (image, onTile) => interpolate(image, scale, onTile) })
        continue
      }
      const key = subject.networkOf(each)
      const session = sessions.get(key) ?? (await subject.loadNetwork(each, runtime))
      sessions.set(key, session)
      const name = each === null ? 'fp' : variantFileName(each.method, each.bits)
      enlargers.set(name, { name, ...enlargerOf(subject.resolverOn(session, each)) })
    }
    return { enlargers: [...enlargers.values()], dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** What `imresize` makes of a picture, in strips of rows: a large one takes a minute. */
async function interpolate(image: Image, scale: number, onTile?: TileListener): Promise<Image> {
  const { channels } = image
  const [width, height] = [scale * image.width, scale * image.height]
  const data = new Float32Array(channels * width * height)
  const step = Math.max(1, Math.floor(stripPixels / width))
  const strips = Math.ceil(height / step)
  for (let strip = 0; strip < strips; strip++) {
    const top = strip * step
    const part = { left: 0, top, width, height: Math.min(step, height - top) }
    const under = sourceOf(image, scale, part)
    const made = imresizePart(image, scale, part, crop(image, under.left, under.top, under.width, under.height))
    const size = width * part.height
    for (let channel = 0; channel < channels; channel++) {
      data.set(made.data.subarray(channel * size, (channel + 1) * size), channel * width * height + top * width)
    }
    await onTile?.(strip + 1, strips)
  }
  return { width, height, channels, data }
}

/** Files for a picture that are not there yet, all with one number above 1 where they need one. */
function newFiles(
  out: string,
  picture: string,
  enlargers: readonly NamedEnlarger[]
): readonly (readonly [NamedEnlarger, string])[] {
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? picture : `${picture} (${number})`
    const files = enlargers.map((each) => [each, join(out, `${numbered}-${each.name}_x${each.scale}.png`)] as const)
    if (!files.some(([, file]) => existsSync(file))) return files
  }
}
