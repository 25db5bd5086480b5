import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Bits, Method } from '../../src/contract/bounds'
import { settingsOf } from '../../src/contract/presets'
import type { ExportKind } from '../../src/contract/results'
import { psnr } from '../../src/core/evaluation/psnr'
import { makeImage, quantizeTo8Bit, type Image } from '../../src/core/imaging/image'
import { imresize } from '../../src/core/imaging/imresize'
import { codesOf } from '../../src/core/quantization/codes'
import { valuesOf } from '../../src/core/quantization/packing'
import { makeContext, type JobContext } from '../../src/engine/job'
import { exportVariant } from '../../src/engine/jobs/export'
import { quantize } from '../../src/engine/jobs/quantize'
import { upscale } from '../../src/engine/jobs/upscale'
import { openSubject } from '../../src/engine/jobs/variants'
import { listImages, readImage, writeImage } from '../../src/formats/image-files'
import { bundledModel, temporaryFolder } from '../cli/run-cli'
import { documentedProgram } from '../documented'
import { preparePictures } from '../e2e/pictures'
import { readFloats } from './floats'
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
/** Pictures in high resolution, and files of the same in low resolution. */
const pairs: { readonly hr: Image; readonly low: string }[] = []

beforeAll(async () => {
  python = peersPython()
  context = await makeContext(() => undefined, new AbortController().signal)
  const pictures = await preparePictures(folder)
  const sets = [pictures.calibration, pictures.measured]
  const paths = await Promise.all(sets.map((set) => listImages(join(set, 'HR'))))
  for (const path of paths.flat()) {
    const { image: hr } = await readImage(path)
    const low = join(folder, `low${pairs.length}.png`)
    await writeImage(low, quantizeTo8Bit(imresize(hr, 1 / 4)))
    pairs.push({ hr, low })
  }
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
    const inputs = pairs.map(({ low }) => low)
    const shared = { overrides: {}, scale: undefined, memoryCap: undefined }
    const { images } = await upscale({ subject: run, inputs, out, filter, ...shared }, context)
    let [theirs, ours] = [0, 0]
    const programs: string[] = []
    const files: { readonly sr: string; readonly hr: Image; readonly simulated: Image }[] = []
    for (const [i, { hr, low }] of pairs.entries()) {
      const { width, height, data } = (await readImage(low)).image
      const plane = width * height
      const raw = Uint8Array.from({ length: 3 * plane }, (_, at) => data[(at % 3) * plane + Math.floor(at / 3)] ?? 0)
      const [lr, sr] = [join(out, `lr${i}.raw`), join(out, `${kind}${i}.raw`)]
      writeFileSync(lr, raw)
      programs.push(`picture = np.fromfile(${JSON.stringify(lr)}, dtype=np.uint8).reshape(${height}, ${width}, 3)
enlarge(${JSON.stringify(file)}, picture).tofile(${JSON.stringify(sr)})`)
      files.push({ sr, hr, simulated: (await readImage(images[i]?.output ?? '')).image })
    }
    const check = kind === 'integer' ? '' : `import onnx\nonnx.checker.check_model(${JSON.stringify(file)})`
    runPython(python, [documentedProgram('deploy.md', 'python'), check, ...programs].join('\n'))
    for (const { sr, hr, simulated } of files) {
      const bytes = readFileSync(sr)
      expect(bytes).toHaveLength(simulated.data.length)
      const made = makeImage(hr.width, hr.height, 3, (channel, y, x) => bytes[3 * (y * hr.width + x) + channel] ?? NaN)
      theirs += psnr(made, hr, 4) / files.length
      ours += psnr(simulated, hr, 4) / files.length
    }
    expect(Math.abs(theirs - ours)).toBeLessThan(0.02)
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
        expect(readFloats(join(listing, `${names.indexOf(site.value)}.raw`))).toEqual(expected)
      }
    }
  )
})
