import type { Bits, CalibrationMethod, TrainingMethod } from '../../contract/bounds'
import type { DistillationSettings, QuantizeSettings } from '../../contract/run'
import type { Objective } from '../../core/distillation/objective'
import { learnedTensors, type ParameterVector } from '../../core/distillation/parameters'
import { rangesOf, schedules, type TrainerSettings } from '../../core/distillation/trainer'
import { evaluateDimension, product } from '../../core/graph/dimension'
import { bindInputs } from '../../core/graph/fold'
import { inferShapes } from '../../core/graph/infer'
import { sizes, type Model } from '../../core/models/model'
import { perChannel, rowsOf, type QuantizerSite } from '../../core/quantization/placement'
import { levelsOf } from '../../core/quantization/quantizer'
import type { TensorOf } from '../../core/tensor'
import { StudioError } from '../errors'

/** How a method trains. */
export interface Recipe {
  readonly method: TrainingMethod
  readonly sites: readonly QuantizerSite[]
  readonly objective: Objective
  /** Weight λ of the feature term. */
  readonly featureWeight: number
  /** Weights that are trained, as they are at the start. */
  readonly weights: ReadonlyMap<string, TensorOf<'float32'>>
  /** Patches of one iteration. */
  readonly batch: number
  /** Iterations of all phases together. */
  readonly iterations: number
  /** The method whose bounds training starts from. */
  readonly init: CalibrationMethod
  /** What is done one after the other, each with an optimizer of its own. */
  phases(bits: Bits, parameters: ParameterVector, start: Float64Array): readonly TrainerSettings[]
  /** The highest learning rate of bounds as it is told. */
  learningRate(bits: Bits): number
}

/** The method whose bounds a method's training starts from. */
export function startOf(
  method: TrainingMethod,
  settings: Pick<DistillationSettings, 'init'> | null
): CalibrationMethod {
  return method === 'dbdc+pac' ? 'dbdc' : (settings?.init ?? 'dobi')
}

/** Patches that training may take. They are drawn before it begins, and so many are 0.85 GB in memory (measured). */
const mostPatches = 10_000_000

/** Throws a StudioError ('usage') where training would take more patches than can be drawn. */
export function expectTrainable({ distillation }: Pick<QuantizeSettings, 'distillation'>): void {
  const { iterations, batch } = distillation ?? { iterations: 0, batch: 0 }
  if (iterations * batch <= mostPatches) return
  const what = `${iterations} iterations of ${batch} patches are more than ${mostPatches / 1e6} million patches`
  throw new StudioError('usage', `${what}; take fewer.`)
}

/** How a method trains a network under given settings. */
export function recipeOf(
  method: TrainingMethod,
  model: Model,
  sites: readonly QuantizerSite[],
  settings: DistillationSettings,
  patchSize: number
): Recipe {
  return method === 'dbdc+pac' ? pac(model, sites, patchSize) : distillation(method, model, sites, settings)
}

/** The values that are compared beside the output. Throws a StudioError ('refused') for one that is no feature. */
function featuresOf({ features }: Model, chosen: DistillationSettings['features']): readonly string[] {
  if (typeof chosen === 'string') return features[chosen]
  const known = new Set([...features.groups, ...features.blocks])
  const stray = chosen.find((name) => !known.has(name))
  if (stray === undefined) return chosen
  throw new StudioError('refused', `This network has no feature "${stray}"; \`2dquant inspect --json\` lists them.`)
}

/** Bits decide learning rates; of weights and activations the fewer count. */
const leastBits = ({ weight, activation }: Bits): number => Math.min(weight, activation)

/** What was found best relative to a tensor's range; more bits want smaller steps (method notes, section 10). */
function boundRate({ learningRate }: DistillationSettings, bits: number): number {
  if (learningRate !== null) return learningRate
  if (bits === 2) return 0.01
  return bits === 3 ? 0.005 : 0.003
}

function weightRate({ weightLearningRate }: DistillationSettings, bits: number): number {
  if (weightLearningRate !== null) return weightLearningRate
  if (bits === 2) return 0.003
  return bits === 3 ? 0.002 : 0.001
}

/** Stage 2 of 2DQuant; for 2DQuant+ with weights. */
function distillation(
  method: '2dquant' | '2dquant+',
  model: Model,
  sites: readonly QuantizerSite[],
  settings: DistillationSettings
): Recipe {
  const { iterations, batch, loss, featureWeight, features, schedule, init, train } = settings
  const quantized = new Set(sites.map(({ value }) => value))
  const learned = method === '2dquant' ? [] : [...learnedTensors(model.graph)]
  const weights = new Map(learned.filter(([name]) => train === 'all' || quantized.has(name)))
  return {
    method,
    sites,
    objective: { loss, features: featuresOf(model, features) },
    featureWeight,
    weights,
    batch,
    iterations,
    init,
    learningRate: (bits) => boundRate(settings, leastBits(bits)),
    phases(bits, parameters, start) {
      const learningRates = new Float64Array(parameters.length).fill(weightRate(settings, leastBits(bits)))
      const ofBounds = boundRate(settings, leastBits(bits))
      rangesOf(parameters.bounds(start)).forEach((range, row) => {
        learningRates.fill(ofBounds * range, 2 * row, 2 * row + 2)
      })
      // The gradients of mean losses are tiny: an epsilon of 1e-8 would stop small ones.
      const adam = { beta1: 0.9, beta2: 0.99, epsilon: 1e-12 }
      return [{ iterations, learningRates, schedule: schedules[schedule], adam }]
    }
  }
}

/** Iterations of each of the two phases of Pac, patches of one, and what learning rates fall to. */
const pacIterations = 250
const pacBatch = 2
const pacFloor = 0.4

/**
 * Pac of DBDC+Pac (Tu et al., CVPR 2023) as its released code computes it: first the bounds of activations, then those of
 * the weights' channels, against the L1 distance of outputs alone (its feature term carries no gradient there); gradients
 * scaled as in LSQ.
 */
function pac(model: Model, sites: readonly QuantizerSite[], patchSize: number): Recipe {
  const perChannelSites = perChannel(model.graph, sites)
  const bindings = new Map([
    [sizes.batch, 1],
    [sizes.height, patchSize],
    [sizes.width, patchSize]
  ])
  const types = inferShapes(bindInputs(model.graph, bindings))
  const elements = ({ kind, value }: QuantizerSite): number =>
    evaluateDimension(product(types.get(value)?.shape ?? [])) * (kind === 'activation' ? pacBatch : 1)
  return {
    method: 'dbdc+pac',
    sites: perChannelSites,
    objective: { loss: 'corrected', features: [] },
    featureWeight: 0,
    weights: new Map(),
    batch: pacBatch,
    iterations: 2 * pacIterations,
    init: 'dbdc',
    learningRate: () => 5e-3,
    phases(bits, parameters) {
      const gradientScales = new Float64Array(parameters.length)
      const rates = { activation: new Float64Array(parameters.length), weight: new Float64Array(parameters.length) }
      let at = 0
      for (const site of perChannelSites) {
        const end = at + 2 * rowsOf(site)
        gradientScales.fill(1 / Math.sqrt(elements(site) * levelsOf(bits[site.kind] - 1)), at, end)
        rates[site.kind].fill(site.kind === 'activation' ? 5e-3 : 5e-6, at, end)
        at = end
      }
      return [rates.activation, rates.weight].map((learningRates) => ({
        iterations: pacIterations,
        learningRates,
        schedule: { warmUp: 0, floor: pacFloor },
        adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        gradientScales
      }))
    }
  }
}
