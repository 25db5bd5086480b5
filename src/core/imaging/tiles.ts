import type { Image } from './image'

interface Size {
  readonly width: number
  readonly height: number
}

/** One piece of a picture, in input pixels. */
export interface Tile extends Size {
  readonly left: number
  readonly top: number
}

/**
 * Overlapping tiles that cover a picture. All have one size (less where the picture is smaller), so that one session
 * serves them all; the last ones are moved back to end at the border. Positions are multiples of `multiple` where that
 * is possible, so that windows stay where they are in the whole picture.
 *
 * @param tile width and height of a tile
 * @param overlap least number of pixels that neighbours share, below half of a side of which there are several tiles
 */
export function planTiles(
  width: number,
  height: number,
  { tile, overlap, multiple }: { readonly tile: Size; readonly overlap: number; readonly multiple: number }
): readonly Tile[] {
  const columns = positions(width, tile.width, overlap, multiple)
  const rows = positions(height, tile.height, overlap, multiple)
  const size = { width: Math.min(tile.width, width), height: Math.min(tile.height, height) }
  return rows.flatMap((top) => columns.map((left) => ({ left, top, ...size })))
}

/**
 * The smallest side of tiles of which as few suffice as of the largest allowed: tiles of the largest side would overlap
 * more than they must, and every pixel that is computed twice costs time.
 *
 * @param total pixels to cover
 * @param largest longest side allowed, a multiple of `multiple`
 * @returns a multiple of `multiple`
 */
export function evenSide(total: number, largest: number, overlap: number, multiple: number): number {
  const roundUp = (side: number): number => Math.ceil(side / multiple) * multiple
  if (total <= largest) return roundUp(total)
  const count = positions(total, largest, overlap, multiple).length
  // Positions are rounded down to multiples, which can take that much off every step.
  const side = roundUp((total + (count - 1) * (overlap + multiple - 1)) / count)
  return Math.min(Math.max(side, 2 * overlap + multiple), largest)
}

function positions(total: number, size: number, overlap: number, multiple: number): readonly number[] {
  if (size >= total) return [0]
  if (overlap * 2 >= size) throw new RangeError(`Tiles of ${size} pixels cannot overlap by ${overlap}`)
  const stride = Math.max(multiple, Math.floor((size - overlap) / multiple) * multiple)
  const starts: number[] = []
  for (let start = 0; start + size < total; start += stride) starts.push(start)
  return [...starts, total - size]
}

/**
 * Puts enlarged tiles together as they come. Where tiles overlap, each counts the more the farther a pixel is from its
 * border; the weights of a pixel are divided by their sum, so that tiles that agree give exactly what they agree on.
 */
export class TileBlender {
  readonly #width: number
  readonly #height: number
  readonly #channels: 1 | 3
  readonly #scale: number
  readonly #sums: Float32Array
  readonly #weights: Float32Array

  /** @param width,height of the input picture */
  constructor(width: number, height: number, channels: 1 | 3, scale: number) {
    this.#width = width * scale
    this.#height = height * scale
    this.#channels = channels
    this.#scale = scale
    this.#sums = new Float32Array(channels * this.#width * this.#height)
    this.#weights = new Float32Array(this.#width * this.#height)
  }

  /** @param output the tile's enlarged picture, `scale` times its size */
  add(tile: Tile, output: Image): void {
    const left = tile.left * this.#scale
    const top = tile.top * this.#scale
    const columns = ramp(output.width, left === 0, left + output.width === this.#width)
    const rows = ramp(output.height, top === 0, top + output.height === this.#height)
    const plane = this.#width * this.#height
    for (let y = 0; y < output.height; y++) {
      for (let x = 0; x < output.width; x++) {
        const weight = (rows[y] ?? 0) * (columns[x] ?? 0)
        const at = (top + y) * this.#width + left + x
        this.#weights[at] = (this.#weights[at] ?? 0) + weight
        for (let channel = 0; channel < this.#channels; channel++) {
          const sample = output.data[(channel * output.height + y) * output.width + x] ?? 0
          this.#sums[channel * plane + at] = (this.#sums[channel * plane + at] ?? 0) + weight * sample
        }
      }
    }
  }

  /** The whole picture; all tiles must have been added. */
  picture(): Image {
    const plane = this.#width * this.#height
    const data = this.#sums.map((sum, i) => sum / (this.#weights[i % plane] ?? 1))
    return { width: this.#width, height: this.#height, channels: this.#channels, data }
  }
}

/** Weights along one side of a tile: 1 up to the picture's border, falling linearly towards neighbours. */
function ramp(size: number, first: boolean, last: boolean): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => {
    const before = first ? Infinity : i + 1
    const after = last ? Infinity : size - i
    return Math.min(before, after, size)
  })
}
