import type { Variant } from '../contract/bounds'
import type { DistillationSettings, QuantizeSettings } from '../contract/run'
import { agreement, distil, type Distillation } from '../core/distillation/distil'
import { distillationGraph } from '../core/distillation/objective'
import { estimateMemory } from '../core/evaluation/memory'
import { bindInputs, foldConstants } from '../core/graph/fold'
import { sizes, type Model } from '../core/models/model'
import type { QuantizerSite } from '../core/quantization/placement'
import { levelsOf } from '../core/quantization/quantizer'
import { report, type JobContext } from './job'
import { draw, readInOrder } from './patches'
import type { PictureEntry, PictureSet } from './picture-sets'

/** What the values of a forward pass may take together, in bytes. */
const cacheBytes = 2 ** 24

/** Patches on which training is validated. */
const validationPatches = 8

/** From so many pictures on, a tenth is held out of training for validation; below, other patches are. */
const fewPictures = 10

/** What the authors found best relative to a tensor's range; more bits want smaller steps (method notes, section 10). */
function defaultLearningRate(bits: number): number {
  if (bits === 2) return 0.01
  return bits === 3 ? 0.005 : 0.003
}

/**
 * Stage 2 of 2DQuant on several variants, one after the other in one session: bounds are trained from where `starts` has
 * them, validated on held-out patches, and the best are kept, which may be those of the start.
 */
export async function trainVariants(
  model: Model,
  sites: readonly QuantizerSite[],
  pictures: PictureSet,
  starts: readonly Variant[],
  { patchSize, seed }: QuantizeSettings,
  settings: DistillationSettings,
  context: JobContext
): Promise<readonly { readonly variant: Variant; readonly seconds: number }[]> {
  const { iterations, batch, loss, featureWeight } = settings
  // The released loss mixes the samples of a batch.
  const runBatch = loss === 'released' ? batch : largestRun(model, patchSize, batch)
  const bindings = new Map([
    [sizes.batch, runBatch],
    [sizes.height, patchSize],
    [sizes.width, patchSize]
  ])
  const graph = foldConstants(bindInputs(model.graph, bindings))
  const objective = { loss, featureWeight, features: model.features }
  const [training, heldOut] = splitPictures(pictures.entries)
  const patchesOf = (count: number, stream: number): Parameters<typeof draw>[2] => {
    return { count, size: patchSize, seed: seed + stream }
  }
  const drawn = await draw(training, model.scale, patchesOf(iterations * batch, 1))
  const validation: Float32Array[] = []
  const drawnValidation = await draw(
    heldOut,
    model.scale,
    patchesOf(runBatch * Math.ceil(validationPatches / runBatch), 2)
  )
  for await (const patches of readInOrder(heldOut, model, drawnValidation, 1)) validation.push(...patches)

  // Optimization would take longer than it saves on a graph of this size.
  const session = await context.runtime.load(distillationGraph(graph, sites, objective), { optimize: false })
  try {
    const trained: { readonly variant: Variant; readonly seconds: number }[] = []
    for (const [i, start] of starts.entries()) {
      const started = performance.now()
      const distillation: Distillation = {
        session,
        inputShape: [runBatch, model.channels, patchSize, patchSize],
        levels: Float32Array.from(start.quantizers, ({ bits }) => levelsOf(bits))
      }
      const batches = readInOrder(training, model, drawn, batch)
      const progress = { done: i * iterations, total: starts.length * iterations }
      const variant = await trainVariant(distillation, start, batches, validation, settings, progress, context)
      trained.push({ variant, seconds: (performance.now() - started) / 1000 })
    }
    return trained
  } finally {
    await session.dispose()
  }
}

/**
 * Patches of one run, a divisor of the batch: as many as the processor's cache has room for. Measured on the bundled model
 * at 32×32: 53 ms a patch by four, 72 ms one by one; on SwinIR-light at 64×64 four take five times as long as one.
 */
function largestRun(model: Model, patchSize: number, batch: number): number {
  const room = cacheBytes / estimateMemory(model.graph).peakBytes(patchSize, patchSize)
  let run = Math.max(1, Math.min(batch, Math.floor(room)))
  while (batch % run !== 0) run--
  return run
}

async function trainVariant(
  distillation: Distillation,
  start: Variant,
  batches: AsyncIterable<readonly Float32Array[]>,
  validation: readonly Float32Array[],
  settings: DistillationSettings,
  progress: { readonly done: number; readonly total: number },
  context: JobContext
): Promise<Variant> {
  const { bits } = start
  const { iterations, schedule } = settings
  let best = {
    iteration: 0,
    psnr: -Infinity,
    bounds: Float32Array.from(start.quantizers.flatMap(({ lower, upper }) => [lower, upper]))
  }
  const validate = async (iteration: number, bounds: Float32Array): Promise<void> => {
    const psnr = await agreement(distillation, bounds, validation)
    context.emit({ kind: 'validation', bits, iteration, psnr })
    if (psnr > best.psnr) best = { iteration, psnr, bounds: bounds.slice() }
  }
  await validate(0, best.bounds)
  const learningRate = settings.learningRate ?? defaultLearningRate(Math.min(bits.weight, bits.activation))
  // The gradients of mean losses are tiny: an epsilon of 1e-8 would stop small ones.
  const adam = { beta1: 0.9, beta2: 0.99, epsilon: 1e-12 }
  const every = Math.max(1, Math.round(iterations / 20))
  const options = { iterations, learningRate, isRelative: true, schedule, adam }
  await distil(distillation, best.bounds, batches, options, async (step, bounds) => {
    const { iteration, outputLoss, featureLoss } = step
    context.emit({
      kind: 'loss',
      bits,
      iteration,
      output: outputLoss,
      feature: featureLoss,
      learningRate: step.learningRate
    })
    if (iteration % every === 0 || iteration === iterations) await validate(iteration, bounds)
    report(context, 'distillation', progress.done + iteration, progress.total, 'iterations')
  })
  if (best.iteration === 0) {
    const message = `Training gained nothing at ${bits.weight} bits over the ${settings.init} bounds it began with; these are kept.`
    context.emit({ kind: 'log', level: 'info', message })
  }
  const quantizers = start.quantizers.map((quantizer, i) => {
    const [lower = quantizer.lower, upper = quantizer.upper] = best.bounds.subarray(2 * i, 2 * i + 2)
    return { ...quantizer, lower, upper, search: 'distilled' as const }
  })
  return { method: '2dquant', bits, quantizers }
}

/** Pictures to train on and pictures to validate on. */
function splitPictures(entries: readonly PictureEntry[]): readonly [readonly PictureEntry[], readonly PictureEntry[]] {
  if (entries.length < fewPictures) return [entries, entries]
  const kept = entries.length - Math.ceil(entries.length / 10)
  return [entries.slice(0, kept), entries.slice(kept)]
}
