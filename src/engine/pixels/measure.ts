import { setImmediate } from 'node:timers/promises'
import type { Pixels, Rectangle } from '../../contract/pixels'
import { psnrOf, squaredError } from '../../core/evaluation/psnr'
import { ssim, windowSize } from '../../core/evaluation/ssim'
import { WorstRegions, type WorstRegion } from '../../core/evaluation/worst-regions'
import { crop, type Image } from '../../core/imaging/image'
import { studioLuma } from '../../core/imaging/ycbcr'
import { orNull, StudioError } from '../errors'
import { imageOf, partOf, type Picture } from './picture'

/** Pixels that are measured at one go: some ten milliseconds. */
const stripPixels = 2 ** 16

/** How near a region of a picture is to the same of another, on Y. */
export interface Nearness {
  /** In dB; null where they are equal. */
  readonly psnr: number | null
  /** Null where the region is smaller than the measure's window. */
  readonly ssim: number | null
}

/** Sums of one picture's strips. */
interface Sums {
  squared: number
  pixels: number
  ssim: number
  windows: number
  /** Whether all of it can be compared, as far as is known. */
  isKnown: boolean
}

/**
 * PSNR and SSIM of a region of pictures, by the code of evaluations, strip by strip: null for pictures that cannot be read
 * (null), of another size than the reference, or not wholly there, in the region, they or the reference.
 *
 * @throws StudioError ('usage') where the region leaves the reference, and where that cannot be read
 */
export async function measureRegion(
  reference: Picture,
  pictures: readonly (Picture | null)[],
  region: Rectangle,
  signal: AbortSignal
): Promise<readonly (Nearness | null)[]> {
  expectWithin(region, reference)
  const sums = pictures.map((picture): Sums => {
    const isKnown = picture !== null && isSameSize(picture, reference)
    return { squared: 0, pixels: 0, ssim: 0, windows: 0, isKnown }
  })
  const hasWindows = region.width >= windowSize && region.height >= windowSize
  const overlap = hasWindows ? windowSize - 1 : 0
  for (const { strip, isLast } of stripsOf(region, overlap)) {
    const truth = await reference.measured(strip, signal)
    for (const [i, picture] of pictures.entries()) {
      const sum = sums[i]
      if (picture === null || sum?.isKnown !== true) continue
      signal.throwIfAborted()
      const measured = await orNull(picture.measured(strip, signal))
      sum.isKnown = truth.isComplete && measured?.isComplete === true
      if (sum.isKnown && measured !== null) {
        measureStrip(truth.image, measured.image, isLast ? 0 : overlap, hasWindows, sum)
      }
      await setImmediate()
    }
  }
  return sums.map(({ squared, pixels, ssim: total, windows, isKnown }): Nearness | null => {
    if (!isKnown) return null
    return { psnr: squared === 0 ? null : psnrOf(squared, pixels), ssim: windows === 0 ? null : total / windows }
  })
}

/** @param below rows that the next strip has, too: windows reach into them */
function measureStrip(truth: Image, image: Image, below: number, hasWindows: boolean, sum: Sums): void {
  const { width, height } = image
  const own = (whole: Image): Image => crop(whole, 0, 0, width, height - below)
  const error = squaredError(own(truth), own(image), 0)
  sum.squared += error.sum
  sum.pixels += error.count
  if (!hasWindows) return
  const windows = (width - windowSize + 1) * (height - windowSize + 1)
  sum.ssim += windows * ssim(truth, image, 0)
  sum.windows += windows
}

/** Strips of rows that cover a region; each but the last has so many rows of the next one as well. */
function* stripsOf(
  region: Rectangle,
  overlap: number
): Generator<{ readonly strip: Rectangle; readonly isLast: boolean }> {
  const step = Math.max(1, Math.floor(stripPixels / region.width))
  for (let top = 0; ; top += step) {
    const height = Math.min(step + overlap, region.height - top)
    const isLast = top + height === region.height
    yield { strip: { ...region, top: region.top + top, height }, isLast }
    if (isLast) return
  }
}

/**
 * Where a picture lost most against full precision: see WorstRegions. Without a truth, full precision is what is right. What is
 * not there counts as no loss.
 *
 * @throws StudioError ('refused') where sizes differ
 */
export async function worstRegions(
  { picture, fp, truth }: { readonly picture: Picture; readonly fp: Picture; readonly truth: Picture | null },
  side: number,
  count: number,
  signal: AbortSignal
): Promise<readonly WorstRegion[]> {
  for (const other of [fp, ...(truth === null ? [] : [truth])]) {
    if (isSameSize(picture, other)) continue
    const sizes = `${picture.width}×${picture.height} and ${other.width}×${other.height}`
    throw new StudioError(
      'refused',
      `Regions of pictures of ${sizes} pixels cannot be compared; they must have one size.`
    )
  }
  const { width, height } = picture
  const regions = new WorstRegions(width, height, side)
  for (const { strip } of stripsOf(partOf(picture, 0), 0)) {
    signal.throwIfAborted()
    const looked = await picture.piece(0, strip, signal)
    const whole = await fp.piece(0, strip, signal)
    const right = truth === null ? whole : await truth.piece(0, strip, signal)
    const isThere = allThere([looked, whole, right])
    const error = squares(looked, right, isThere)
    const errorOfFp = squares(whole, right, isThere)
    for (let i = 0; i < error.length; i += width)
      regions.add(error.subarray(i, i + width), errorOfFp.subarray(i, i + width))
    await setImmediate()
  }
  return regions.find(count)
}

/** Tells of a pixel whether all pictures have it. */
function allThere(pictures: readonly Pixels[]): (i: number) => boolean {
  const partial = pictures.filter(({ isComplete }) => !isComplete)
  return (i) => partial.every(({ rgba }) => (rgba[4 * i + 3] ?? 0) > 0)
}

function squares(a: Pixels, b: Pixels, isThere: (i: number) => boolean): Float64Array {
  const other = studioLuma(imageOf(b))
  return studioLuma(imageOf(a)).map((value, i) => (isThere(i) ? (value - (other[i] ?? 0)) ** 2 : 0))
}

function isSameSize(a: Picture, b: Picture): boolean {
  return a.width === b.width && a.height === b.height
}

/** @throws StudioError ('usage') where a part leaves a picture */
export function expectWithin({ left, top, width, height }: Rectangle, picture: Picture): void {
  if (left + width <= picture.width && top + height <= picture.height) return
  const what = `${width}×${height} pixels at (${left}, ${top})`
  throw new StudioError('usage', `${what} leave a picture of ${picture.width}×${picture.height}; choose less of it.`)
}
