import { expect, it } from 'vitest'
import { regionText } from '../../../src/renderer/viewer/region-text'

it.each([
  ['what is not known', undefined, '–', '–'],
  ['equal pictures', { psnr: null, ssim: 1 }, '∞', '1.0000'],
  ['a region smaller than a window', { psnr: 31.256, ssim: null }, '31.26', '–'],
  ['any other', { psnr: 27.1, ssim: 0.87654 }, '27.10', '0.8765']
] as const)('numbers of a region: %s', (_, numbers, psnr, ssim) => {
  expect(regionText(numbers)).toEqual({ psnr, ssim })
})
