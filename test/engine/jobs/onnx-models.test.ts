import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import type { Quantizer } from '../../../src/contract/bounds'
import { settingsOf } from '../../../src/contract/presets'
import { ints } from '../../../src/core/graph/graph'
import { makeContext } from '../../../src/engine/job'
import { evaluate } from '../../../src/engine/jobs/evaluate'
import { quantize } from '../../../src/engine/jobs/quantize'
import { resume } from '../../../src/engine/jobs/resume'
import { upscale } from '../../../src/engine/jobs/upscale'
import { psnr } from '../../../src/core/evaluation/psnr'

import { readImage, type PictureFile } from '../../../src/formats/image-files'
import { openRun } from '../../../src/engine/run-folder'
import { TrainingPaused } from '../../../src/engine/training/control'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { smallNetwork } from '../../formats/small-network'
import { writeTestPicture } from '../../pictures'
import { describeWithSharedData, sharedData } from '../../shared-data'

const folder = temporaryFolder()
const set = join(folder, 'set')
const picture = join(set, 'HR', 'a.png')

beforeAll(async () => {
  await writeTestPicture(picture, 132, 96)
})

it('a network that cannot be trained says so before anything is done, and can be calibrated', async () => {
  const model = join(folder, 'product.onnx')
  const branch = [
    { op: 'ReduceProd', name: 'product', inputs: ['g'], outputs: ['p'], attributes: { axes: ints([1]) } },
    { op: 'Mul', name: 'weighted', inputs: ['g', 'p'], outputs: ['h'] }
  ]
  writeFileSync(model, smallNetwork(branch))
  const context = await makeContext((event) => {
    if (event.kind === 'progress') throw new Error(`${event.phase} was begun`)
  }, new AbortController().signal)
  const usual = settingsOf('fast')
  const distillation = { ...usual.distillation, iterations: 1, batch: 1 }
  const settings = { ...usual, methods: ['2dquant' as const], patches: 1, patchSize: 16, distillation }
  const wanted = {
    model,
    overrides: {},
    scale: undefined,
    calibration: set,
    calibrationKind: undefined,
    tellsTime: false
  }
  await expect(quantize({ ...wanted, settings, out: join(folder, 'refused') }, context)).rejects.toThrow(
    /No gradient is known of the operator ReduceProd \(node "product"\).*dobi work without/
  )
  const quiet = await makeContext(() => undefined, new AbortController().signal)
  const calibrated = { ...settings, methods: ['dobi' as const], distillation: null }
  const { quantizers } = await quantize({ ...wanted, settings: calibrated, out: join(folder, 'calibrated') }, quiet)
  expect(quantizers).toBe(2)
})

/** A CNN that shares weights, and a transformer whose sizes are multiples of eight. */
describeWithSharedData('a real network from an ONNX file goes the whole way', () => {
  it.each([
    ['CARN_M_x4', 64],
    ['MobileSR_x4', 106]
  ])('%s', async (name, quantizers) => {
    const model = sharedData('models', `${name}.onnx`)
    const run = join(folder, name)
    const usual = settingsOf('fast')
    const settings = {
      ...usual,
      methods: ['minmax' as const, 'dobi' as const, '2dquant' as const, '2dquant+' as const],
      bits: [{ weight: 8 as const, activation: 8 as const }],
      patches: 2,
      patchSize: 16,
      distillation: { ...usual.distillation, iterations: 2, batch: 1 }
    }
    const shared = { overrides: {}, scale: undefined, filter: {}, memoryCap: undefined }
    const calibration = { calibration: set, calibrationKind: undefined }
    const stopping = new AbortController()
    const begun = await makeContext((event) => {
      if (event.kind === 'validation') stopping.abort()
    }, stopping.signal)
    const quantizing = quantize({ model, ...shared, ...calibration, settings, out: run, tellsTime: false }, begun)
    await expect(quantizing).rejects.toThrow(TrainingPaused)

    const context = await makeContext(() => undefined, new AbortController().signal)
    const resumed = await resume({ run, keepBest: false }, context)
    expect(resumed.quantizers).toBe(quantizers)
    expect(resumed.variants.map(({ training }) => training?.outcome)).toEqual(['finished', 'finished'])

    const { results } = await evaluate({ subject: run, sets: [{ folder: set }], ...shared }, context)
    expect(results.map(({ method }) => method)).toEqual(['fp', 'minmax', 'dobi', '2dquant', '2dquant+'])
    for (const { method, againstFp } of results.slice(1)) {
      expect(againstFp?.[0]?.mean.psnr, method).toBeGreaterThan(30)
    }
    const filter = { method: '2dquant+' as const }
    const out = join(folder, `${name} enlarged`)
    const { images } = await upscale({ subject: run, inputs: [picture], out, ...shared, filter }, context)
    expect(images[0]).toMatchObject({ width: 528, height: 384 })
  })
})

