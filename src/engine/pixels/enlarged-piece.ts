import type { Pixels, Rectangle } from '../../contract/pixels'
import { levelSize } from '../../core/imaging/pyramid'
import { registration } from '../../core/imaging/registration'
import { StudioError } from '../errors'
import type { Picture } from './picture'

interface Size {
  readonly width: number
  readonly height: number
}

/**
 * A part of a level of a picture that is enlarged to a size by repeating pixels. Of a picture that is smaller, coarse levels are
 * not made of what is enlarged but are levels of its own, repeated.
 *
 * @param size of a picture that is a multiple of this one
 * @param part in pixels of the level of that size
 * @throws StudioError ('refused') where it is no multiple
 */
export async function enlargedPiece(
  picture: Picture,
  size: Size,
  level: number,
  part: Rectangle,
  signal: AbortSignal
): Promise<Pixels> {
  const factor = registration(size, picture)
  if (factor === null) {
    const sizes = `${picture.width}×${picture.height} and ${size.width}×${size.height}`
    throw new StudioError(
      'refused',
      `Pictures of ${sizes} pixels cannot be compared; one must be a multiple of the other.`
    )
  }
  if (factor === 1) return picture.piece(level, part, signal)
  const own = Math.max(0, Math.floor(level - Math.log2(factor)))
  const ratio = 2 ** (level - own) / factor
  const columns = placesOf(part.left, part.width, ratio, levelSize(picture.width, own))
  const rows = placesOf(part.top, part.height, ratio, levelSize(picture.height, own))
  const [left = 0, top = 0] = [columns[0], rows[0]]
  const under = { left, top, width: (columns.at(-1) ?? 0) - left + 1, height: (rows.at(-1) ?? 0) - top + 1 }
  const pixels = await picture.piece(own, under, signal)
  return {
    width: part.width,
    height: part.height,
    rgba: repeat(pixels, under, columns, rows),
    isComplete: pixels.isComplete
  }
}

/** Which pixels lie under the middles of others, of which each takes `ratio` of them. */
function placesOf(first: number, count: number, ratio: number, size: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => Math.min(Math.floor((first + i + 0.5) * ratio), size - 1))
}

function repeat(
  { width, rgba }: Pixels,
  { left, top }: Rectangle,
  columns: readonly number[],
  rows: readonly number[]
): Uint8Array<ArrayBuffer> {
  const repeated = new Uint8Array(4 * columns.length * rows.length)
  const source = new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4)
  const target = new Uint32Array(repeated.buffer)
  let i = 0
  for (const row of rows) {
    const from = (row - top) * width - left
    for (const column of columns) target[i++] = source[from + column] ?? 0
  }
  return repeated
}
