import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession } from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../../../src/contract/presets'
import type { ExportKind, ExportResult } from '../../../src/contract/results'
import { detectModel } from '../../../src/core/models/detect'
import { codesOf, unpackCodes } from '../../../src/core/quantization/codes'
import { packQuantizers, standardWriter, valuesOf, type PlacedQuantizer } from '../../../src/core/quantization/packing'
import { levelsOf, quantize as quantized } from '../../../src/core/quantization/quantizer'
import { codesName } from '../../../src/core/quantization/running-codes'
import { makeContext, type JobContext } from '../../../src/engine/job'
import { readExports } from '../../../src/engine/exports-list'
import { fullPrecisionFile, writers } from '../../../src/engine/export/files'
import { exportVariant, type ExportConfig } from '../../../src/engine/jobs/export'
import { quantize } from '../../../src/engine/jobs/quantize'
import { upscale } from '../../../src/engine/jobs/upscale'
import { openSubject, type VariantFilter } from '../../../src/engine/jobs/variants'
import { loadModel } from '../../../src/engine/model-file'
import { plannedSites } from '../../../src/engine/plan'
import { openRun } from '../../../src/engine/run-folder'
import { readImage } from '../../../src/formats/image-files'
import { inferShapes } from '../../../src/core/graph/infer'
import type { Graph } from '../../../src/core/graph/graph'
import { psnr } from '../../../src/core/evaluation/psnr'
import { crop } from '../../../src/core/imaging/image'
import { integerNetwork } from '../../../src/core/quantization/integer'
import type { NamedTensors } from '../../../src/core/runtime'
import { floatTensor } from '../../../src/core/tensor'
import { evaluate } from '../../../src/engine/jobs/evaluate'
import { describeWithSharedData, sharedData } from '../../shared-data'
import { readOnnx } from '../../../src/formats/onnx'
import { readSafetensors } from '../../../src/formats/safetensors'
import { bundledModel, json, runCli, temporaryFolder } from '../../cli/run-cli'
import { documentedProgram } from '../../documented'
import { smallNetwork } from '../../formats/small-network'
import { writeTestPicture } from '../../pictures'
import { randomSwinirLight } from '../../random-networks'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const run = join(folder, 'run')
const runOfIntegers = join(folder, 'run with integer zero points')
const usual = settingsOf('fast')
const both = (bits: 2 | 3 | 4 | 6 | 8): { weight: typeof bits; activation: typeof bits } => ({
  weight: bits,
  activation: bits
})
let context: JobContext
const exported = (kind: ExportKind, more: Partial<ExportConfig> = {}): Promise<ExportResult> => {
  const config = {
    run,
    filter: { method: 'dobi' as const, bits: both(4) },
    out: null,
    opset: 25 as const,
    pictures: null,
    isTimed: false
  }
  return exportVariant({ ...config, kind, ...more }, context)
}

beforeAll(async () => {
  context = await makeContext(() => undefined, new AbortController().signal)
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 132, 96)
  const settings = {
    ...usual,
    methods: ['dobi' as const, 'dbdc' as const, '2dquant+' as const],
    bits: [both(8), both(6), both(4), both(3), both(2)],
    patches: 2,
    patchSize: 16,
    distillation: { ...usual.distillation, iterations: 2, batch: 1 }
  }
  const shared = {
    overrides: {},
    scale: undefined,
    calibration: pictures,
    calibrationKind: undefined,
    tellsTime: false
  }
  await quantize({ model: bundledModel, ...shared, settings, out: run }, context)
  const ofIntegers = { ...settings, zeroPoint: 'integer' as const, bits: [both(8), both(4), both(2)] }
  await quantize({ model: bundledModel, ...shared, settings: ofIntegers, out: runOfIntegers }, context)
})

