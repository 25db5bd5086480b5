import { availableParallelism } from 'node:os'
import { distillationGraph } from '../../core/distillation/objective'
import { OutOfMemoryError, StudioError } from '../../core/errors'
import { estimateMemory } from '../../core/evaluation/memory'
import { bindInputs } from '../../core/graph/fold'
import type { Graph } from '../../core/graph/graph'
import { sizes, takesBatches, type Model } from '../../core/models/model'
import type { Session } from '../../core/runtime'
import { isOnProcessor } from '../../runtimes/select'
import { memoryIn, warning, type JobContext } from '../job'
import type { Recipe } from './recipe'

/** Sessions that compute losses and gradients, and the shape of what one run takes. */
export interface TrainingSessions {
  readonly sessions: readonly [Session, ...Session[]]
  readonly inputShape: readonly number[]
}

/**
 * Does work with the sessions that a recipe trains with. On a processor a run takes one patch, on as many threads as there are cores,
 * patches of an iteration, and room in memory; on a GPU one session takes all patches of an iteration at once, or as large a part of
 * them as there is room for. The `released` loss mixes the samples of a batch; it takes the batch in one run.
 *
 * Where memory turns out to be short, the work is done anew with half as many patches at a time, which is told, until there are no
 * fewer.
 */
export async function withSessions<T>(
  recipe: Recipe,
  model: Model,
  patchSize: number,
  context: Pick<JobContext, 'runtime' | 'emit'>,
  work: (sessions: TrainingSessions) => Promise<T>
): Promise<T> {
  let most = Infinity
  for (;;) {
    const sessions = await loadSessions(recipe, model, patchSize, context, most)
    try {
      return await work(sessions)
    } catch (error) {
      const [runBatch = 1] = sessions.inputShape
      const patches = sessions.sessions.length * runBatch
      if (!(error instanceof OutOfMemoryError) || patches <= fewestAtOnce(recipe)) throw error
      most = Math.floor(patches / 2)
      warning(context)(`Memory was short for training on ${patches} patches at a time; it goes on with fewer.`)
    } finally {
      for (const session of sessions.sessions) await session.dispose()
    }
  }
}

/** @param most patches that are computed at the same time */
async function loadSessions(
  recipe: Recipe,
  model: Model,
  patchSize: number,
  context: Pick<JobContext, 'runtime' | 'emit'>,
  most: number
): Promise<TrainingSessions> {
  const { runtime } = context
  const fewest = fewestAtOnce(recipe)
  const smallest = trainingGraph(recipe, model, patchSize, fewest)
  const room = memoryIn(context, undefined).cap / estimateMemory(smallest).peakBytes(patchSize, patchSize)
  const atOnce = Math.max(1, Math.floor(Math.min(recipe.batch / fewest, room, most / fewest)))
  const together = !isOnProcessor(runtime.device) && fewest === 1 && takesBatches(model)
  const runBatch = together ? largestDivisor(recipe.batch, atOnce) : fewest
  const copies = together ? 1 : Math.min(availableParallelism(), atOnce)
  const graph = runBatch === fewest ? smallest : trainingGraph(recipe, model, patchSize, runBatch)
  // Optimization would take longer than it saves on a graph of this size.
  const sessions = await runtime.loadCopies(graph, copies, { optimize: false })
  return { sessions, inputShape: [runBatch, model.channels, patchSize, patchSize] }
}

/** The largest number up to `limit` that divides `count`. */
function largestDivisor(count: number, limit: number): number {
  let divisor = Math.min(count, limit)
  while (count % divisor !== 0) divisor--
  return divisor
}

/** Patches that a run takes at least. */
export function fewestAtOnce({ objective, batch }: Pick<Recipe, 'objective' | 'batch'>): number {
  return objective.loss === 'released' ? batch : 1
}

/**
 * What computes losses and gradients of a recipe on so many patches at once. It is made in a fraction of a second, and so tells before
 * anything else is done whether a network can be trained.
 *
 * @throws StudioError ('refused') naming what of the network stands against it
 */
export function trainingGraph(
  { objective, sites, weights }: Recipe,
  model: Model,
  patchSize: number,
  runBatch: number
): Graph {
  if (runBatch > 1 && !takesBatches(model)) {
    const what = 'The loss "released" compares the samples of a batch, and this network takes one picture at a time'
    throw new StudioError('refused', `${what}; choose --loss corrected.`)
  }
  const bindings = new Map([
    [sizes.batch, runBatch],
    [sizes.height, patchSize],
    [sizes.width, patchSize]
  ])
  const bound = bindInputs(model.graph, bindings)
  return distillationGraph(bound, sites, objective, [...weights.keys()])
}
