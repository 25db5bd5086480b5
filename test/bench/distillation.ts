import { execFileSync } from 'node:child_process'
import { distillationGraph, featureWeightInput } from '../../src/core/distillation/objective'
import { learnedTensors } from '../../src/core/distillation/parameters'
import { bindInputs, foldConstants } from '../../src/core/graph/fold'
import type { Graph } from '../../src/core/graph/graph'
import { detectModel } from '../../src/core/models/detect'
import { findQuantizerSites, type QuantizerSite } from '../../src/core/quantization/placement'
import { floatTensor, type Tensor } from '../../src/core/tensor'
import { quantizerFeeds } from '../../src/engine/plan'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { randomSwinirLight } from '../random-networks'
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
async function load(trained: 'bounds' | 'weights'): Promise<Subject> {
  const model = detectModel({ tensors: randomSwinirLight(4), metadata: new Map() }, 'SwinIR-light')
  const bound = bindInputs(model.graph, new Map(Object.entries({ batch: 1, height: size, width: size })))
  const graph = foldConstants(bound)
  const sites = findQuantizerSites(model.graph, model.placement)
  const objective = { loss: 'corrected' as const, features: model.features.groups }
  const weights = trained === 'bounds' ? new Map() : learnedTensors(model.graph)
  const training = distillationGraph(bound, sites, objective, [...weights.keys()])
  const picture = floatTensor(
    Float32Array.from({ length: 3 * size * size }, (_, i) => 0.5 + 0.4 * Math.sin(i / 9)),
    [1, 3, size, size]
  )
  const bounds = quantizerFeeds(sites.map(() => ({ lower: -1, upper: 1, bits: 4 })))
  const session = await onnxruntimeCpu.load(training, { threads: 1, optimize: false })
  const feeds = new Map<string, Tensor>([
    ['lr', picture],
    [featureWeightInput, floatTensor([0.01], [])],
    ...bounds,
    ...weights
  ])
  return { graph, sites, picture, step: () => session.run(feeds), dispose: () => session.dispose() }
}

/** Runs a few steps and returns the peak resident memory of this process in bytes. */
export async function memoryOfDistillation(trained: 'bounds' | 'weights'): Promise<number> {
  const { step } = await load(trained)
  for (let i = 0; i < 3; i++) await step()
  return process.resourceUsage().maxRSS * 1024
}

/** The figures of distillation. */
export async function distillationBenchmarks(): Promise<readonly Figure[]> {
  const bounds = await load('bounds')
  const weights = await load('weights')
  const fp = await onnxruntimeCpu.load(bounds.graph, { threads: 1 })
  const forward = (): Promise<unknown> => fp.run(new Map([['lr', bounds.picture]]))
  const times = await compare({ forward, bounds: bounds.step, weights: weights.step }, 7)
  for (const loaded of [fp, bounds, weights]) await loaded.dispose()
  const script = process.argv[1] ?? ''
  const memory = (trained: string): number =>
    Number(execFileSync(process.execPath, [script, '--distil', trained], { encoding: 'utf8' })) / 2 ** 30
  return [
    {
      name: `distillation step, bounds only (${bounds.sites.length} quantizers) ÷ FP forward`,
      value: times.bounds / times.forward,
      atMost: 6
    },
    { name: 'distillation step with all weights ÷ bounds only', value: times.weights / times.bounds, atMost: 1.4 },
    { name: 'peak memory of steps, bounds only (GiB)', value: memory('bounds'), atMost: 2 },
    { name: 'peak memory of steps with all weights (GiB)', value: memory('weights'), atMost: 2 }
  ]
}
