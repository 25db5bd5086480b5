import { setImmediate } from 'node:timers/promises'
import type { Pixels, Rectangle } from '../../contract/pixels'
import { toRgb } from '../../core/imaging/image'
import { emptyHalf, halveRows, type Samples } from '../../core/imaging/pyramid'
import { pieceOf, readSamples, type Samples as FileSamples } from '../../formats/image-files'
import type { MeasuredPart, Picture } from './picture'
import { SharedWork } from './shared-work'

/** Samples that are computed at one go: a few milliseconds. */
const stepSize = 2 ** 20

/** A picture file in memory, and the levels of it that were asked for. */
export class FilePicture implements Picture {
  /** Of 8 bits. */
  readonly #pixels: Samples
  /** By level, from 1 on. */
  readonly #levels: SharedWork<Samples>[] = []
  /** What lies in the file, of 8 or 16 bits. */
  readonly #file: FileSamples
  readonly #onGrown: () => void
  readonly width: number
  readonly height: number
  #bytes: number

  /** @param onGrown hears when it takes more memory than before */
  private constructor(file: FileSamples, bytes: Uint8Array, onGrown: () => void) {
    const { width, height, stride, data } = file
    this.width = width
    this.height = height
    this.#file = file
    this.#pixels = { width, height, channels: stride, data: bytes }
    this.#bytes = bytes.byteLength + (bytes === data ? 0 : data.byteLength)
    this.#onGrown = onGrown
  }

  /**
   * Reads a file: turned upright, its colours in sRGB, rounded to 8 bits but for what is measured.
   *
   * @throws StudioError as `readImage`
   */
  static async read(path: string, onGrown: () => void): Promise<FilePicture> {
    const file = await readSamples(path, 'apply')
    return new FilePicture(file, await bytesOf(file.data), onGrown)
  }

  /** Memory that its samples take. */
  get bytes(): number {
    return this.#bytes
  }

  async piece(level: number, part: Rectangle, signal: AbortSignal): Promise<Pixels> {
    const samples = await this.level(level, signal)
    const { width, height } = part
    const rgba = new Uint8Array(4 * width * height)
    for (let y = 0; y < height; y++)
      copyRow(samples, part.left, part.top + y, rgba.subarray(4 * y * width, 4 * (y + 1) * width))
    return { width, height, rgba, isComplete: true }
  }

  measured(part: Rectangle, signal: AbortSignal): Promise<MeasuredPart> {
    signal.throwIfAborted()
    return Promise.resolve({ image: toRgb(pieceOf(this.#file, part).image), isComplete: true })
  }

  /** The samples of a level. */
  async level(level: number, signal: AbortSignal): Promise<Samples> {
    if (level === 0) return this.#pixels
    const known = this.#levels[level]
    const work = known?.isGivenUp === false ? known : new SharedWork((shared) => this.#halve(level - 1, shared))
    this.#levels[level] = work
    return work.join(signal)
  }

  async #halve(above: number, signal: AbortSignal): Promise<Samples> {
    const source = await this.level(above, signal)
    const target = emptyHalf(source)
    const step = Math.max(1, Math.floor(stepSize / (target.width * target.channels)))
    for (let y = 0; y < target.height; y += step) {
      halveRows(source, target, y, Math.min(y + step, target.height))
      await setImmediate()
      signal.throwIfAborted()
    }
    this.#bytes += target.data.byteLength
    this.#onGrown()
    return target
  }
}

/** Samples of 16 bits rounded to 8: 257 steps of the one are one step of the other. */
async function bytesOf(samples: Uint8Array | Uint16Array): Promise<Uint8Array> {
  if (samples instanceof Uint8Array) return samples
  const bytes = new Uint8Array(samples.length)
  for (let from = 0; from < bytes.length; from += stepSize) {
    const to = Math.min(from + stepSize, bytes.length)
    for (let i = from; i < to; i++) bytes[i] = Math.round((samples[i] ?? 0) / 257)
    await setImmediate()
  }
  return bytes
}

/** Part of a row of samples as red, green, blue and opacity. */
function copyRow({ width, channels, data }: Samples, left: number, y: number, rgba: Uint8Array): void {
  const isGrey = channels < 3
  const hasOpacity = channels === 2 || channels === 4
  const [green, blue, opacity] = isGrey ? [0, 0, 1] : [1, 2, 3]
  let from = (y * width + left) * channels
  for (let to = 0; to < rgba.length; to += 4, from += channels) {
    rgba[to] = data[from] ?? 0
    rgba[to + 1] = data[from + green] ?? 0
    rgba[to + 2] = data[from + blue] ?? 0
    rgba[to + 3] = hasOpacity ? (data[from + opacity] ?? 0) : 255
  }
}
