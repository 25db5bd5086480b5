import { StudioError } from '../errors'
import { pictureInput } from '../models/model'
import { boundsInput, levelsInput } from '../quantization/placement'
import type { NamedTensors, Session } from '../runtime'
import { floatTensor } from '../tensor'
import { Adam, type AdamSettings } from './adam'
import { distillationOutputs } from './objective'

/** How bounds are trained. */
export interface DistilSettings {
  readonly iterations: number
  /** Learning rate; of each bound, it is multiplied by the range it starts with where `isRelative`. */
  readonly learningRate: number
  readonly isRelative: boolean
  /** `cosine` rises for ten steps and falls to 2 % at the end. */
  readonly schedule: 'constant' | 'cosine'
  readonly adam: AdamSettings
}

/** One iteration as it is reported. */
export interface DistilStep {
  /** Counted from 1. */
  readonly iteration: number
  readonly outputLoss: number
  readonly featureLoss: number
  readonly learningRate: number
}

/** A distillation graph that was loaded, and what it takes. */
export interface Distillation {
  readonly session: Session
  /** Shape of the input `lr`, the batch of one run first. */
  readonly inputShape: readonly number[]
  /** 2^bits − 1 of every quantizer. */
  readonly levels: Float32Array
}

/** Bounds stay at least this share of the range they start with apart. */
const leastRange = 1e-3

/**
 * Stage 2 of 2DQuant (DQC): trains the bounds, and nothing else, so that the student gives what the teacher gives.
 *
 * @param start lower and upper bound of every quantizer
 * @param batches pictures [channels, height, width] of every iteration, a multiple of a run's batch each
 * @param onStep called after every iteration with the bounds it led to; they must not be changed
 * @returns the bounds after the last iteration
 * @throws StudioError ('failed') where a loss is no number
 */
export async function distil(
  { session, inputShape, levels }: Distillation,
  start: Float32Array,
  batches: AsyncIterable<readonly Float32Array[]> | Iterable<readonly Float32Array[]>,
  settings: DistilSettings,
  onStep: (step: DistilStep, bounds: Float32Array) => void | Promise<void> = () => undefined
): Promise<Float32Array> {
  const bounds = Float64Array.from(start)
  const ranges = start.map((value, i) => (i % 2 === 0 ? (start[i + 1] ?? 0) - value : value - (start[i - 1] ?? 0)))
  const adam = Adam.fresh(settings.adam, start.length)
  let iteration = 0
  for await (const batch of batches) {
    if (iteration === settings.iterations) break
    iteration++
    const { gradient, ...losses } = await accumulate(session, inputShape, levels, Float32Array.from(bounds), batch)
    if (!Number.isFinite(losses.outputLoss + losses.featureLoss)) {
      throw new StudioError(
        'failed',
        `Distillation diverged in iteration ${iteration}; choose a smaller --learning-rate.`
      )
    }
    const learningRate = settings.learningRate * factorOf(iteration, settings)
    adam.step(
      bounds,
      gradient,
      settings.isRelative ? ranges.map((range) => range * learningRate) : ranges.map(() => learningRate)
    )
    keepApart(bounds, ranges)
    await onStep({ iteration, ...losses, learningRate }, Float32Array.from(bounds))
  }
  return Float32Array.from(bounds)
}

/** Means of losses and gradient over a batch, run by run. */
async function accumulate(
  session: Session,
  inputShape: readonly number[],
  levels: Float32Array,
  bounds: Float32Array,
  batch: readonly Float32Array[]
): Promise<{ readonly outputLoss: number; readonly featureLoss: number; readonly gradient: Float64Array }> {
  const [runBatch = 1] = inputShape
  const runs = batch.length / runBatch
  const gradient = new Float64Array(bounds.length)
  let [outputLoss, featureLoss] = [0, 0]
  for (let run = 0; run < runs; run++) {
    const results = await session.run(
      feedsOf(inputShape, levels, bounds, batch.slice(run * runBatch, (run + 1) * runBatch))
    )
    outputLoss += scalarOf(results, distillationOutputs.outputLoss) / runs
    featureLoss += scalarOf(results, distillationOutputs.featureLoss) / runs
    const part = results.get(distillationOutputs.boundsGradient)?.data ?? []
    for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] ?? 0) + Number(part[i]) / runs
  }
  return { outputLoss, featureLoss, gradient }
}

/** PSNR in dB of the student's output against the teacher's, over all given pictures, values 0 to 1. */
export async function agreement(
  { session, inputShape, levels }: Distillation,
  bounds: Float32Array,
  pictures: readonly Float32Array[]
): Promise<number> {
  const [runBatch = 1] = inputShape
  let sum = 0
  const outputs = [distillationOutputs.squaredError]
  for (let i = 0; i < pictures.length; i += runBatch) {
    const feeds = feedsOf(inputShape, levels, bounds, pictures.slice(i, i + runBatch))
    sum += scalarOf(await session.run(feeds, { outputs }), distillationOutputs.squaredError)
  }
  return -10 * Math.log10((sum * runBatch) / pictures.length)
}

function feedsOf(
  inputShape: readonly number[],
  levels: Float32Array,
  bounds: Float32Array,
  pictures: readonly Float32Array[]
): NamedTensors {
  const size = inputShape.slice(1).reduce((product, each) => product * each, 1)
  const data = new Float32Array(pictures.length * size)
  pictures.forEach((picture, i) => {
    data.set(picture, i * size)
  })
  return new Map([
    [pictureInput, floatTensor(data, inputShape)],
    [boundsInput, floatTensor(bounds, [levels.length, 2])],
    [levelsInput, floatTensor(levels, [levels.length])]
  ])
}

function scalarOf(results: NamedTensors, name: string): number {
  return Number(results.get(name)?.data[0] ?? NaN)
}

/** Share of the learning rate that an iteration (from 1) takes. */
function factorOf(iteration: number, { schedule, iterations }: DistilSettings): number {
  if (schedule === 'constant') return 1
  const warmUp = Math.min(1, iteration / 10)
  const progress = (iteration - 1) / Math.max(1, iterations - 1)
  return warmUp * (0.02 + 0.98 * 0.5 * (1 + Math.cos(Math.PI * progress)))
}

/** Moves bounds that met or crossed apart, around their middle. */
function keepApart(bounds: Float64Array, ranges: Float32Array): void {
  for (let i = 0; i < bounds.length; i += 2) {
    const [lower, upper] = [bounds[i] ?? 0, bounds[i + 1] ?? 0]
    const least = (ranges[i] ?? 0) * leastRange
    if (upper - lower >= least) continue
    const middle = (lower + upper) / 2
    bounds[i] = middle - least / 2
    bounds[i + 1] = middle + least / 2
  }
}
