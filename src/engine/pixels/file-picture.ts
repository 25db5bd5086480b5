import { setImmediate } from 'node:timers/promises'
import type { Pixels, Rectangle } from '../../contract/pixels'
import { emptyHalf, halveRows, type Samples } from '../../core/imaging/pyramid'
import { readSamples } from '../../formats/image-files'
import type { Picture } from './picture'

/** Samples that are computed at one go: a few milliseconds. */
const stepSize = 2 ** 20

/** A picture file in memory, and the levels of it that were asked for. */
export class FilePicture implements Picture {
  readonly #levels: Promise<Samples>[]
  readonly #onGrown: () => void
  readonly width: number
  readonly height: number
  #bytes: number

  /** @param onGrown hears when it takes more memory than before */
  private constructor(samples: Samples, onGrown: () => void) {
    this.width = samples.width
    this.height = samples.height
    this.#levels = [Promise.resolve(samples)]
    this.#bytes = samples.data.byteLength
    this.#onGrown = onGrown
  }

  /**
   * Reads a file: turned upright, its colours in sRGB, rounded to 8 bits.
   *
   * @throws StudioError as `readImage`
   */
  static async read(path: string, onGrown: () => void): Promise<FilePicture> {
    const { width, height, stride, data } = await readSamples(path, 'apply')
    return new FilePicture({ width, height, channels: stride, data: await bytesOf(data) }, onGrown)
  }

  /** Memory that its samples take. */
  get bytes(): number {
    return this.#bytes
  }

  async piece(level: number, part: Rectangle): Promise<Pixels> {
    const samples = await this.level(level)
    const { width, height } = part
    const rgba = new Uint8Array(4 * width * height)
    for (let y = 0; y < height; y++)
      copyRow(samples, part.left, part.top + y, rgba.subarray(4 * y * width, 4 * (y + 1) * width))
    return { width, height, rgba, isComplete: true }
  }

  /** The samples of a level. */
  level(level: number): Promise<Samples> {
    return (this.#levels[level] ??= this.#halve(level - 1))
  }

  async #halve(above: number): Promise<Samples> {
    const source = await this.level(above)
    const target = emptyHalf(source)
    const step = Math.max(1, Math.floor(stepSize / (target.width * target.channels)))
    for (let y = 0; y < target.height; y += step) {
      halveRows(source, target, y, Math.min(y + step, target.height))
      await setImmediate()
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
