import type { Bits } from '../../contract/bounds'
import { ParameterVector } from '../../core/distillation/parameters'
import { gradientOn, Trainer } from '../../core/distillation/trainer'
import type { Model } from '../../core/models/model'
import { rowsOf } from '../../core/quantization/placement'
import { levelsOf } from '../../core/quantization/quantizer'
import type { JobContext } from '../job'
import type { Recipe } from './recipe'
import { withSessions } from './sessions'

/** What training costs on this machine, measured by a few steps. */
export interface TrainingCost {
  /** Seconds of loading the sessions. */
  readonly load: number
  /** Patches that are computed together, and the seconds which that takes. */
  readonly patches: number
  readonly round: number
  /** Seconds of an iteration that are the optimizer's, however many patches it has. */
  readonly optimizer: number
  /** Bytes that the engine held meanwhile. */
  readonly memoryBytes: number
}

/**
 * Measures a few steps of a recipe.
 *
 * @param size pixels of a patch's side
 * @param enough seconds after which no more steps are measured
 */
export async function measureTraining(
  recipe: Recipe,
  model: Model,
  size: number,
  context: JobContext,
  enough = 0.8
): Promise<TrainingCost> {
  const began = performance.now()
  return withSessions(recipe, model, size, context, async ({ sessions, inputShape }) => {
    const load = secondsSince(began)
    const bits: Bits = { weight: 4, activation: 4 }
    const rows = recipe.sites.reduce((sum, site) => sum + rowsOf(site), 0)
    const parameters = new ParameterVector(rows, recipe.weights)
    const values = parameters.pack(
      Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? -1 : 1)),
      recipe.weights
    )
    const levels = new Float32Array(rows).fill(levelsOf(bits.weight))
    const distillation = { sessions, inputShape, parameters, levels, zeroPoint: 'float' as const, featureWeight: 0 }
    const [runBatch = 1] = inputShape
    const patches = Array.from({ length: runBatch * sessions.length }, () =>
      new Float32Array(model.channels * size * size).fill(0.5)
    )
    const [settings] = recipe.phases(bits, parameters, values)
    if (settings === undefined) throw new Error('A recipe without phases')
    const trainer = Trainer.fresh(distillation, settings, values)
    const timed = async (step: () => Promise<unknown>): Promise<number> => {
      await context.giveWay()
      context.signal.throwIfAborted()
      const started = performance.now()
      await step()
      return secondsSince(started)
    }
    // The first step also makes room in memory.
    const first = await timed(() => gradientOn(distillation, values, patches))
    const rounds: number[] = []
    const steps: number[] = []
    const measured = (): number => [...rounds, ...steps].reduce((a, b) => a + b, 0)
    while (first < enough && rounds.length < 12 && measured() < enough) {
      rounds.push(await timed(() => gradientOn(distillation, values, patches)))
      steps.push(await timed(() => trainer.step(patches)))
    }
    const round = rounds.length === 0 ? first : mean(rounds)
    return {
      load,
      patches: patches.length,
      round,
      optimizer: steps.length === 0 ? 0 : Math.max(0, mean(steps) - round),
      memoryBytes: process.memoryUsage.rss()
    }
  })
}

/** Seconds of an iteration of so many patches. */
export function iterationSeconds({ patches, round, optimizer }: TrainingCost, batch: number): number {
  return Math.ceil(batch / patches) * round + optimizer
}

export const secondsSince = (started: number): number => (performance.now() - started) / 1000

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
