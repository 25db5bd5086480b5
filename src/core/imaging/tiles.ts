import type { Image } from './image'

/** One piece of a picture, in input pixels. */
export interface Tile {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/**
 * Overlapping tiles that cover a picture. All have one size (less where the picture is smaller), so that one session
 * serves them all; the last ones are moved back to end at the border. Positions are multiples of `multiple` where that
 * is possible, so that windows stay where they are in the whole picture.
 *
 * @param size width and height of a tile
 * @param overlap least number of pixels that neighbours share, below half of `size`
 */
export function planTiles(
  width: number,
  height: number,
  { size, overlap, multiple }: { readonly size: number; readonly overlap: number; readonly multiple: number }
): readonly Tile[] {
  const columns = positions(width, size, overlap, multiple)
  const rows = positions(height, size, overlap, multiple)
  return rows.flatMap((top) =>
    columns.map((left) => ({ left, top, width: Math.min(size, width), height: Math.min(size, height) }))
  )
}

function positions(total: number, size: number, overlap: number, multiple: number): readonly number[] {
  if (overlap * 2 >= size) throw new RangeError(`Tiles of ${size} pixels cannot overlap by ${overlap}`)
  const stride = Math.max(multiple, Math.floor((size - overlap) / multiple) * multiple)
  const starts: number[] = []
  for (let start = 0; start + size < total; start += stride) starts.push(start)
  return [...starts, Math.max(0, total - size)]
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
