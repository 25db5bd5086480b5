import { execFileSync } from 'node:child_process'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { searchBounds } from '../../src/core/calibration/dobi'
import { Distribution } from '../../src/core/calibration/histogram'
import { collectStatistics, type Statistics } from '../../src/core/calibration/statistics'
import { bindInputs, foldConstants } from '../../src/core/graph/fold'
import type { Graph } from '../../src/core/graph/graph'
import { detectModel } from '../../src/core/models/detect'
import type { Model } from '../../src/core/models/model'
import { lowerQuantizers } from '../../src/core/quantization/lowering'
import { findQuantizerSites, placeQuantizers, type QuantizerSite } from '../../src/core/quantization/placement'
import type { Session } from '../../src/core/runtime'
import { floatTensor } from '../../src/core/tensor'
import { quantizerFeeds } from '../../src/engine/plan'
import { writeOnnx } from '../../src/formats/onnx'
import { onnxruntimeCpu, sessionOptions } from '../../src/runtimes/onnxruntime'
import { randomSwinirLight } from '../random-networks'
import { compare, secondsOf, type Figure } from './figure'

const size = 64
const calibrationPatches = 32

/** SwinIR-light ×4 with random weights, fixed to patches of 64×64, and its 384 quantizers. */
function subject(): { readonly model: Model; readonly graph: Graph; readonly sites: readonly QuantizerSite[] } {
  const model = detectModel({ tensors: randomSwinirLight(4), metadata: new Map() }, 'SwinIR-light')
  const bindings = new Map([
    ['height', size],
    ['width', size]
  ])
  const graph = foldConstants(bindInputs(model.graph, bindings))
  return { model, graph, sites: findQuantizerSites(graph, model.placement) }
}

/** Smooth random patches, all different. */
function* patches(count: number): Generator<Float32Array> {
  for (let patch = 0; patch < count; patch++) {
    yield Float32Array.from({ length: 3 * size * size }, (_, i) => {
      const [x, y] = [i % size, Math.floor(i / size)]
      return (
        0.5 +
        0.25 * Math.sin(x * 0.1 * (1 + (patch % 7)) + patch) +
        0.25 * Math.cos(y * 0.07 * (1 + (patch % 5)) + i / 4096)
      )
    })
  }
}

function search(sites: readonly QuantizerSite[], statistics: Statistics): ReturnType<typeof searchBounds>[] {
  return sites.map(({ value }) => {
    const histogram = statistics.get(value)
    if (histogram === undefined) throw new Error(`no statistics of ${value}`)
    return searchBounds(new Distribution(histogram), 4)
  })
}

async function withSession(graph: Graph, work: (session: Session) => Promise<void>): Promise<void> {
  const session = await onnxruntimeCpu.load(graph)
  await work(session)
  await session.dispose()
}

/** Runs one calibration and returns the peak resident memory of this process in bytes. */
export async function memoryOfCalibration(count: number): Promise<number> {
  const { graph, sites } = subject()
  search(sites, await collectStatistics(graph, sites, patches(count), onnxruntimeCpu))
  return process.resourceUsage().maxRSS * 1024
}

/** The figures of the engine: what our layers and the quantizers add to bare forward passes. */
export async function engineBenchmarks(): Promise<readonly Figure[]> {
  const { graph, sites } = subject()
  const [first = new Float32Array(0)] = patches(1)
  const picture = floatTensor(first, [1, 3, size, size])

  let statistics: Statistics = new Map()
  let searchSeconds = 0
  const calibration = await compare(
    {
      // Without calibration the same network would be loaded as well, and be shown the same patches.
      load: () => withSession(graph, () => Promise.resolve()),
      forward: () =>
        withSession(graph, async (session) => {
          for (const patch of patches(calibrationPatches)) {
            await session.run(new Map([['lr', floatTensor(patch, [1, 3, size, size])]]))
          }
        }),
      calibrate: async () => {
        statistics = await collectStatistics(graph, sites, patches(calibrationPatches), onnxruntimeCpu)
        searchSeconds = await secondsOf(() => Promise.resolve(search(sites, statistics)))
      }
    },
    3
  )
  const forwardPasses = calibration.forward - calibration.load

  const bounds = search(sites, statistics)
  const quantizers = bounds.map(({ lower, upper }) => ({ lower, upper, bits: 4 }))
  const bare = await InferenceSession.create(writeOnnx(graph), sessionOptions({ threads: 1 }))
  const ours = await onnxruntimeCpu.load(graph, { threads: 1 })
  const quantized = await onnxruntimeCpu.load(lowerQuantizers(placeQuantizers(graph, sites)), { threads: 1 })
  const constants = quantizerFeeds(quantizers)
  const forward = await compare(
    {
      bare: () => bare.run({ lr: new OrtTensor('float32', picture.data, [...picture.shape]) }),
      ours: () => ours.run(new Map([['lr', picture]])),
      quantized: () => quantized.run(new Map([['lr', picture], ...constants]))
    },
    15
  )
  await bare.release()
  await ours.dispose()
  await quantized.dispose()

  const peak = [calibrationPatches, 4 * calibrationPatches].map((count) => {
    const script = process.argv[1] ?? ''
    return Number(execFileSync(process.execPath, [script, '--calibrate', String(count)], { encoding: 'utf8' }))
  })
  const [usual = NaN, fourfold = NaN] = peak
  return [
    { name: 'FP forward, 1 thread ÷ bare onnxruntime session', value: forward.ours / forward.bare, atMost: 1.05 },
    {
      name: `fake-quantized forward (${sites.length} quantizers) ÷ FP forward`,
      value: forward.quantized / forward.ours,
      atMost: 1.5
    },
    {
      name: 'search of all quantizers ÷ forward passes of 32 patches',
      value: searchSeconds / forwardPasses,
      atMost: 0.1
    },
    {
      name: 'all that calibration adds ÷ forward passes of 32 patches',
      value: (calibration.calibrate - calibration.forward) / forwardPasses,
      atMost: 1.5
    },
    { name: 'peak memory of calibration, 32 patches (GiB)', value: usual / 2 ** 30, atMost: 1.5 },
    { name: 'peak memory at 128 patches ÷ at 32', value: fourfold / usual, atMost: 1.05 },
    { name: 'FP forward, 1 thread (ms)', value: forward.ours * 1000 }
  ]
}
