import { entryAt, paletteOf } from './colour-map'
import { mapOf, positionsOf, type DifferenceRule, type RgbaPixels } from './difference'

/**
 * A difference a − b seen small: a pixel is drawn where the mean position, on the colour map, of all pixels under it lies that
 * both pictures have; positions beyond the ends of the map count as they are. The difference of means would show nothing where
 * errors go up as often as down. Opacity is the mean of theirs, rounded; where no pixel is there, nothing is drawn.
 */
export class DifferenceMeans {
  readonly #width: number
  readonly #height: number
  readonly #step: number
  readonly #rule: DifferenceRule
  readonly #positions: Float64Array
  readonly #opacities: Float64Array
  readonly #counts: Uint32Array

  /**
   * @param width,height of what is drawn
   * @param step pixels of the pictures across one that is drawn
   */
  constructor(width: number, height: number, step: number, rule: DifferenceRule) {
    this.#width = width
    this.#height = height
    this.#step = step
    this.#rule = rule
    this.#positions = new Float64Array(width * height)
    this.#opacities = new Float64Array(width * height)
    this.#counts = new Uint32Array(width * height)
  }

  /**
   * Takes in pieces of one size of both pictures.
   *
   * @param left,top of the pieces, in pixels of the pictures from the top left corner of what is drawn; nothing of them may lie
   *   outside
   */
  add(a: RgbaPixels, b: RgbaPixels, left: number, top: number): void {
    const positionAt = positionsOf(a.rgba, b.rgba, this.#rule)
    const [positions, opacities, counts, step] = [this.#positions, this.#opacities, this.#counts, this.#step]
    let i = 0
    for (let y = 0; y < a.height; y++) {
      const row = Math.floor((top + y) / step) * this.#width
      // Summed up for one pixel that is drawn before they are added to it: this loop sees every pixel of a picture.
      for (let x = 0; x < a.width;) {
        const at = row + Math.floor((left + x) / step)
        const end = Math.min(a.width, x + step - ((left + x) % step))
        let [position, opaque, count] = [0, 0, 0]
        for (; x < end; x++, i += 4) {
          const opacity = Math.min(a.rgba[i + 3] ?? 0, b.rgba[i + 3] ?? 0)
          if (opacity === 0) continue
          position += positionAt(i)
          opaque += opacity
          count++
        }
        positions[at] = (positions[at] ?? 0) + position
        opacities[at] = (opacities[at] ?? 0) + opaque
        counts[at] = (counts[at] ?? 0) + count
      }
    }
  }

  /** What is drawn of all that was taken in. */
  draw(): RgbaPixels & { readonly rgba: Uint8Array<ArrayBuffer> } {
    const palette = paletteOf(mapOf(this.#rule))
    const rgba = new Uint8Array(4 * this.#width * this.#height)
    this.#counts.forEach((count, at) => {
      if (count === 0) return
      const entry = 3 * entryAt(palette, (this.#positions[at] ?? 0) / count)
      const pixel = palette.subarray(entry, entry + 3)
      rgba.set(pixel, 4 * at)
      rgba[4 * at + 3] = Math.round((this.#opacities[at] ?? 0) / count)
    })
    return { width: this.#width, height: this.#height, rgba }
  }
}
