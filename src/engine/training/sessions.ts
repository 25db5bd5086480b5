import { freemem, availableParallelism } from 'node:os'
import { distillationGraph } from '../../core/distillation/objective'
import { estimateMemory } from '../../core/evaluation/memory'
import { bindInputs } from '../../core/graph/fold'
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
  const { batch, objective, sites, weights } = recipe
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
  const graph = distillationGraph(bindInputs(model.graph, bindings), sites, objective, [...weights.keys()])
  const room = freemem() / 2 / estimateMemory(graph).peakBytes(patchSize, patchSize)
  const copies = Math.max(1, Math.floor(Math.min(availableParallelism(), batch / runBatch, room)))
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
