import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeImage } from '../../src/core/imaging/image'
import { EvaluationRecorder, readEvaluation } from '../../src/engine/evaluation-file'
import type { EvaluatedImage } from '../../src/engine/jobs/evaluate'
import { readImage } from '../../src/formats/image-files'
import { temporaryFolder } from '../cli/run-cli'
import { testPicture } from '../pictures'

const folder = temporaryFolder()
let number = 0
let run = ''
beforeEach(async () => {
  run = join(folder, String(++number))
  await mkdir(run)
})

const lr = testPicture(5, 3)
const [hr, fp, quantized] = [1, 2, 3].map((phase) => testPicture(20, 12, phase)) as [
  EvaluatedImage['image'],
  EvaluatedImage['image'],
  EvaluatedImage['image']
]
const image = (
  method: EvaluatedImage['result']['method'],
  weight: 2 | 4 | null,
  scores: EvaluatedImage['scores'],
  more: Partial<EvaluatedImage> = {}
): EvaluatedImage => ({
  set: 'photos',
  name: 'one',
  result: { method, bits: weight === null ? null : { weight, activation: weight } },
  image: weight === null ? fp : quantized,
  lr,
  hr,
  lrDepth: 8,
  hrDepth: 8,
  scores,
  ...more
})

describe('an evaluation in a run folder', () => {
  it('holds every picture in every way, as PNG files that are what was measured', async () => {
    const recorder = await EvaluationRecorder.open(run)
    await recorder.add(image('fp', null, { psnr: 30.5, ssim: 0.9 }))
    await recorder.add(image('dobi', 2, { psnr: 27.25, ssim: 0.8 }))
    const mixed = { method: 'dobi', bits: { weight: 4, activation: 8 } } as const
    await recorder.add(image('dobi', 4, { psnr: 28, ssim: 0.85 }, { result: mixed }))
    await recorder.add(image('fp', null, { psnr: 31, ssim: 0.95 }, { name: 'two' }))
    await recorder.add(image('fp', null, { psnr: 32, ssim: 0.96 }, { set: 'others' }))
    await recorder.save([])
    const read = await readEvaluation(run)
    expect(read?.pictures.map(({ set, name, width, height }) => [set, name, width, height])).toEqual([
      ['photos', 'one', 20, 12],
      ['photos', 'two', 20, 12],
      ['others', 'one', 20, 12]
    ])
    expect(read?.pictures[0]?.views).toEqual([
      { method: 'hr', bits: null, file: 'images/1/hr.png', psnr: null, ssim: null },
      { method: 'lr', bits: null, file: 'images/1/lr.png', psnr: null, ssim: null },
      { method: 'fp', bits: null, file: 'images/1/fp.png', psnr: 30.5, ssim: 0.9 },
      { method: 'dobi', bits: { weight: 2, activation: 2 }, file: 'images/1/dobi-2.png', psnr: 27.25, ssim: 0.8 },
      { method: 'dobi', bits: { weight: 4, activation: 8 }, file: 'images/1/dobi-4-8.png', psnr: 28, ssim: 0.85 }
    ])
    const pictures = await Promise.all(
      ['hr', 'lr', 'fp', 'dobi-2'].map((name) => readImage(join(run, `images/1/${name}.png`)))
    )
    expect(pictures.map((picture) => picture.image)).toEqual([hr, lr, fp, quantized])
    const files = read?.pictures.flatMap(({ views }) => views.map(({ file }) => file)) ?? []
    expect(new Set(files).size).toBe(files.length)
    for (const file of files) expect(existsSync(join(run, file)), file).toBe(true)
  })

  it('holds what it was measured against as finely as it was', async () => {
    const fine = makeImage(20, 12, 3, (channel, y, x) => ((channel * 4001 + y * 997 + x * 3301) % 65_536) / 257)
    const recorder = await EvaluationRecorder.open(run)
    await recorder.add(image('fp', null, null, { hr: fine, hrDepth: 16 }))
    await recorder.save([])
    const [kept, low] = await Promise.all(['hr', 'lr'].map((name) => readImage(join(run, `images/1/${name}.png`))))
    expect([kept?.bitDepth, low?.bitDepth]).toEqual([16, 8])
    expect(kept?.image).toEqual(fine)
  })

  it('has no number where pictures are equal, or where there is nothing to compare with', async () => {
    const recorder = await EvaluationRecorder.open(run)
    await recorder.add(image('fp', null, { psnr: Infinity, ssim: 1 }))
    await recorder.add(image('fp', null, null, { name: 'two', hr: null }))
    await recorder.save([])
    const views = (await readEvaluation(run))?.pictures.map((picture) => picture.views) ?? []
    expect(views.map((each) => each.map(({ method, psnr, ssim }) => [method, psnr, ssim]))).toEqual([
      [
        ['hr', null, null],
        ['lr', null, null],
        ['fp', null, 1]
      ],
      [
        ['lr', null, null],
        ['fp', null, null]
      ]
    ])
  })

  it('is there once it is whole, and takes the place of an earlier one', async () => {
    const recorder = await EvaluationRecorder.open(run)
    await recorder.add(image('dobi', 2, null))
    expect(await readEvaluation(run)).toBeNull()
    await recorder.save([])
    expect((await readEvaluation(run))?.pictures).toHaveLength(1)
    const filesOf = async (): Promise<readonly string[]> =>
      (await readEvaluation(run))?.pictures.flatMap(({ views }) => views.map(({ file }) => file)) ?? []
    const earlier = await filesOf()
    for (const times of [1, 2]) {
      // Broken off: what was measured before is whole, and what is left is not kept twice.
      const brokenOff = await EvaluationRecorder.open(run)
      await brokenOff.add(image('dobi', 4, null))
      expect(await filesOf(), `${times}`).toEqual(earlier)
      for (const file of earlier) expect(existsSync(join(run, file)), file).toBe(true)
      expect(readdirSync(run)).toHaveLength(3)
    }
    const again = await EvaluationRecorder.open(run)
    await again.add(image('fp', null, null))
    await again.add(image('dobi', 4, null))
    await again.save([])
    const files = await filesOf()
    expect(files.some((file) => earlier.includes(file))).toBe(false)
    for (const file of files) expect(existsSync(join(run, file)), file).toBe(true)
    expect(readdirSync(run)).toHaveLength(2)
  })

  it('takes the place of one that cannot be read', async () => {
    writeFileSync(join(run, 'evaluation.json'), '{')
    const recorder = await EvaluationRecorder.open(run)
    await recorder.add(image('fp', null, null))
    await recorder.save([])
    expect((await readEvaluation(run))?.pictures).toHaveLength(1)
  })

  it.each([
    ['no JSON', '{', /is damaged/],
    ['another version', '{"schema":2,"results":[],"pictures":[]}', /at schema/]
  ])('that is damaged (%s) is refused', async (_, contents, says) => {
    writeFileSync(join(run, 'evaluation.json'), contents)
    await expect(readEvaluation(run)).rejects.toThrow(says)
  })
})
