import { freemem, availableParallelism } from 'node:os'
import { distillationGraph } from '../../core/distillation/objective'
import { estimateMemory } from '../../core/evaluation/memory'
import { bindInputs } from '../../core/graph/fold'
import type { Graph } from '../../core/graph/graph'
import { sizes, takesBatches, type Model } from '../../core/models/model'
import type { Runtime, Session } from '../../core/runtime'
import { StudioError } from '../errors'
import type { Recipe } from './recipe'

/** Sessions that compute losses and gradients, and the shape of what one run takes. */
export interface TrainingSessions {
  readonly sessions: readonly [Session, ...Session[]]
  readonly inputShape: readonly number[]
  dispose(): Promise<void>
}

/**
 * Loads what a recipe trains with: one patch a run, on as many threads as there are cores, patches of an iteration, and room
 * in memory. The `released` loss mixes the samples of a batch; it takes the batch in one run.
 */
export async function loadSessions(
  recipe: Recipe,
  model: Model,
  patchSize: number,
  runtime: Runtime
): Promise<TrainingSessions> {
  const { graph, runBatch } = trainingGraph(recipe, model, patchSize)
  const room = freemem() / 2 / estimateMemory(graph).peakBytes(patchSize, patchSize)
  const copies = Math.max(1, Math.floor(Math.min(availableParallelism(), recipe.batch / runBatch, room)))
  // Optimization would take longer than it saves on a graph of this size.
  const sessions = await runtime.loadCopies(graph, copies, { optimize: false })
  return {
    sessions,
    inputShape: [runBatch, model.channels, patchSize, patchSize],
    async dispose() {
      for (const session of sessions) await session.dispose()
    }
  }
}

/**
 * What computes losses and gradients of a recipe, and how many patches it takes at once. It is made in a fraction of a second,
 * and so tells before anything else is done whether a network can be trained.
 *
 * @throws StudioError ('refused') naming what of the network stands against it
 */
export function trainingGraph(
  { batch, objective, sites, weights }: Recipe,
  model: Model,
  patchSize: number
): { readonly graph: Graph; readonly runBatch: number } {
  const runBatch = objective.loss === 'released' ? batch : 1
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
  return { graph: distillationGraph(bound, sites, objective, [...weights.keys()]), runBatch }
}
