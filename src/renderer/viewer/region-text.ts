import { fixed } from '../format'

/** PSNR in dB (null where pictures are equal) and SSIM (null where the region is too small) of a region against the reference. */
export interface RegionNumbers {
  readonly psnr: number | null
  readonly ssim: number | null
}

/** Numbers of a region as they are shown: a dash for what is not known, ∞ where pictures are equal. */
export interface RegionText {
  readonly psnr: string
  readonly ssim: string
}

/** @param numbers undefined where nothing is known of a picture */
export function regionText(numbers: RegionNumbers | undefined): RegionText {
  if (numbers === undefined) return { psnr: '–', ssim: '–' }
  return { psnr: numbers.psnr === null ? '∞' : fixed(numbers.psnr, 2), ssim: fixed(numbers.ssim, 4) }
}
