import { StudioError } from '../errors'
import { crop, flipHorizontal, flipVertical, transpose, type Image } from './image'
import { Random } from './random'

/** A crop of one picture, turned into one of the eight symmetries of the square. */
export interface Patch {
  /** Which picture. */
  readonly picture: number
  readonly left: number
  readonly top: number
  /** Width and height in pixels of the low-resolution picture. */
  readonly size: number
  readonly flipHorizontal: boolean
  readonly flipVertical: boolean
  readonly transpose: boolean
}

/**
 * Draws patches from random places of random pictures. The same pictures, settings and seed give the same patches.
 *
 * @param pictures sizes in low-resolution pixels
 * @throws StudioError ('refused') naming a picture that is smaller than a patch
 */
export function drawPatches(
  pictures: readonly { readonly name: string; readonly width: number; readonly height: number }[],
  { size, count, seed }: { readonly size: number; readonly count: number; readonly seed: number }
): readonly Patch[] {
  const small = pictures.find(({ width, height }) => width < size || height < size)
  if (small !== undefined) {
    const what = `The picture "${small.name}" has ${small.width}×${small.height} low-resolution pixels`
    throw new StudioError('refused', `${what}, too few for patches of ${size}×${size}; choose a smaller --patch-size.`)
  }
  const random = Random.seeded(seed)
  return Array.from({ length: count }, () => {
    const picture = random.below(pictures.length)
    const { width = size, height = size } = pictures[picture] ?? {}
    return {
      picture,
      left: random.below(width - size + 1),
      top: random.below(height - size + 1),
      size,
      flipHorizontal: random.below(2) === 1,
      flipVertical: random.below(2) === 1,
      transpose: random.below(2) === 1
    }
  })
}

/**
 * Cuts a patch out of its picture.
 *
 * @param scale 1 for the low-resolution picture, the network's factor for the high-resolution one
 */
export function cutPatch(image: Image, patch: Patch, scale = 1): Image {
  const size = patch.size * scale
  let cut = crop(image, patch.left * scale, patch.top * scale, size, size)
  if (patch.flipHorizontal) cut = flipHorizontal(cut)
  if (patch.flipVertical) cut = flipVertical(cut)
  if (patch.transpose) cut = transpose(cut)
  return cut
}
