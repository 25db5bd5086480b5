import { setImmediate } from 'node:timers/promises'
import { pixelTileSide, type Difference, type Pixels, type Rectangle } from '../../contract/pixels'
import { drawDifference } from '../../core/imaging/difference'
import { DifferenceMeans } from '../../core/imaging/difference-means'
import { levelSize } from '../../core/imaging/pyramid'
import { largerOf } from '../../core/imaging/registration'
import { partOf, type Picture } from './picture'
import { enlargedPiece } from './enlarged-piece'

/** Pixels that are compared one by one at most; of larger pictures, levels of no more than that are. */
const mostCompared = 2 ** 24

/**
 * A piece of a level of the difference of two pictures, in the pixels of the larger one: the mean, on the colour map, of the
 * differences of all pixels under it, or, in pictures of more than 2^24 pixels, of the finest level that has no more.
 *
 * @param part in pixels of the level; it must lie within it
 * @throws StudioError ('refused') where neither is a multiple of the other
 */
export async function differencePiece(
  picture: Picture,
  reference: Picture,
  rule: Difference,
  level: number,
  part: Rectangle,
  signal: AbortSignal
): Promise<Pixels> {
  const size = largerOf(picture, reference)
  const base = Math.min(level, comparedLevel(size))
  const pair = async (piece: Rectangle): Promise<readonly [Pixels, Pixels]> => [
    await enlargedPiece(picture, size, base, piece, signal),
    await enlargedPiece(reference, size, base, piece, signal)
  ]
  if (base === level) {
    const [a, b] = await pair(part)
    return { ...drawDifference(a, b, rule), isComplete: a.isComplete && b.isComplete }
  }
  const step = 2 ** (level - base)
  const means = new DifferenceMeans(part.width, part.height, step, rule)
  let isComplete = true
  for (const piece of piecesUnder(part, step, partOf(size, base))) {
    signal.throwIfAborted()
    const [a, b] = await pair(piece)
    means.add(a, b, piece.left - part.left * step, piece.top - part.top * step)
    if (!a.isComplete || !b.isComplete) isComplete = false
    await setImmediate()
  }
  return { ...means.draw(), isComplete }
}

/** The finest level of which all pixels are compared. */
function comparedLevel({ width, height }: { readonly width: number; readonly height: number }): number {
  let level = 0
  while (levelSize(width, level) * levelSize(height, level) > mostCompared) level++
  return level
}

/** What lies under a part of a level that is `step` times coarser, in pieces of the size of tiles at most. */
function* piecesUnder(part: Rectangle, step: number, whole: Rectangle): Generator<Rectangle> {
  const right = Math.min((part.left + part.width) * step, whole.width)
  const bottom = Math.min((part.top + part.height) * step, whole.height)
  for (let top = part.top * step; top < bottom; top += pixelTileSide) {
    for (let left = part.left * step; left < right; left += pixelTileSide) {
      const [width, height] = [Math.min(pixelTileSide, right - left), Math.min(pixelTileSide, bottom - top)]
      yield { left, top, width, height }
    }
  }
}