describe('a packed network', () => {
  it.each([
    ['dobi', 8],
    ['dobi', 6],
    ['dobi', 3],
    ['dobi', 2],
    ['dbdc', 4],
    ['2dquant+', 4]
  ] as const)('of %s at %d bits gives what the simulation gives, in full', async (method, bits) => {
    const result = await exported('packed', { filter: { method, bits: both(bits) } })
    expect(result.check).toMatchObject({ pictures: 1, equalPixels: 1 })
    expect(result.check?.exported).toBe(result.check?.simulation)
    const { bytes, parts, opset } = result
    expect(opset).toBe(bits === 2 ? 25 : 21)
    expect(readFileSync(result.file)).toHaveLength(bytes)
    expect(parts.reduce((sum, part) => sum + part.bytes, 0)).toBe(bytes)
    // 65,536 weights in blocks of 2, 4 or 8 bits.
    expect(parts[0]).toEqual({ part: 'codes', bytes: (65_536 * (bits <= 2 ? 2 : bits <= 4 ? 4 : 8)) / 8 })
    const session = await InferenceSession.create(result.file)
    expect([session.inputNames, session.outputNames]).toEqual([['lr'], ['sr']])
    await session.release()
  })

  it('takes pictures of any size, and none of the types that opset 21 has not', async () => {
    const out = join(folder, 'old.onnx')
    const { opset } = await exported('packed', { filter: { method: 'dobi', bits: both(2) }, opset: 21, out })
    expect(opset).toBe(21)
    const again = await runCli(['inspect', out, '--json'])
    expect(json(again)).toMatchObject({ scale: 4, channels: 3 })
  })

  it('is made of a network from an ONNX file, and of its first convolution as well; in integers nothing is left to quantize', async () => {
    const model = join(folder, 'small.onnx')
    writeFileSync(model, smallNetwork())
    const out = join(folder, 'small run')
    const settings = { ...usual, methods: ['minmax' as const], patches: 2, patchSize: 16, distillation: null }
    const shared = {
      overrides: {},
      scale: undefined,
      calibration: pictures,
      calibrationKind: undefined,
      tellsTime: false
    }
    await quantize({ model, ...shared, settings: { ...settings, quantizeFirstAndLast: true }, out }, context)
    const { check } = await exported('packed', { run: out, filter: {} })
    expect(check?.equalPixels).toBe(1)
    const file = join(folder, 'small integers.onnx')
    await exported('integer', { run: out, filter: {}, out: file })
    const told = json(await runCli(['inspect', file, '--json']))
    expect(told).toMatchObject({ scale: 2, quantizable: [] })
    const { code, stderr } = await runCli(['quantize', file, '--calibration', pictures, '--out', join(folder, 'none')])
    expect([code, stderr]).toEqual([1, expect.stringContaining('There is nothing in this model to quantize.')])
  })

  it('is timed beside full precision', async () => {
    const { speed } = await exported('packed', { isTimed: true, out: join(folder, 'timed.onnx') })
    expect(speed).toMatchObject({ width: 128, height: 128 })
    expect(Math.min(speed?.fp ?? NaN, speed?.exported ?? NaN)).toBeGreaterThan(0)
  })
})

describe('a compact network', () => {
  it.each([
    ['dobi', 8],
    ['dobi', 3],
    ['dbdc', 4],
    ['2dquant+', 2]
  ] as const)('of %s at %d bits gives what the simulation gives, in full', async (method, bits) => {
    const filter = { method, bits: both(bits) }
    const { file, check, parts } = await exported('compact', { filter })
    expect(check).toMatchObject({ pictures: 1, equalPixels: 1 })
    expect(parts[0]).toEqual({ part: 'codes', bytes: (65_536 * bits) / 8 })
    const session = await InferenceSession.create(file)
    expect([session.inputNames, session.outputNames]).toEqual([['lr'], ['sr']])
    await session.release()
    // Read by this program as any network's file is.
    const { model } = await loadModel(file, {})
    expect([model.scale, model.channels]).toEqual([4, 3])
    expect(plannedSites(model, false, null).filter(({ kind }) => kind === 'weight')).toHaveLength(48)
  })

  it.each([
    [4, 2.8],
    [3, 3],
    [2, 3.2]
  ])('of SwinIR-light at %d bits is at least %d times smaller, all counted', (bits, least) => {
    const model = detectModel({ tensors: randomSwinirLight(4), metadata: new Map() }, 'SwinIR-light')
    const fp = fullPrecisionFile(model).length
    expect(fp / (4 * model.parameters)).toBeLessThan(1.05)
    // No two quantizers share a number.
    const placed = plannedSites(model, false, null).map((site, i) => {
      return { site, quantizer: { lower: -0.5 - i / 1000, upper: 0.5 + i / 999, bits } }
    })
    const variant = { method: 'dobi' as const, bits: both(4), quantizers: [] }
    const { bytes } = writers.compact({ variant, model, sha256: 'a'.repeat(64), graph: model.graph, placed }, 25)
    expect(fp / bytes.length).toBeGreaterThan(least)
  })
})

