import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { boundsFileSchema } from '../../src/contract/bounds'
import {
  evaluateResultSchema,
  inspectResultSchema,
  quantizeResultSchema,
  upscaleResultSchema
} from '../../src/contract/results'
import { doctorResultSchema } from '../../src/contract/runtimes'
import { searchBounds } from '../../src/core/calibration/dobi'
import { Distribution } from '../../src/core/calibration/histogram'
import { readImage } from '../../src/formats/image-files'
import { psnr } from '../../src/core/evaluation/psnr'
import { openRun, readStatistics } from '../../src/engine/run-folder'
import { writeTestPicture } from '../pictures'
import { bundledModel, json, program, runCli, temporaryFolder, type Outcome } from './run-cli'

const folder = temporaryFolder()
const data = join(folder, 'my pictures 图片')
const run = join(folder, 'run 运行')
const quick = ['--patches', '3', '--patch-size', '16']
const quantizeArguments = (out: string, ...more: string[]): string[] => [
  ...['quantize', bundledModel, '--calibration', join(data, 'set'), ...quick, '--out', out, ...more]
]

const sum = (numbers: readonly (number | null)[]): number => numbers.reduce<number>((total, n) => total + (n ?? NaN), 0)

let quantized: Outcome

beforeAll(async () => {
  await writeTestPicture(join(data, 'set', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(data, 'set', 'HR', 'two.png'), 101, 90, 7)
  await writeTestPicture(join(data, 'lr only', 'small.png'), 20, 12)
  const methods = ['--bits', '4,2', '--method', 'minmax,percentile,dobi']
  quantized = await runCli(quantizeArguments(run, ...methods, '--json'))
})

describe('inspect', () => {
  it('describes the bundled model', async () => {
    const result = inspectResultSchema.parse(json(await runCli(['inspect', bundledModel, '--bits', '8,4', '--json'])))
    expect(result).toMatchObject({ architecture: 'SwinIR', scale: 4, channels: 3, parameters: 114_592 })
    expect(result.quantizable).toHaveLength(128)
    const shapeOf = (part: string): unknown => result.quantizable.find(({ name }) => name.endsWith(part))?.shape
    expect(shapeOf('blocks.0.mlp.fc1.weight')).toEqual([64, 32])
    expect(shapeOf('blocks.0.mlp.fc1.input')?.toString()).toMatch(/batch.*height.*width/)
    expect(result.complexity.map(({ bits }) => bits)).toEqual([8, 4])
    const text = await runCli(['inspect', bundledModel])
    expect(text.stdout).toContain('114,592')
  })
})

describe('quantize', () => {
  it('writes a plan that changes nothing until it is edited', async () => {
    const plan = join(folder, 'plan.json')
    expect(await runCli(['quantize', bundledModel, '--plan-only', '--out', plan])).toMatchObject({
      code: 0,
      stdout: ''
    })
    const text = readFileSync(plan, 'utf8')
    expect((await runCli(['quantize', bundledModel, '--plan-only'])).stdout).toBe(text)
    const again = await runCli(['quantize', bundledModel, '--plan-only', '--out', plan])
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already')])
    const dobi = ['--bits', '4', '--method', 'dobi']
    json(await runCli(quantizeArguments(join(folder, 'by a whole plan'), ...dobi, '--plan', plan, '--json')))
    const [unchanged] = (await openRun(join(folder, 'by a whole plan'))).bounds.variants
    const { variants } = (await openRun(run)).bounds
    expect(unchanged).toEqual(variants.find(({ method, bits }) => method === 'dobi' && bits.weight === 4))
    const name = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'
    writeFileSync(plan, text.replace(new RegExp(`("${name}".*)"quantize":true`), '$1"bits":8,"quantize":true'))
    json(await runCli(quantizeArguments(join(folder, 'edited'), ...dobi, '--plan', plan, '--json')))
    const [edited] = (await openRun(join(folder, 'edited'))).bounds.variants
    expect(edited?.quantizers.filter(({ bits }) => bits === 8).map((quantizer) => quantizer.name)).toEqual([name])
  })

  it.runIf(process.platform !== 'win32')('ends quietly where nobody reads on', () => {
    const command = `"${process.execPath}" "${program}" quantize --help | head -n 1`
    const { stderr, stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
    expect([stdout.startsWith('Usage:'), stderr]).toEqual([true, ''])
  })

  it('makes every combination from one pass and says so', () => {
    const result = quantizeResultSchema.parse(json(quantized))
    expect(result.quantizers).toBe(128)
    expect(result.variants.map(({ method, bits }) => `${method} ${bits.weight}`)).toEqual([
      ...['minmax 4', 'minmax 2', 'percentile 4', 'percentile 2', 'dobi 4', 'dobi 2']
    ])
    expect(quantized.stderr.match(/Collecting statistics: 3 of 3/g)).toHaveLength(1)
  })

  it('writes a run folder that can be read back', async () => {
    const { run: file, bounds } = await openRun(run)
    expect(readdirSync(run).sort()).toEqual(['bounds.json', 'events.jsonl', 'run.json', 'statistics.bin'])
    expect(file.calibration).toMatchObject({ kind: 'hr', pictures: 2 })
    for (const { method, quantizers } of bounds.variants) {
      expect(quantizers).toHaveLength(128)
      for (const { lower, upper, kind, search } of quantizers) {
        expect(upper).toBeGreaterThan(lower)
        if (method === 'dobi' && kind === 'weight') expect(search).toBe('two-sided')
      }
    }
    const events = readFileSync(join(run, 'events.jsonl'), 'utf8').trim().split('\n')
    // Progress matters only at its time.
    expect(events).toEqual([''])
  })

  it('keeps statistics from which the same bounds are found again', async () => {
    const { bounds } = await openRun(run)
    const statistics = await readStatistics(run)
    const dobi = bounds.variants.find(({ method, bits }) => method === 'dobi' && bits.weight === 2)
    // Statistics are named by values, quantizers by layers; every distinct pair of bounds must be found among them.
    const found = [...statistics.values()].map((histogram) => {
      const { lower, upper } = searchBounds(new Distribution(histogram), 2)
      return `${Math.fround(lower)} ${Math.fround(upper)}`
    })
    expect(new Set(found)).toEqual(new Set(dobi?.quantizers.map(({ lower, upper }) => `${lower} ${upper}`)))
  })

  it('gives the same bounds for the same seed and others for another', async () => {
    const boundsOf = async (name: string, seed: string): Promise<unknown> => {
      json(await runCli(quantizeArguments(join(folder, name), '--seed', seed, '--json')))
      return boundsFileSchema.parse(JSON.parse(readFileSync(join(folder, name, 'bounds.json'), 'utf8'))).variants
    }
    const first = await boundsOf('seed 1', '1')
    expect(await boundsOf('seed 1 again', '1')).toEqual(first)
    expect(await boundsOf('seed 2', '2')).not.toEqual(first)
  })

  it('follows a plan', async () => {
    const plan = join(folder, 'plan.json')
    const { bounds } = await openRun(run)
    const [first, second] = bounds.variants[0]?.quantizers ?? []
    const entries = [
      { name: first?.name, quantize: false },
      { name: second?.name, bits: 8 }
    ]
    writeFileSync(plan, JSON.stringify({ schema: 1, quantizers: entries }))
    const out = join(folder, 'planned')
    const result = quantizeResultSchema.parse(json(await runCli(quantizeArguments(out, '--plan', plan, '--json'))))
    expect(result.quantizers).toBe(127)
    const [variant] = (await openRun(out)).bounds.variants
    expect(variant?.quantizers.some(({ name }) => name === first?.name)).toBe(false)
    expect(variant?.quantizers.find(({ name }) => name === second?.name)?.bits).toBe(8)
    const evaluated = json(await runCli(['evaluate', out, '--set', join(data, 'set'), '--json']))
    expect(evaluateResultSchema.parse(evaluated).results).toHaveLength(2)
  })

  it('stops on Ctrl+C without leaving anything', async () => {
    const out = join(folder, 'stopped')
    const many = [...quantizeArguments(out), '--patches', '5000']
    const { code, stderr } = await runCli(many, (_, end) => {
      end()
    })
    expect(code).toBe(1)
    expect(stderr).toContain('Stopped; nothing was written.')
    expect(readdirSync(folder).filter((name) => name.includes('stopped'))).toEqual([])
  })
})

describe('evaluate', () => {
  it('measures full precision and every variant, against the originals and against full precision', async () => {
    const { results } = evaluateResultSchema.parse(
      json(await runCli(['evaluate', run, '--set', join(data, 'set'), '--json']))
    )
    expect(results.map(({ method, bits }) => `${method} ${bits?.weight ?? 32}`)).toEqual([
      ...['fp 32', 'minmax 4', 'minmax 2', 'percentile 4', 'percentile 2', 'dobi 4', 'dobi 2']
    ])
    for (const { sets, method, againstFp } of results) {
      const [set] = sets
      expect(set).toMatchObject({ name: 'set', reference: 'hr' })
      expect(set?.images.map(({ name }) => name)).toEqual(['one', 'two'])
      expect(set?.mean.psnr).toBeCloseTo(sum(set?.images.map(({ psnr }) => psnr) ?? []) / 2, 9)
      expect(againstFp === undefined).toBe(method === 'fp')
    }
    const against = (name: string): number => {
      const found = results.find(({ method, bits }) => `${method} ${bits?.weight ?? 32}` === name)
      return found?.againstFp?.[0]?.mean.psnr ?? NaN
    }
    expect(against('dobi 4')).toBeGreaterThan(against('dobi 2'))
    expect(against('dobi 2')).toBeGreaterThan(against('minmax 2'))
  })

  it('measures one variant when it is named', async () => {
    const named = ['--method', 'dobi', '--bits', '2', '--set', join(data, 'set'), '--json']
    const { results } = evaluateResultSchema.parse(json(await runCli(['evaluate', run, ...named])))
    expect(results.map(({ method }) => method)).toEqual(['fp', 'dobi'])
  })

  it('compares with full precision alone where there are no originals, and labels it so', async () => {
    const lrOnly = ['--set', join(data, 'lr only'), '--set-kind', 'lr']
    const { results } = evaluateResultSchema.parse(json(await runCli(['evaluate', run, ...lrOnly, '--json'])))
    expect(results[0]?.sets).toEqual([])
    for (const { sets } of results.slice(1)) expect(sets[0]?.reference).toBe('fp')
    expect((await runCli(['evaluate', run, ...lrOnly])).stdout).toContain('against FP')
  })

  it('measures bicubic interpolation', async () => {
    const bicubic = ['evaluate', 'bicubic', '--scale', '3', '--set', join(data, 'set'), '--json']
    const { results } = evaluateResultSchema.parse(json(await runCli(bicubic)))
    expect(results).toHaveLength(1)
    expect(results[0]).toMatchObject({ method: 'bicubic', bits: null, scale: 3 })
  })
})

describe('upscale', () => {
  const enlarged = join(folder, 'enlarged 放大')

  it('keeps depth, grey and transparency, and takes pictures smaller than a window', async () => {
    const inputs = join(data, 'kinds')
    mkdirSync(inputs)
    const noise = (channels: 1 | 4): Buffer =>
      Buffer.from(Uint8Array.from({ length: 9 * 5 * channels }, (_, i) => (i * 37) % 256))
    await sharp(noise(1), { raw: { width: 9, height: 5, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toFile(join(inputs, 'grey.png'))
    await sharp(noise(4), { raw: { width: 9, height: 5, channels: 4 } })
      .png()
      .toFile(join(inputs, 'clear.png'))
    const deep = Uint16Array.from({ length: 9 * 5 * 3 }, (_, i) => (i * 487) % 65_536)
    await sharp(deep, { raw: { width: 9, height: 5, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toFile(join(inputs, 'deep.png'))
    await writeTestPicture(join(inputs, 'dot.png'), 1, 1)
    const result = upscaleResultSchema.parse(
      json(await runCli(['upscale', bundledModel, inputs, '--out', enlarged, '--json']))
    )
    expect(result.images.map(({ output, width, height }) => [basename(output), width, height])).toEqual([
      ['clear_x4.png', 36, 20],
      ['deep_x4.png', 36, 20],
      ['dot_x4.png', 4, 4],
      ['grey_x4.png', 36, 20]
    ])
    const clear = await readImage(join(enlarged, 'clear_x4.png'))
    expect(clear.alpha).toMatchObject({ width: 36, height: 20 })
    expect((await readImage(join(enlarged, 'grey_x4.png'))).isGrey).toBe(true)
    const deepResult = await readImage(join(enlarged, 'deep_x4.png'))
    expect(deepResult.bitDepth).toBe(16)
    // Real 16-bit output has samples between the 8-bit ones.
    expect(deepResult.image.data.some((sample) => !Number.isInteger(sample))).toBe(true)
  })

  it('enlarges with a variant, and differs from full precision by what evaluation says', async () => {
    const input = join(data, 'lr only', 'small.png')
    const dobi = ['--method', 'dobi', '--bits', '2', '--json']
    json(await runCli(['upscale', run, input, '--out', join(folder, 'dobi'), ...dobi]))
    json(await runCli(['upscale', bundledModel, input, '--out', join(folder, 'fp'), '--json']))
    const [quantizedPicture, fp] = await Promise.all(
      ['dobi', 'fp'].map(async (name) => (await readImage(join(folder, name, 'small_x4.png'))).image)
    )
    const lrOnly = ['--set', join(data, 'lr only'), '--set-kind', 'lr']
    const evaluated = json(await runCli(['evaluate', run, ...lrOnly, ...dobi]))
    const expected = evaluateResultSchema.parse(evaluated).results[1]?.sets[0]?.mean.psnr
    if (quantizedPicture === undefined || fp === undefined) throw new Error('no pictures')
    expect(psnr(quantizedPicture, fp, 4)).toBeCloseTo(expected ?? NaN, 6)
  })

  it('cuts large pictures into tiles within a memory limit, without visible seams', async () => {
    const input = join(data, 'large.png')
    await writeTestPicture(input, 200, 180)
    const whole = join(folder, 'whole')
    const tiled = join(folder, 'tiled')
    json(await runCli(['upscale', bundledModel, input, '--out', whole, '--json']))
    const cut = ['--max-memory', '64', '--json']
    const result = upscaleResultSchema.parse(
      json(await runCli(['upscale', bundledModel, input, '--out', tiled, ...cut]))
    )
    expect(result.images[0]?.tiles).toBeGreaterThan(1)
    const pictures = await Promise.all([whole, tiled].map((out) => readImage(join(out, 'large_x4.png'))))
    const [a, b] = pictures.map(({ image }) => image)
    if (a === undefined || b === undefined) throw new Error('no pictures')
    expect(psnr(a, b, 0)).toBeGreaterThan(45)
  })
})

describe('doctor', () => {
  it('lists what can run networks', async () => {
    const result = doctorResultSchema.parse(json(await runCli(['doctor', '--json'])))
    expect(result.candidates[0]).toMatchObject({ runtime: 'onnxruntime', device: 'cpu', usable: true })
    expect(result.chosen).toEqual({ runtime: 'onnxruntime', device: 'cpu' })
    expect(result.why).toMatch(/^onnxruntime on cpu \([\d.]+ a second at batches of \d+\) computes most/)
  })
})

describe('help', () => {
  it.each(['inspect', 'quantize', 'resume', 'evaluate', 'upscale', 'doctor'])(
    'of %s has an example',
    async (command) => {
      const { code, stdout } = await runCli([command, '--help'])
      expect(code).toBe(0)
      expect(stdout).toMatch(new RegExp(`Examples?:\\n  2dquant ${command}`))
    }
  )
})
