import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bits, Method } from '../../src/contract/bounds'
import { settingsOf } from '../../src/contract/presets'
import type { ExportKind } from '../../src/contract/results'
import { psnr } from '../../src/core/evaluation/psnr'
import { makeImage, type Image } from '../../src/core/imaging/image'
import { codesOf } from '../../src/core/quantization/codes'
import { valuesOf } from '../../src/core/quantization/packing'
import { makeContext, type JobContext } from '../../src/engine/job'
import { exportVariant } from '../../src/engine/jobs/export'
import { quantize } from '../../src/engine/jobs/quantize'
import { upscale } from '../../src/engine/jobs/upscale'
import { openSubject } from '../../src/engine/jobs/variants'
import { readImage, writeImage } from '../../src/formats/image-files'
import { bundledModel, temporaryFolder } from '../cli/run-cli'
import { documentedProgram } from '../documented'
import { preparePictures } from '../e2e/pictures'
import { peersPython, runPython } from './python'

const folder = temporaryFolder()
const run = join(folder, 'run')
const both = (bits: 2 | 3 | 4 | 8): Bits => ({ weight: bits, activation: bits })
const cases: readonly (readonly [Method, 2 | 3 | 4 | 8])[] = [
  ['dobi', 8],
  ['dobi', 3],
  ['dobi', 2],
  ['dbdc', 4],
  ['2dquant+', 4]
]
let python = ''
let context: JobContext
let hr: Image
const picture = join(folder, 'low.png')

beforeAll(async () => {
  python = peersPython()
  context = await makeContext(() => undefined, new AbortController().signal)
  const pictures = await preparePictures(folder)
  hr = (await readImage(pictures.picture)).image
  const small = makeImage(hr.width / 4, hr.height / 4, 3, (channel, y, x) => {
    return hr.data[(channel * hr.height + 4 * y) * hr.width + 4 * x] ?? 0
  })
  await writeImage(picture, small)
  const usual = settingsOf('fast')
  const settings = {
    ...usual,
    methods: ['dobi' as const, 'dbdc' as const, '2dquant+' as const],
    bits: [both(8), both(4), both(3), both(2)],
    patches: 4,
    patchSize: 32,
    distillation: { ...usual.distillation, iterations: 4, batch: 1 }
  }
  const shared = { overrides: {}, scale: undefined, calibrationKind: undefined, tellsTime: false }
  await quantize({ model: bundledModel, ...shared, calibration: pictures.calibration, settings, out: run }, context)
})

async function exported(kind: ExportKind, method: Method, bits: Bits): Promise<string> {
  const config = { run, filter: { method, bits }, kind, out: null, opset: 25 as const, pictures: null, isTimed: false }
  return (await exportVariant(config, context)).file
}

describe("Python's onnxruntime", () => {
  it.each(
    cases.flatMap(([method, bits]) =>
      (['packed', 'compact', 'integer'] as const).map((kind) => [kind, method, bits] as const)
    )
  )('gives with a %s network of %s at %d bits what the simulation gives', async (kind, method, bits) => {
    const file = await exported(kind, method, both(bits))
    const out = join(folder, `${method}${bits}`)
    mkdirSync(out, { recursive: true })
    const filter = { method, bits: both(bits) }
    const upscaling = {
      subject: run,
      inputs: [picture],
      out,
      overrides: {},
      scale: undefined,
      filter,
      memoryCap: undefined
    }
    const { images } = await upscale(upscaling, context)
    const simulated = (await readImage(images[0]?.output ?? '')).image
    const given = (await readImage(picture)).image
    const plane = given.width * given.height
    const raw = Uint8Array.from({ length: 3 * plane }, (_, i) => given.data[(i % 3) * plane + Math.floor(i / 3)] ?? 0)
    const [lr, sr] = [join(out, 'lr.raw'), join(out, `${kind}.raw`)]
    writeFileSync(lr, raw)
    runPython(
      python,
      `${documentedProgram('deploy.md', 'python')}
${kind === 'integer' ? '' : `import onnx\nonnx.checker.check_model(${JSON.stringify(file)})`}
picture = np.fromfile(${JSON.stringify(lr)}, dtype=np.uint8).reshape(${given.height}, ${given.width}, 3)
enlarge(${JSON.stringify(file)}, picture).tofile(${JSON.stringify(sr)})
`
    )
    const bytes = readFileSync(sr)
    const theirs = makeImage(4 * given.width, 4 * given.height, 3, (channel, y, x) => {
      return bytes[3 * (y * 4 * given.width + x) + channel] ?? NaN
    })
    expect(bytes).toHaveLength(simulated.data.length)
    expect(Math.abs(psnr(theirs, hr, 4) - psnr(simulated, hr, 4))).toBeLessThan(0.02)
  })
})

describe('PyTorch', () => {
  it.each(cases)(
    'has by the documented loader the quantized weights of %s at %d bits, bit for bit',
    async (method, bits) => {
      const file = await exported('safetensors', method, both(bits))
      const listing = join(folder, 'tensors')
      mkdirSync(listing, { recursive: true })
      const printed = runPython(
        python,
        `${documentedProgram('export.md', 'python')}
tensors, bounds, bits = load(${JSON.stringify(file)})
for index, (name, tensor) in enumerate(tensors.items()):
    tensor.numpy().astype("<f4").tofile(${JSON.stringify(listing)} + f"/{index}.raw")
print(json.dumps({"names": list(tensors), "shapes": [list(t.shape) for t in tensors.values()], "bounds": len(bounds)}))
`
      )
      const { names, bounds } = JSON.parse(printed) as { names: string[]; bounds: number }
      expect(bounds).toBe(80)
      const subject = await openSubject(run, {}, { method, bits: both(bits) })
      const [variant] = subject.variants
      if (variant === undefined) throw new Error('no variant')
      const { graph, placed } = subject.partsOf(variant)
      const weights = placed.filter(({ site }) => site.kind === 'weight')
      expect(weights).toHaveLength(48)
      for (const { site, quantizer } of weights) {
        const weight = graph.initializers.get(site.value)
        if (weight?.type !== 'float32') throw new Error(`${site.value} is no weight`)
        const axis = quantizer.channels === undefined ? null : (site.channels?.axis ?? null)
        const expected = valuesOf(codesOf(weight, quantizer, axis), axis).data
        const bytes = readFileSync(join(listing, `${names.indexOf(site.value)}.raw`))
        expect(new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))).toEqual(
          expected
        )
      }
    }
  )
})