describe('a network in integers', () => {
  it.each([
    ['dobi', 8],
    ['dbdc', 4],
    ['2dquant+', 3]
  ] as const)('of %s at %d bits has the PSNR of the simulation', async (method, bits) => {
    const { file, check } = await exported('integer', { filter: { method, bits: both(bits) } })
    expect(Math.abs((check?.exported ?? NaN) - (check?.simulation ?? NaN))).toBeLessThan(0.02)
    const { graph } = readOnnx(new Uint8Array(readFileSync(file)), file)
    const count = (op: string): number => graph.nodes.filter((node) => node.op === op).length
    // 48 layers and 16 products, and sums of codes beside them.
    expect(count('MatMulIntegerToFloat')).toBeGreaterThanOrEqual(64)
    expect(count('Gemm') + count('MatMul')).toBe(0)
  })

  it.each(['dobi', '2dquant+'] as const)(
    'of %s, with integer zero points, quantizes, multiplies, and adds nothing for offsets',
    async (method) => {
      const filter = { method, bits: both(4) }
      const out = join(folder, `${method} of integers.onnx`)
      const { check } = await exported('integer', { run: runOfIntegers, filter, out })
      expect(Math.abs((check?.exported ?? NaN) - (check?.simulation ?? NaN))).toBeLessThan(0.02)
      const { graph } = readOnnx(new Uint8Array(readFileSync(out)), out)
      const { model } = await loadModel(bundledModel, {})
      const fp = readOnnx(fullPrecisionFile(model), 'fp').graph
      const count = ({ nodes }: Graph, op: string): number => nodes.filter((node) => node.op === op).length
      expect(count(graph, 'MatMulIntegerToFloat')).toBe(64)
      // Not even the additions of the biases, which products do.
      expect(count(graph, 'Add')).toBe(count(fp, 'Add'))
      expect(count(graph, 'Sub')).toBe(count(fp, 'Sub'))
      const { bounds } = await openRun(runOfIntegers)
      for (const { lower, upper, channels = [{ lower, upper }], bits } of bounds.variants.flatMap(
        (v) => v.quantizers
      )) {
        for (const each of channels) expect([each, quantized(0, each, bits)]).toEqual([each, 0])
      }
    }
  )

  it.each([
    ['dobi 8', 'float'],
    ['dobi 4', 'float'],
    ['2dquant+ 3', 'float'],
    ['dobi 2', 'float'],
    ['dobi 8', 'integer'],
    ['2dquant+ 4', 'integer']
  ])(
    'of %s, zero points %s, has in each block the codes of the simulation, where the block is given what the simulation has',
    async (name, zeroPoint) => {
      const [method, bits] = name.split(' ') as ['dobi' | '2dquant+', string]
      const subject = await openSubject(
        zeroPoint === 'float' ? run : runOfIntegers,
        {},
        { method, bits: both(Number(bits) as 2 | 3 | 4 | 8) }
      )
      const { model, variants } = subject
      const [variant] = variants
      if (variant === undefined) throw new Error('no variant')
      const { graph, placed } = subject.partsOf(variant)
      const activations = placed.filter(({ site }) => site.kind === 'activation')
      const { blocks } = model.features
      expect(blocks.length).toBeGreaterThanOrEqual(8)
      const valuesOfGraph = async (
        made: Graph,
        feeds: NamedTensors,
        outputs: readonly string[]
      ): Promise<NamedTensors> => {
        const session = await context.runtime.load({ ...made, outputs })
        const values = await session.run(feeds, { outputs })
        await session.dispose()
        return values
      }
      const { image } = await readImage(join(pictures, 'HR', 'one.png'))
      const x = floatTensor(
        crop(image, 0, 0, 32, 32).data.map((v) => v / 255),
        [1, 3, 32, 32]
      )
      const sites = [...new Set(activations.map(({ site }) => site.value))]
      const simulation = packQuantizers(graph, placed, standardWriter(21))
      const simulated = await valuesOfGraph(simulation, new Map([['lr', x]]), [...sites, ...blocks])
      // What makes the values of blocks is cut off, and these become inputs.
      const integer = integerNetwork(graph, placed)
      const types = inferShapes(graph)
      const cut: Graph = {
        ...integer,
        inputs: [
          ...integer.inputs,
          ...blocks.map((block) => ({ name: block, ...(types.get(block) ?? { type: 'float32' as const, shape: [] }) }))
        ],
        nodes: integer.nodes.filter(({ outputs }) => !outputs.some((output) => blocks.includes(output)))
      }
      const given = new Map([['lr', x], ...blocks.map((block) => [block, simulated.get(block) ?? x] as const)])
      // What is quantized in the same way as something before it has no codes of its own.
      const made = new Set(integer.nodes.flatMap(({ outputs }) => outputs))
      const own = activations.filter(({ site }) => made.has(codesName(site)))
      const kindOf = ({ site, quantizer: { lower, upper } }: PlacedQuantizer): string =>
        `${site.value} ${lower} ${upper}`
      expect(new Set(own.map(kindOf))).toEqual(new Set(activations.map(kindOf)))
      const outputs = own.map(({ site }) => codesName(site))
      const found = await valuesOfGraph(cut, given, outputs)
      let [equal, count] = [0, 0]
      for (const { site, quantizer } of own) {
        const [value, codes] = [simulated.get(site.value), found.get(codesName(site))]
        if (value?.type !== 'float32' || (codes?.type !== 'uint8' && codes?.type !== 'int8')) throw new Error(site.name)
        const expected = codesOf(value, quantizer, null).codes
        // Codes count from 0, or up to 255.
        const levels = levelsOf(quantizer.bits)
        const least = codes.data.some((code) => code > levels) ? 255 - levels : 0
        expect(codes.data).toHaveLength(expected.length)
        count += expected.length
        equal += expected.filter((code, i) => code + least === codes.data[i]).length
      }
      expect(equal / count).toBeGreaterThanOrEqual(0.9999)
    }
  )
})

