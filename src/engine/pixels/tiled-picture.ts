import { pixelTileSide, type Pixels, type Rectangle } from '../../contract/pixels'
import { halve, halveWhatIsThere, levelSize } from '../../core/imaging/pyramid'
import type { LevelCache } from './level-cache'
import { imageOf, nothingOf, partOf, pieceOfTiles, tileOf, type MeasuredPart, type Picture } from './picture'

/** Where the pixels at level 0 come from. */
export interface Base {
  readonly width: number
  readonly height: number
  /** Tells its pixels from those of others, and from what they were before. */
  readonly key: string
  /** A part of it of the size of a tile at most. */
  read(part: Rectangle, signal: AbortSignal): Promise<Pixels>
  /** Whether there may be anything of a part: where there is not, nothing need be made of it. */
  hasAnyOf(part: Rectangle): boolean
}

/** A picture that is never in memory as a whole: its levels are made tile by tile, each of four tiles of the one before. */
export class TiledPicture implements Picture {
  readonly #base: Base
  readonly #cache: LevelCache
  readonly width: number
  readonly height: number

  constructor(base: Base, cache: LevelCache) {
    this.#base = base
    this.#cache = cache
    this.width = base.width
    this.height = base.height
  }

  piece(level: number, part: Rectangle, signal: AbortSignal): Promise<Pixels> {
    if (level === 0 && part.width <= pixelTileSide && part.height <= pixelTileSide) return this.#base.read(part, signal)
    return pieceOfTiles(part, pixelTileSide, (column, row) => this.#tile(level, column, row, signal), signal)
  }

  async measured(part: Rectangle, signal: AbortSignal): Promise<MeasuredPart> {
    const pixels = await this.piece(0, part, signal)
    return { image: imageOf(pixels), isComplete: pixels.isComplete }
  }

  async #tile(level: number, column: number, row: number, signal: AbortSignal): Promise<Pixels> {
    const part = tileOf(partOf(this, level), column, row)
    if (part === null) throw new RangeError(`There is no tile (${column}, ${row}) at level ${level}`)
    if (level === 0) return this.#base.read(part, signal)
    const scale = 2 ** level
    const [left, top] = [part.left * scale, part.top * scale]
    const [width, height] = [
      Math.min(part.width * scale, this.width - left),
      Math.min(part.height * scale, this.height - top)
    ]
    if (!this.#base.hasAnyOf({ left, top, width, height })) return nothingOf(part.width, part.height)
    const key = `${this.#base.key} ${level} ${column} ${row}`
    return this.#cache.get(key, (shared) => this.#halve(level, part, shared), signal)
  }

  /** Makes a tile of what lies under it in the level before. */
  async #halve(level: number, { left, top, width, height }: Rectangle, signal: AbortSignal): Promise<Pixels> {
    const [right, bottom] = [levelSize(this.width, level - 1), levelSize(this.height, level - 1)]
    const under = {
      left: 2 * left,
      top: 2 * top,
      width: Math.min(2 * width, right - 2 * left),
      height: Math.min(2 * height, bottom - 2 * top)
    }
    const tile = (column: number, row: number): Promise<Pixels> => this.#tile(level - 1, column, row, signal)
    const { rgba, isComplete } = await pieceOfTiles(under, pixelTileSide, tile, signal)
    const source = { width: under.width, height: under.height, channels: 4, data: rgba }
    const { data } = isComplete ? halve(source) : halveWhatIsThere(source)
    return { width, height, rgba: data, isComplete }
  }
}
