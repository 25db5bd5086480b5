import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { psnr } from '../../../src/core/evaluation/psnr'
import { ssim } from '../../../src/core/evaluation/ssim'
import { cropToMultiple, toRgb } from '../../../src/core/imaging/image'
import { imresize } from '../../../src/core/imaging/imresize'
import { readImage } from '../../../src/formats/image-files'
import { describeWithSharedData, sharedData } from '../../shared-data'

interface Baseline {
  readonly per_image: Readonly<Record<string, readonly [psnr: number, ssim: number]>>
}

describeWithSharedData('bicubic interpolation of the benchmark pictures', () => {
  const baselines = JSON.parse(readFileSync(sharedData('bicubic_baseline.json'), 'utf8')) as Record<string, Baseline>
  const names = Object.keys(baselines).filter((name) => / x\d$/.test(name))

  it.each(names)('reproduces %s: LR files bit for bit, PSNR and SSIM to four decimals', async (name) => {
    const [set = '', factor = ''] = name.split(' x')
    const scale = Number(factor)
    const folders = await readdir(sharedData('benchmarks'))
    const folder = folders.find((candidate) => candidate.split('_')[0] === set.split('_')[0]) ?? ''
    let compared = 0
    for (const [picture, [wantedPsnr, wantedSsim]] of Object.entries(baselines[name]?.per_image ?? {})) {
      const file = await readImage(sharedData('benchmarks', folder, 'HR', `${picture}.png`)).catch(() => null)
      if (file === null) continue
      const hr = cropToMultiple(toRgb(file.image), scale)
      const lr = imresize(hr, 1 / scale)
      const stored = `${basename(picture)}x${scale}.png`
      const expected = await readImage(sharedData('benchmarks', folder, 'LR_bicubic', `X${scale}`, stored)).catch(
        () => null
      )
      if (expected !== null)
        expect(Buffer.compare(Buffer.from(lr.data.buffer), Buffer.from(toRgb(expected.image).data.buffer))).toBe(0)
      const enlarged = imresize(lr, scale)
      expect(psnr(enlarged, hr, scale)).toBeCloseTo(wantedPsnr, 4)
      expect(ssim(enlarged, hr, scale)).toBeCloseTo(wantedSsim, 4)
      compared++
    }
    expect(compared).toBeGreaterThan(0)
  })
})