describeWithSharedData('Set5 by an exported file', () => {
  it.each([
    ['packed', 2, 'float'],
    ['compact', 3, 'float'],
    ['integer', 4, 'float'],
    ['integer', 8, 'float'],
    ['integer', 4, 'integer']
  ] as const)(
    'that is %s, of %d bits, zero points %s, has within 0.02 dB the PSNR of the simulation',
    async (kind, bits, zeroPoint) => {
      const filter = { method: 'dobi' as const, bits: both(bits) }
      const subject = zeroPoint === 'float' ? run : runOfIntegers
      const { file } = await exported(kind, { run: subject, filter })
      const sets = [{ folder: sharedData('benchmarks', 'Set5'), kind: undefined }]
      const psnrOf = async (of: string, own: VariantFilter): Promise<number> => {
        const shared = { overrides: {}, scale: undefined, sets, memoryCap: undefined }
        const { results } = await evaluate({ subject: of, filter: own, ...shared }, context)
        return results.at(-1)?.sets[0]?.mean.psnr ?? NaN
      }
      expect(Math.abs((await psnrOf(file, {})) - (await psnrOf(subject, filter)))).toBeLessThanOrEqual(0.02)
    }
  )
})

it('the documented program for Node.js makes of a file what this program makes of the variant', async () => {
  const picture = join(folder, 'picture.png')
  await writeTestPicture(picture, 24, 16)
  const filter = { method: '2dquant+' as const, bits: both(3) }
  const { file } = await exported('compact', { filter })
  const out = join(folder, 'enlarged')
  const shared = { overrides: {}, scale: undefined, memoryCap: undefined }
  const { images } = await upscale({ subject: run, inputs: [picture], out, filter, ...shared }, context)
  const theirs = join(folder, 'theirs.png')
  const paths = [file, picture, theirs].map((path) => JSON.stringify(path)).join(', ')
  const program = `${documentedProgram('deploy.md', 'js')}\nawait enlarge(${paths})`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: join(import.meta.dirname, '..', '..', '..'),
    encoding: 'utf8'
  })
  expect([status, stderr]).toEqual([0, ''])
  expect((await readImage(theirs)).image).toEqual((await readImage(images[0]?.output ?? '')).image)
})

