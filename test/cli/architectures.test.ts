import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { evaluateResultSchema, inspectResultSchema, quantizeResultSchema } from '../../src/contract/results'
import { floatTensor } from '../../src/core/tensor'
import { safetensorsFile } from '../formats/safetensors-writer'
import { goldenTensors, under } from '../golden'
import { writeGoldenModel } from '../golden-model'
import { writeTestPicture } from '../pictures'
import { runCli, temporaryFolder } from './run-cli'

const folder = temporaryFolder()

beforeAll(async () => {
  await writeTestPicture(join(folder, 'set', 'HR', 'a.png'), 70, 60)
})

async function json(args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCli([...args, '--json'])
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

/** Every kind of network goes the whole way; what comes out of it is proved elsewhere. */
describe.each([
  ['edsr-x2', 2, 3],
  ['edsr-x3', 3, 3],
  ['swinir-classical-x3', 3, 3],
  ['swinir-real-x4', 4, 3],
  ['swinir-denoise-colour', 1, 3],
  ['swinir-denoise-grey', 1, 1],
  ['swinir-jpeg-grey', 1, 1]
])('%s', (name, scale, channels) => {
  it('is inspected, quantized and evaluated', async () => {
    const model = writeGoldenModel(folder, name)
    const facts = inspectResultSchema.parse(await json(['inspect', model]))
    expect(facts).toMatchObject({ scale, channels })
    const run = join(folder, name)
    const patches = ['--patches', '2', '--patch-size', '14']
    const calibrate = [
      'quantize',
      model,
      '--calibration',
      join(folder, 'set'),
      ...patches,
      '--bits',
      '8,2',
      '--out',
      run
    ]
    expect(quantizeResultSchema.parse(await json(calibrate)).quantizers).toBe(facts.quantizable.length)
    const { results } = evaluateResultSchema.parse(await json(['evaluate', run, '--set', join(folder, 'set')]))
    const [near = NaN, far = NaN] = results.slice(1).map(({ againstFp }) => againstFp?.[0]?.mean.psnr ?? Infinity)
    // Random weights make large outputs, so no absolute figure is known; but six bits more are worth some 6 dB each.
    expect(near).toBeGreaterThan(far + 12)
  })
})

describe.each([
  ['edsr-x2', '2dquant,2dquant+,dbdc+pac'],
  ['edsr-x3', '2dquant+'],
  ['swinir-classical-x3', '2dquant+'],
  ['swinir-real-large-x4', '2dquant+'],
  ['swinir-denoise-grey', '2dquant,2dquant+'],
  ['swinir-jpeg-grey', '2dquant'],
  ['swinir-no-patch-norm', '2dquant+']
])('%s', (name, methods) => {
  it(`is trained by ${methods}`, async () => {
    const model = writeGoldenModel(folder, name)
    const run = join(folder, `${name} trained`)
    const set = join(folder, 'set')
    const patches = ['--patches', '2', '--patch-size', '14', '--batch', '2', '--iterations', '2']
    const train = ['quantize', model, '--calibration', set, ...patches, '--method', methods, '--out', run]
    const { variants } = quantizeResultSchema.parse(await json(train))
    const trained = variants.filter(({ training }) => training !== undefined)
    expect(trained.map(({ method }) => method).toSorted()).toEqual(methods.split(',').toSorted())
    for (const { training } of trained) expect(training?.outcome).toBe('finished')
    const { results } = evaluateResultSchema.parse(await json(['evaluate', run, '--set', set]))
    expect(results).toHaveLength(1 + variants.length)
  })
})

describe('a network of one size (ape)', () => {
  it('goes the whole way by tiles, and asks for patches of its size', async () => {
    const model = join(folder, 'embedded.safetensors')
    const weights = under(goldenTensors('forward/swinir-light-x2.safetensors').tensors, 'weight/')
    const width = weights.get('norm.bias')?.shape[0] ?? 0
    const embedding = floatTensor(new Float32Array(32 * 32 * width), [1, 32 * 32, width])
    writeFileSync(model, safetensorsFile(new Map([...weights, ['absolute_pos_embed', embedding]])))
    expect(inspectResultSchema.parse(await json(['inspect', model])).macs).toMatchObject({ width: 32, height: 32 })
    const set = join(folder, 'set')
    const calibrate = ['quantize', model, '--calibration', set, '--patches', '2', '--out', join(folder, 'embedded')]
    const refused = await runCli([...calibrate, '--patch-size', '16'])
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('--patch-size 32')])
    await writeTestPicture(join(folder, 'larger', 'HR', 'a.png'), 140, 90)
    const larger = ['--calibration', join(folder, 'larger'), '--patch-size', '32']
    await json([...calibrate, ...larger])
    const { results } = evaluateResultSchema.parse(
      await json(['evaluate', join(folder, 'embedded'), '--set', join(folder, 'larger')])
    )
    // The embedding is zero: without it, and without tiles, the picture is nearly the same.
    const plain = join(folder, 'plain.safetensors')
    writeFileSync(plain, safetensorsFile(weights))
    const whole = evaluateResultSchema.parse(await json(['evaluate', plain, '--set', join(folder, 'larger')])).results
    const psnrOf = (list: typeof results): number => list[0]?.sets[0]?.mean.psnr ?? NaN
    expect(Math.abs(psnrOf(results) - psnrOf(whole))).toBeLessThan(0.5)
  })
})
