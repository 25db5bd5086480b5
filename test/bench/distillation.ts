import { execFileSync } from 'node:child_process'
import { distillationGraph } from '../../src/core/distillation/objective'
import { bindInputs, foldConstants } from '../../src/core/graph/fold'
import type { Graph } from '../../src/core/graph/graph'
import { detectModel } from '../../src/core/models/detect'
import { findQuantizerSites, type QuantizerSite } from '../../src/core/quantization/placement'
import { floatTensor, type Tensor } from '../../src/core/tensor'
import { quantizerFeeds } from '../../src/engine/plan'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { randomSwinirLight } from '../swinir-light'
import { compare, type Figure } from './figure'

const size = 64

interface Subject {
  readonly graph: Graph
  readonly sites: readonly QuantizerSite[]
  readonly picture: Tensor
  step(): Promise<unknown>
  dispose(): Promise<void>
}

/** SwinIR-light ×4 with random weights: its forward pass and a step of distillation, at batch 1 on one thread. */
async function load(): Promise<Subject> {
  const model = detectModel({ tensors: randomSwinirLight(4), metadata: new Map() }, 'SwinIR-light')
  const graph = foldConstants(bindInputs(model.graph, new Map(Object.entries({ batch: 1, height: size, width: size }))))
  const sites = findQuantizerSites(graph, model.placement)
  const objective = { loss: 'corrected' as const, featureWeight: 0.01, features: model.features }
  const training = distillationGraph(graph, sites, objective)
  const picture = floatTensor(
    Float32Array.from({ length: 3 * size * size }, (_, i) => 0.5 + 0.4 * Math.sin(i / 9)),
    [1, 3, size, size]
  )
  const bounds = quantizerFeeds(sites.map(() => ({ lower: -1, upper: 1, bits: 4 })))
  const session = await onnxruntimeCpu.load(training, { threads: 1, optimize: false })
  const step = (): Promise<unknown> => session.run(new Map([['lr', picture], ...bounds]))
  return { graph, sites, picture, step, dispose: () => session.dispose() }
}

/** Runs a few steps and returns the peak resident memory of this process in bytes. */
export async function memoryOfDistillation(): Promise<number> {
  const { step } = await load()
  for (let i = 0; i < 3; i++) await step()
  return process.resourceUsage().maxRSS * 1024
}

/** The figures of distillation. */
export async function distillationBenchmarks(): Promise<readonly Figure[]> {
  const { graph, sites, picture, step, dispose } = await load()
  const fp = await onnxruntimeCpu.load(graph, { threads: 1 })
  const times = await compare({ forward: () => fp.run(new Map([['lr', picture]])), step }, 5)
  await fp.dispose()
  await dispose()
  const script = process.argv[1] ?? ''
  const memory = Number(execFileSync(process.execPath, [script, '--distil'], { encoding: 'utf8' }))
  return [
    {
      name: `distillation step, bounds only (${sites.length} quantizers) ÷ FP forward`,
      value: times.step / times.forward,
      atMost: 6
    },
    { name: 'peak memory of distillation steps (GiB)', value: memory / 2 ** 30, atMost: 2 }
  ]
}