it.each([
  ['packed', 2],
  ['integer', 6]
] as const)(
  'the documented program for browsers makes of a file that is %s, of %d bits, by onnxruntime-web what this program makes',
  async (kind, bits) => {
    const picture = join(folder, 'web.png')
    await writeTestPicture(picture, 40, 32)
    const filter = { method: 'dobi' as const, bits: both(bits) }
    const { file } = await exported(kind, { filter })
    const shared = { overrides: {}, scale: undefined, memoryCap: undefined }
    const out = join(folder, `web ${kind} ${bits}`)
    const { images } = await upscale({ subject: run, inputs: [picture], out, filter, ...shared }, context)
    const theirs = join(folder, 'theirs web.png')
    const program = `${documentedProgram('deploy.md', 'js', 'Browser')}
      import { readFileSync } from 'node:fs'
      import sharp from 'sharp'
      globalThis.ImageData = class { constructor(data, width, height) { Object.assign(this, { data, width, height }) } }
      const { data, info } = await sharp(${JSON.stringify(picture)}).ensureAlpha().raw().toBuffer({ resolveWithObject: true })
      const session = await InferenceSession.create(new Uint8Array(readFileSync(${JSON.stringify(file)})))
      const enlarged = await enlarge(session, { data, width: info.width, height: info.height })
      const raw = { width: enlarged.width, height: enlarged.height, channels: 4 }
      await sharp(enlarged.data, { raw }).removeAlpha().toFile(${JSON.stringify(theirs)})`
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: join(import.meta.dirname, '..', '..', '..'),
      encoding: 'utf8'
    })
    expect([status, stderr]).toEqual([0, ''])
    const [found, expected] = [(await readImage(theirs)).image, (await readImage(images[0]?.output ?? '')).image]
    expect([found.width, found.height]).toEqual([160, 128])
    expect(psnr(found, expected, 0)).toBeGreaterThan(40)
  }
)

describe('codes and bounds in a safetensors file', () => {
  it.each(['dobi', 'dbdc'] as const)('of %s stand for the quantized weights, bit for bit', async (method) => {
    const filter = { method, bits: both(3) }
    const { file, check } = await exported('safetensors', { filter })
    expect(check).toBeNull()
    const { tensors, metadata } = readSafetensors(readFileSync(file), file)
    const told = JSON.parse(metadata.get('quantizers') ?? '') as Record<
      string,
      { shape: number[]; axis: number | null }
    >
    const subject = await openSubject(run, {}, filter)
    const [variant] = subject.variants
    if (variant === undefined) throw new Error('no variant')
    const { graph, placed } = subject.partsOf(variant)
    const weights = placed.filter(({ site }) => site.kind === 'weight')
    expect(weights).toHaveLength(48)
    for (const { site, quantizer } of weights) {
      const original = graph.initializers.get(site.value)
      const { shape = [], axis = null } = told[site.value] ?? {}
      const [packed, steps, lowers] = ['codes', 'step', 'lower'].map(
        (part) => tensors.get(`${site.value}.${part}`)?.data
      )
      const count = shape.reduce((a, b) => a * b, 1)
      const codes = unpackCodes(packed as Uint8Array, 4, count) ?? new Uint8Array()
      const found = valuesOf(
        { codes, shape, bits: 3, steps: steps as Float32Array, lowers: lowers as Float32Array },
        axis
      ).data
      const { channels = [quantizer] } = quantizer
      const length = axis === null ? count : shape.slice(axis + 1).reduce((a, b) => a * b, 1)
      const expected = (original?.data as Float32Array).map((value, i) => {
        const { lower, upper } = channels[Math.floor(i / length) % channels.length] ?? quantizer
        return quantized(value, { lower: Math.fround(lower), upper: Math.fround(upper) }, 3)
      })
      expect(found, site.name).toEqual(expected)
    }
    expect(tensors.get('conv_first.weight')?.data).toEqual(graph.initializers.get('conv_first.weight')?.data)
  })
})

