import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { makeContext } from '../../src/engine/job'
import { evaluate } from '../../src/engine/jobs/evaluate'
import { loadModel } from '../../src/engine/model-file'
import { floatTensor } from '../../src/core/tensor'
import { onnxruntimeCpu, sessionOptions } from '../../src/runtimes/onnxruntime'
import { compare, secondsOf, type Figure } from './figure'
import { data, expectData, psnrOf } from './trial'

/** Real networks, and the PSNR in dB that each has on Set5 (MODELS.md beside them). */
const networks: readonly (readonly [name: string, psnr: number])[] = [
  ['SMFANetp_x4', 32.519],
  ['CARN_M_x4', 31.883],
  ['IMDTN_x4', 32.15],
  ['MobileSR_x4', 32.053],
  ['CRAFT_x4', 32.404]
]

const fileOf = (name: string): string => join(data, 'models', `${name}.onnx`)
const methods = ['dobi', '2dquant', '2dquant+'] as const
const widths = [8, 4, 2] as const

/** Full precision of networks from ONNX files: Set5 PSNR as published, and no slower than the file as it is. */
export async function importedModelBenchmarks(): Promise<readonly Figure[]> {
  expectData()
  const context = await makeContext(() => undefined, new AbortController().signal)
  const figures: Figure[] = []
  for (const [name, published] of networks) {
    const subject = { subject: fileOf(name), overrides: {}, filter: {}, scale: undefined, memoryCap: undefined }
    const { results } = await evaluate({ ...subject, sets: [{ folder: join(data, 'benchmarks', 'Set5') }] }, context)
    const psnr = results[0]?.sets[0]?.mean.psnr ?? NaN
    figures.push(
      { name: `Set5 PSNR of ${name} (dB)`, value: psnr },
      { name: `${name}: distance to what is published (dB)`, value: Math.abs(psnr - published), atMost: 0.01 },
      { name: `${name}: forward pass ÷ that of the file as it is`, value: await slowdownOf(fileOf(name)), atMost: 1.1 }
    )
  }
  return figures
}

/** Pixels across the picture that forward passes are timed with. */
const side = 64

async function slowdownOf(file: string): Promise<number> {
  const { model } = await loadModel(file)
  const imported = await onnxruntimeCpu.load(model.graph, { threads: 1 })
  const original = await InferenceSession.create(readFileSync(file), sessionOptions({ threads: 1 }))
  const picture = Float32Array.from({ length: 3 * side ** 2 }, (_, i) => ((i * 37) % 101) / 100)
  const shape = [1, 3, side, side]
  const [input = ''] = original.inputNames
  try {
    const seconds = await compare(
      {
        imported: () => imported.run(new Map([['lr', floatTensor(picture, shape)]])),
        original: () => original.run({ [input]: new OrtTensor('float32', picture, shape) })
      },
      15
    )
    return seconds.imported / seconds.original
  } finally {
    await imported.dispose()
    await original.release()
  }
}

/** Every real network by every method at 8, 4 and 2 bits with the preset `fast`; takes hours on two cores. */
export async function modelBenchmarks(): Promise<readonly Figure[]> {
  const figures = [...(await importedModelBenchmarks())]
  const gains: number[] = []
  for (const [name] of networks) {
    let scores: ReadonlyMap<string, number> = new Map()
    const seconds = await secondsOf(async () => {
      scores = await psnrOf({ model: fileOf(name), preset: 'fast', methods, bits: widths })
    })
    const of = (variant: string): number => scores.get(variant) ?? NaN
    // Hours pass until all is printed.
    console.error(`${name}: ${[...scores].map(([variant, psnr]) => `${variant} ${psnr.toFixed(2)}`).join(', ')}`)
    const lost = (method: string): number => of('fp') - of(`${method} 8`)
    const plus = (bits: number): number => of(`2dquant+ ${bits}`) - of(`2dquant ${bits}`)
    gains.push(of('2dquant 4') - of('dobi 4'))
    figures.push(
      ...widths.flatMap((bits) =>
        methods.map((method) => ({
          name: `Set5 PSNR of ${name}, ${method} ${bits} bits (dB)`,
          value: of(`${method} ${bits}`)
        }))
      ),
      { name: `${name}: time of all (s)`, value: seconds },
      { name: `${name}: fp − dobi at 8 bits (dB)`, value: lost('dobi'), atMost: 0.5 },
      { name: `${name}: fp − 2dquant (fast) at 8 bits (dB)`, value: lost('2dquant'), atMost: 0.3 },
      { name: `${name}: 2dquant (fast) − dobi at 4 bits (dB)`, value: gains.at(-1) ?? NaN, atLeast: -0.05 },
      { name: `${name}: 2dquant+ (fast) − 2dquant (fast) at 4 bits (dB)`, value: plus(4), atLeast: 0 },
      { name: `${name}: 2dquant+ (fast) − 2dquant (fast) at 2 bits (dB)`, value: plus(2), atLeast: 0 }
    )
    if (name === 'IMDTN_x4') {
      const value = of('2dquant 2') - of('dobi 2')
      figures.push({ name: `${name}: 2dquant (fast) − dobi at 2 bits (dB)`, value, atLeast: 0.2 })
    }
  }
  const better = gains.filter((gain) => gain > 0).length
  return [...figures, { name: 'networks that 2dquant (fast) improves over dobi at 4 bits', value: better, atLeast: 4 }]
}
