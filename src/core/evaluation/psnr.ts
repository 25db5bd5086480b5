import type { Image } from '../imaging/image'
import { studioLuma } from '../imaging/ycbcr'
import { StudioError } from '../errors'

/**
 * Peak signal-to-noise ratio on Y in dB, by BasicSR's definition: a border is left out, peak 255.
 *
 * @param border pixels left out on every side; the literature takes the scale
 * @returns Infinity for equal pictures
 */
export function psnr(a: Image, b: Image, border: number): number {
  const { sum, count } = squaredError(a, b, border)
  if (count === 0) throw tooSmall(a, border, 1)
  return psnrOf(sum, count)
}

/** The PSNR in dB of so many values whose squared differences have this sum; peak 255. */
export function psnrOf(sum: number, count: number): number {
  return 10 * Math.log10((255 * 255 * count) / sum)
}

/**
 * The mean PSNR in dB of pictures against others, over all channels and clipped to 0 to 1, as networks give them. Each counts
 * alike, as in the scores of a set, however much it differs; at most 100 dB, which equal ones have.
 *
 * @param pictures values 0 to 1, in any order that both have
 */
export function meanPsnr(pictures: readonly Float32Array[], references: readonly Float32Array[]): number {
  const each = pictures.map((picture, i) => {
    const sum = picture.reduce((total, value, j) => total + (clip(value) - clip(references[i]?.[j] ?? NaN)) ** 2, 0)
    return -10 * Math.log10(Math.max(sum / picture.length, 1e-10))
  })
  return each.reduce((sum, value) => sum + value, 0) / each.length
}

const clip = (value: number): number => Math.min(Math.max(value, 0), 1)

/** The sum of squared differences on Y, and over how many pixels, for pictures that are measured part by part. */
export function squaredError(a: Image, b: Image, border: number): { readonly sum: number; readonly count: number } {
  expectSameSize(a, b)
  const [x, y] = [studioLuma(a), studioLuma(b)]
  let sum = 0
  let count = 0
  for (let row = border; row < a.height - border; row++) {
    for (let column = border; column < a.width - border; column++) {
      const difference = (x[row * a.width + column] ?? 0) - (y[row * a.width + column] ?? 0)
      sum += difference * difference
      count++
    }
  }
  return { sum, count }
}

/** Throws where two pictures cannot be compared pixel by pixel. */
export function expectSameSize(a: Image, b: Image): void {
  if (a.width === b.width && a.height === b.height) return
  const sizes = `${a.width}×${a.height} and ${b.width}×${b.height}`
  throw new StudioError('refused', `Pictures of ${sizes} pixels cannot be compared; they must have one size.`)
}

export function tooSmall(image: Image, border: number, least: number): StudioError {
  const what = `A picture of ${image.width}×${image.height} pixels is too small to be measured`
  return new StudioError('refused', `${what}: without a border of ${border}, ${least}×${least} must be left.`)
}
