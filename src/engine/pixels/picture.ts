import { setImmediate } from 'node:timers/promises'
import { pixelTileSide, type Pixels, type Rectangle } from '../../contract/pixels'
import type { Image } from '../../core/imaging/image'
import { levelSize } from '../../core/imaging/pyramid'

/** A picture whose pixels are told in pieces. */
export interface Picture {
  readonly width: number
  readonly height: number
  /**
   * A piece of a level; where nothing is there yet, opacity is 0. Large pieces are made bit by bit, so that others are answered
   * meanwhile.
   *
   * @param part in pixels of the level; it must lie within it
   * @param signal rejects with its reason, and leaves undone what nobody else waits for
   */
  piece(level: number, part: Rectangle, signal: AbortSignal): Promise<Pixels>
  /** A part of level 0 to measure, in colours, as finely as the picture has it: files of 16 bits have fractions. */
  measured(part: Rectangle, signal: AbortSignal): Promise<MeasuredPart>
}

/** A part of a picture to measure. */
export interface MeasuredPart {
  /** Three channels of 0 to 255. */
  readonly image: Image
  /** Whether all of it is there. */
  readonly isComplete: boolean
}

/** Pixels as what is measured. */
export function imageOf({ width, height, rgba }: Pixels): Image {
  const plane = width * height
  const data = new Float32Array(3 * plane)
  for (let i = 0; i < plane; i++) {
    data[i] = rgba[4 * i] ?? 0
    data[plane + i] = rgba[4 * i + 1] ?? 0
    data[2 * plane + i] = rgba[4 * i + 2] ?? 0
  }
  return { width, height, channels: 3, data }
}

/** A part of a level that lies within it. */
export function partOf({ width, height }: Pick<Picture, 'width' | 'height'>, level: number): Rectangle {
  return { left: 0, top: 0, width: levelSize(width, level), height: levelSize(height, level) }
}

/** A tile of an area, or null where it has none there. */
export function tileOf(area: Rectangle, column: number, row: number): Rectangle | null {
  const [left, top] = [column * pixelTileSide, row * pixelTileSide]
  if (left >= area.width || top >= area.height) return null
  const [width, height] = [area.width - left, area.height - top]
  return { left, top, width: Math.min(width, pixelTileSide), height: Math.min(height, pixelTileSide) }
}

/** Pixels of which nothing is there. */
export function nothingOf(width: number, height: number): Pixels {
  return { width, height, rgba: new Uint8Array(4 * width * height), isComplete: false }
}

/** Copies pixels that begin at a place of an area into a part of it, as far as they lie within. */
export function paste(
  pixels: Pixels,
  at: { readonly left: number; readonly top: number },
  rgba: Uint8Array,
  part: Rectangle
): void {
  const left = Math.max(at.left, part.left)
  const right = Math.min(at.left + pixels.width, part.left + part.width)
  const top = Math.max(at.top, part.top)
  const bottom = Math.min(at.top + pixels.height, part.top + part.height)
  if (left >= right) return
  for (let y = top; y < bottom; y++) {
    const from = 4 * ((y - at.top) * pixels.width + left - at.left)
    const row = pixels.rgba.subarray(from, from + 4 * (right - left))
    rgba.set(row, 4 * ((y - part.top) * part.width + left - part.left))
  }
}

/** A part of an area, put together from tiles of it that come one after the other. */
export async function pieceOfTiles(
  part: Rectangle,
  side: number,
  tile: (column: number, row: number) => Promise<Pixels>,
  signal: AbortSignal
): Promise<Pixels> {
  const rgba = new Uint8Array(4 * part.width * part.height)
  let isComplete = true
  for (let row = Math.floor(part.top / side); row * side < part.top + part.height; row++) {
    for (let column = Math.floor(part.left / side); column * side < part.left + part.width; column++) {
      signal.throwIfAborted()
      const pixels = await tile(column, row)
      if (!pixels.isComplete) isComplete = false
      paste(pixels, { left: column * side, top: row * side }, rgba, part)
      await setImmediate()
    }
  }
  return { width: part.width, height: part.height, rgba, isComplete }
}
