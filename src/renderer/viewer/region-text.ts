import { fixed } from '../format'
import type { RegionNumbers } from './region-numbers'

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
