import { trains } from '../../contract/bounds'
import { presetNames, presets } from '../../contract/presets'
import type { DistillationSettings, QuantizeSettings } from '../../contract/run'
import { takenSize, type Model } from '../../core/models/model'
import type { QuantizerSite } from '../../core/quantization/placement'
import type { JobContext } from '../job'
import { measureTraining } from './cost'
import { recipeOf, type Recipe } from './recipe'

/** Seconds that are spent on each size: it is told before a run begins, which waits for it. */
const shortLook = 0.15

/** Training on fewer patches than this is over before its time could be measured. */
const fewPatches = 100

/** Once a step takes longer than this, times of larger patches follow from their area instead of steps of their own. */
const longStep = 4000

/**
 * Tells how long the training of one variant will take on this machine, as asked for and under each preset, measured by a
 * few steps. Nothing where no method trains, or hardly anything is trained.
 */
export async function tellTrainingTime(
  model: Model,
  sites: readonly QuantizerSite[],
  { methods, distillation, patchSize }: QuantizeSettings,
  context: JobContext
): Promise<void> {
  const method = methods.filter(trains).at(-1)
  if (method === undefined || distillation === null) return
  const recipe = recipeOf(method, model, sites, distillation, patchSize)
  if (recipe.iterations * recipe.batch < fewPatches) return
  const wanted = [...presetNames.map((name) => presets[name].patchSize), patchSize].map((size) =>
    takenSize(model, size)
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
        ? await secondsOfPatch(recipeOf(method, model, sites, distillation, size), model, size, context)
        : known * (size / slow) ** 2
    secondsPerPatch.set(size, seconds)
    if (seconds * 1000 > longStep) slow = size
  }
  const seconds = ({ iterations, batch }: Pick<DistillationSettings, 'iterations' | 'batch'>, size: number): number =>
    iterations * batch * (secondsPerPatch.get(takenSize(model, size)) ?? 0)
  context.emit({
    kind: 'estimate',
    seconds: seconds(recipe, patchSize),
    presets: presetNames.map((name) => ({ name, seconds: seconds(presets[name], presets[name].patchSize) }))
  })
}

async function secondsOfPatch(recipe: Recipe, model: Model, size: number, context: JobContext): Promise<number> {
  const { round, patches } = await measureTraining(recipe, model, size, context, shortLook)
  return round / patches
}
