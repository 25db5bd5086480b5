import { trains, type Bits } from '../../contract/bounds'
import type { DistillationSettings, QuantizeSettings } from '../../contract/run'
import { ParameterVector } from '../../core/distillation/parameters'
import { gradientOn } from '../../core/distillation/trainer'
import type { Model } from '../../core/models/model'
import { rowsOf, type QuantizerSite } from '../../core/quantization/placement'
import { levelsOf } from '../../core/quantization/quantizer'
import type { JobContext } from '../job'
import { presetNames, presets } from '../../contract/presets'
import { recipeOf, type Recipe } from './recipe'
import { loadSessions } from './sessions'

/** Once a step takes longer than this, times of larger patches follow from their area instead of steps of their own. */
const longStep = 4000

/**
 * Tells how long the training of one variant will take on this machine, as asked for and under each preset, measured by a
 * few steps. Nothing where no method trains.
 */
export async function tellTrainingTime(
  model: Model,
  sites: readonly QuantizerSite[],
  { methods, distillation, patchSize }: QuantizeSettings,
  context: JobContext
): Promise<void> {
  const method = methods.filter(trains).at(-1)
  if (method === undefined || distillation === null) return
  const wanted = [...presetNames.map((name) => presets[name].patchSize), patchSize].map(
    (size) => model.fixedSize ?? size
  )
  const secondsPerPatch = new Map<number, number>()
  let slow: number | null = null
  for (const size of [...new Set(wanted)].toSorted((a, b) => a - b)) {
    // Each measurement holds the thread for a while.
    await context.giveWay()
    context.signal.throwIfAborted()
    const known: number | undefined = slow === null ? undefined : secondsPerPatch.get(slow)
    const seconds: number =
      slow === null || known === undefined
        ? await measure(recipeOf(method, model, sites, distillation, size), model, size, context)
        : known * (size / slow) ** 2
    secondsPerPatch.set(size, seconds)
    if (seconds * 1000 > longStep) slow = size
  }
  const seconds = ({ iterations, batch }: Pick<DistillationSettings, 'iterations' | 'batch'>, size: number): number =>
    iterations * batch * (secondsPerPatch.get(model.fixedSize ?? size) ?? 0)
  const recipe = recipeOf(method, model, sites, distillation, patchSize)
  context.emit({
    kind: 'estimate',
    seconds: seconds(recipe, patchSize),
    presets: presetNames.map((name) => ({ name, seconds: seconds(presets[name], presets[name].patchSize) }))
  })
}

/** Seconds of a step, by patch. */
async function measure(recipe: Recipe, model: Model, size: number, context: JobContext): Promise<number> {
  const { sessions, inputShape, dispose } = await loadSessions(recipe, model, size, context.runtime)
  try {
    const bits: Bits = { weight: 4, activation: 4 }
    const rows = recipe.sites.reduce((sum, site) => sum + rowsOf(site), 0)
    const parameters = new ParameterVector(rows, recipe.weights)
    const values = parameters.pack(
      Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? -1 : 1)),
      recipe.weights
    )
    const levels = new Float32Array(rows).fill(levelsOf(bits.weight))
    const [runBatch = 1] = inputShape
    const patches = Array.from({ length: runBatch * sessions.length }, () =>
      new Float32Array(model.channels * size * size).fill(0.5)
    )
    const step = async (): Promise<number> => {
      const started = performance.now()
      await gradientOn({ sessions, inputShape, parameters, levels, featureWeight: 0 }, values, patches)
      return (performance.now() - started) / 1000 / patches.length
    }
    // The first step also makes room in memory.
    const first = await step()
    return first * 1000 > longStep ? first : Math.min(await step(), await step())
  } finally {
    await dispose()
  }
}
