import { describe, expect, it } from 'vitest'
import { jobEventSchema } from '../../src/contract/events'
import { fileInRunSchema } from '../../src/contract/file-in-run'
import { evaluationFileSchema, runDetailsSchema } from '../../src/contract/runs'

const inside = ['images/1/hr.png', 'upscaled/a..b-fp_x4.png', '...', 'previews/000000.png']
const outside = [
  '',
  '/etc/passwd',
  '..',
  '../other/a.png',
  'images/../../a.png',
  'images/..',
  'images\\..\\..\\a.png',
  '\\\\server\\share\\a.png',
  'C:\\a.png',
  'c:a.png'
]

describe('a file in a run folder', () => {
  it.each(inside)('is taken within: %s', (path) => {
    expect(fileInRunSchema.parse(path)).toBe(path)
  })

  it.each(outside)('is refused where it leads out: %s', (path) => {
    expect(fileInRunSchema.safeParse(path).success).toBe(false)
  })

  it('is what evaluations, enlarged pictures and previews name', () => {
    const evaluation = (file: string): unknown => {
      const views = [{ method: 'fp', bits: null, file, psnr: null, ssim: null }]
      return { schema: 1, results: [], pictures: [{ set: 's', name: 'n', width: 1, height: 1, views }] }
    }
    const upscaled = (file: string): unknown => [{ file, name: 'n', method: 'fp', bits: null, width: 1, height: 1 }]
    const validation = (preview: string, reference: string): unknown => {
      const variant = { method: '2dquant', bits: { weight: 4, activation: 4 } }
      const numbers = { iteration: 0, psnr: 1, psnrAgainstHr: null, featureShare: 0 }
      return { kind: 'validation', ...variant, ...numbers, preview, reference }
    }
    for (const [file, isTaken] of [
      ['images/1/fp.png', true],
      ['../a.png', false]
    ] as const) {
      expect(evaluationFileSchema.safeParse(evaluation(file)).success).toBe(isTaken)
      expect(runDetailsSchema.shape.upscaled.safeParse(upscaled(file)).success).toBe(isTaken)
      expect(jobEventSchema.safeParse(validation(file, 'a.png')).success).toBe(isTaken)
      expect(jobEventSchema.safeParse(validation('a.png', file)).success).toBe(isTaken)
    }
  })
})