describe('bounds in a JSON file', () => {
  it('are those of the run', async () => {
    const { file } = await exported('bounds')
    const written = JSON.parse(readFileSync(file, 'utf8')) as { quantizers: { name: string; lower: number }[] }
    const { bounds } = await openRun(run)
    const variant = bounds.variants.find(({ method, bits }) => method === 'dobi' && bits.weight === 4)
    expect(written.quantizers.map(({ name, lower }) => [name, lower])).toEqual(
      variant?.quantizers.map(({ name, lower }) => [name, lower])
    )
  })
})

describe('the list of exports', () => {
  it('has files in the run, the newest of each first, as long as they are there', async () => {
    await exported('bounds', { out: join(folder, 'elsewhere.json') })
    const filter = { method: 'dobi' as const, bits: both(6) }
    const [first, second] = [await exported('bounds', { filter }), await exported('safetensors', { filter })]
    const again = await exported('bounds', { filter })
    const listed = await readExports(run)
    expect(listed.slice(0, 2)).toEqual([again, second])
    expect(listed.filter(({ file }) => file === first.file)).toHaveLength(1)
    expect(listed.some(({ file }) => file.endsWith('elsewhere.json'))).toBe(false)
    rmSync(second.file)
    expect((await readExports(run)).some(({ file }) => file === second.file)).toBe(false)
    writeFileSync(join(run, 'export', 'list.json'), '{')
    expect(await readExports(run)).toEqual([])
  })
})

describe('an export is refused', () => {
  it('where it is not said of which variant', async () => {
    await expect(exported('packed', { filter: { method: 'dobi' } })).rejects.toThrow(
      /several variants; say which: --method dobi --bits 8, .*--method dobi --bits 2/
    )
  })

  it('where the file is there, which stays as it was', async () => {
    const out = join(folder, 'mine.onnx')
    writeFileSync(out, 'mine')
    await expect(exported('packed', { out })).rejects.toThrow(/There is ".*mine\.onnx" already; give another name/)
    expect(readFileSync(out, 'utf8')).toBe('mine')
  })

  it('where it would not give what the simulation gives, and nothing is written', async () => {
    const { runtime } = context
    const wrong: JobContext = {
      ...context,
      runtime: {
        ...runtime,
        loadFile: async (...args) => {
          const session = await runtime.loadFile(...args)
          return {
            run: async (...feeds) => {
              const outputs = await session.run(...feeds)
              return new Map(
                [...outputs].map(([name, t]) => [
                  name,
                  t.type === 'float32' ? { ...t, data: t.data.map((v) => v * 0.9) } : t
                ])
              )
            },
            dispose: () => session.dispose()
          }
        }
      }
    }
    const out = join(folder, 'wrong.onnx')
    const config = { run, kind: 'packed' as const, filter: { method: 'dobi' as const, bits: both(4) } }
    const made = exportVariant({ ...config, out, opset: 25, pictures: null, isTimed: false }, wrong)
    await expect(made).rejects.toThrow(/does not give what the simulation gives .* nothing was written/)
    expect(existsSync(out)).toBe(false)
  })

  it('of what is no run, by the command line', async () => {
    const { code, stderr } = await runCli(['export', bundledModel])
    expect([code, stderr]).toEqual([2, expect.stringMatching(/is no folder of a run/)])
    const [out, nowhere] = [join(folder, 'unchecked.onnx'), join(folder, 'gone')]
    const gone = await runCli(['export', run, '--method', 'dobi', '--bits', '4', '--out', out, '--pictures', nowhere])
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringMatching(/There is no ".*gone".*--pictures/)])
  })
})
