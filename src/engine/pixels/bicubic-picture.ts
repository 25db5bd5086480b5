import type { Pixels, Rectangle } from '../../contract/pixels'
import type { Image } from '../../core/imaging/image'
import { imresizePart, sourceOf } from '../../core/imaging/imresize'
import type { FilePicture } from './file-picture'
import type { LevelCache } from './level-cache'
import type { Picture } from './picture'
import { TiledPicture, type Base } from './tiled-picture'

/**
 * A picture file enlarged by bicubic interpolation, as `imresize` does it sample for sample. Where the scale is a power of two,
 * levels that have no more pixels than the file are the file's own.
 */
export class BicubicPicture implements Picture {
  readonly #file: FilePicture
  readonly #enlarged: TiledPicture
  /** The level that has the pixels of the file; null where none has. */
  readonly #fileLevel: number | null
  readonly width: number
  readonly height: number

  /** @param key tells the file from others, and from what it was before */
  constructor(file: FilePicture, key: string, scale: number, cache: LevelCache) {
    this.#file = file
    this.#enlarged = new TiledPicture(enlarge(file, `bicubic ${scale} ${key}`, scale), cache)
    const level = Math.log2(scale)
    this.#fileLevel = Number.isInteger(level) ? level : null
    this.width = scale * file.width
    this.height = scale * file.height
  }

  piece(level: number, part: Rectangle): Promise<Pixels> {
    if (this.#fileLevel !== null && level >= this.#fileLevel) return this.#file.piece(level - this.#fileLevel, part)
    return this.#enlarged.piece(level, part)
  }
}

function enlarge(file: FilePicture, key: string, scale: number): Base {
  return {
    width: scale * file.width,
    height: scale * file.height,
    key,
    hasAnyOf: () => true,
    read: async (part) => {
      const { channels } = await file.level(0)
      const { width, height } = part
      const rgba = new Uint8Array(4 * width * height).fill(255)
      // Grey is enlarged once; opacity only where there is one.
      const isGrey = channels < 3
      const planes = [...(isGrey ? [0] : [0, 1, 2]), ...(channels % 2 === 0 ? [3] : [])]
      const under = await file.piece(0, sourceOf(file, scale, part))
      for (const plane of planes) {
        const { data } = imresizePart(file, scale, part, planeOf(under, plane))
        for (let i = 0; i < data.length; i++) {
          rgba[4 * i + plane] = data[i] ?? 0
          if (isGrey && plane === 0) rgba[4 * i + 1] = rgba[4 * i + 2] = data[i] ?? 0
        }
      }
      return { width, height, rgba, isComplete: true }
    }
  }
}

function planeOf({ width, height, rgba }: Pixels, channel: number): Image {
  const data = new Float32Array(width * height)
  for (let i = 0; i < data.length; i++) data[i] = rgba[4 * i + channel] ?? 0
  return { width, height, channels: 1, data }
}
