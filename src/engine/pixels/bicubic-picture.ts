import type { Pixels, Rectangle } from '../../contract/pixels'
import type { Image } from '../../core/imaging/image'
import { imresizePart, sourceOf } from '../../core/imaging/imresize'
import { levelSize } from '../../core/imaging/pyramid'
import type { FilePicture } from './file-picture'
import type { LevelCache } from './level-cache'
import type { MeasuredPart, Picture } from './picture'
import { TiledPicture } from './tiled-picture'

/**
 * A picture file enlarged by bicubic interpolation, as `imresize` does it sample for sample. Levels that have no more pixels than
 * the file are levels of the file: its own where the scale is a power of two, and otherwise, by the same interpolation, a little
 * smaller. Nobody waits until all of a picture is enlarged in order to see it small.
 */
export class BicubicPicture implements Picture {
  readonly #file: FilePicture
  readonly #enlarged: TiledPicture
  readonly #scale: number
  readonly width: number
  readonly height: number

  /** @param key tells the file from others, and from what it was before */
  constructor(file: FilePicture, key: string, scale: number, cache: LevelCache) {
    this.#file = file
    this.#scale = scale
    this.width = scale * file.width
    this.height = scale * file.height
    const base = {
      width: this.width,
      height: this.height,
      key: `bicubic ${scale} ${key}`,
      hasAnyOf: () => true,
      read: (part: Rectangle, signal: AbortSignal) => resizedPiece(file, 0, scale, part, signal)
    }
    this.#enlarged = new TiledPicture(base, cache)
  }

  piece(level: number, part: Rectangle, signal: AbortSignal): Promise<Pixels> {
    const own = Math.floor(level - Math.log2(this.#scale))
    if (own < 0) return this.#enlarged.piece(level, part, signal)
    // Above a half, and 1 for powers of two.
    const rest = this.#scale / 2 ** (level - own)
    return rest === 1 ? this.#file.piece(own, part, signal) : resizedPiece(this.#file, own, rest, part, signal)
  }

  measured(part: Rectangle, signal: AbortSignal): Promise<MeasuredPart> {
    return this.#enlarged.measured(part, signal)
  }
}

/** A part of what `imresize` makes of a level of a file. */
async function resizedPiece(
  file: FilePicture,
  level: number,
  scale: number,
  part: Rectangle,
  signal: AbortSignal
): Promise<Pixels> {
  const { channels } = await file.level(level, signal)
  const { width, height } = part
  const rgba = new Uint8Array(4 * width * height).fill(255)
  // Grey is resized once; opacity only where there is one.
  const isGrey = channels < 3
  const planes = [...(isGrey ? [0] : [0, 1, 2]), ...(channels % 2 === 0 ? [3] : [])]
  const size = { width: levelSize(file.width, level), height: levelSize(file.height, level) }
  const under = await file.piece(level, sourceOf(size, scale, part), signal)
  for (const plane of planes) {
    const { data } = imresizePart(size, scale, part, planeOf(under, plane))
    for (let i = 0; i < data.length; i++) {
      rgba[4 * i + plane] = data[i] ?? 0
      if (isGrey && plane === 0) rgba[4 * i + 1] = rgba[4 * i + 2] = data[i] ?? 0
    }
  }
  return { width, height, rgba, isComplete: true }
}

function planeOf({ width, height, rgba }: Pixels, channel: number): Image {
  const data = new Float32Array(width * height)
  for (let i = 0; i < data.length; i++) data[i] = rgba[4 * i + channel] ?? 0
  return { width, height, channels: 1, data }
}