describeWithSharedData("torch's own exports of the bundled model", () => {
  const pictures = join(folder, 'large')
  const settings = {
    ...settingsOf('fast'),
    methods: ['minmax' as const, 'dobi' as const],
    patches: 2,
    patchSize: 64,
    distillation: null
  }
  type Found = Record<'minmax' | 'dobi', readonly Quantizer[]>
  const quantizersOf = async (model: string, out: string): Promise<Found> => {
    const context = await makeContext(() => undefined, new AbortController().signal)
    const calibration = { calibration: pictures, calibrationKind: undefined, tellsTime: false }
    await quantize({ model, overrides: {}, scale: undefined, ...calibration, settings, out }, context)
    const { variants } = (await openRun(out)).bounds
    const of = (method: string): readonly Quantizer[] =>
      variants.find((variant) => variant.method === method)?.quantizers ?? []
    return { minmax: of('minmax'), dobi: of('dobi') }
  }
  let ofCheckpoint: Found

  beforeAll(async () => {
    await writeTestPicture(join(pictures, 'HR', 'large.png'), 300, 280, 3)
    ofCheckpoint = await quantizersOf(bundledModel, join(folder, 'checkpoint'))
    expect(ofCheckpoint.dobi).toHaveLength(128)
  })

  it.each(['opset11', 'opset17'])('of %s have the quantizers of its checkpoint', async (opset) => {
    const model = sharedData('models', `swinir-tiny-x4.torch-${opset}.onnx`)
    const { dobi } = await quantizersOf(model, join(folder, opset))
    expect(dobi.map(({ name }) => name)).toEqual(ofCheckpoint.dobi.map(({ name }) => name))
    for (const [i, { name, lower, upper }] of dobi.entries()) {
      const [expected, range] = [ofCheckpoint.dobi[i], ofCheckpoint.minmax[i]]
      if (!expected || !range) throw new Error(`${name} has no counterpart.`)
      const step = ((range.upper - range.lower) / settings.searchSteps) * 1.001
      expect(Math.abs(lower - expected.lower), name).toBeLessThanOrEqual(step)
      expect(Math.abs(upper - expected.upper), name).toBeLessThanOrEqual(step)
    }
  })
})

describeWithSharedData('a network of one size', () => {
  it.each(['head', 'bird', 'baby'])('enlarges a larger picture, %s, by tiles whose seams do not show', async (name) => {
    const large = sharedData('benchmarks', 'Set5', 'LR_bicubic', 'X4', `${name}x4.png`)
    const context = await makeContext(() => undefined, new AbortController().signal)
    const enlarged = async (subject: string, out: string): Promise<PictureFile> => {
      const config = { subject, inputs: [large], out: join(folder, out), overrides: {}, scale: undefined, filter: {} }
      const { images } = await upscale({ ...config, memoryCap: undefined }, context)
      return readImage(images[0]?.output ?? '')
    }
    const whole = await enlarged(bundledModel, 'whole')
    const tiled = await enlarged(sharedData('models', 'swinir-tiny-x4.torch-opset11.onnx'), 'tiled')
    expect([tiled.image.width, tiled.image.height]).toEqual([whole.image.width, whole.image.height])
    // Less than a grey level: windows of attention lie elsewhere in tiles.
    expect(psnr(whole.image, tiled.image, 4)).toBeGreaterThan(50)
  })
})
