import { shallowReactive, type ShallowReactive } from 'vue'
import type { TrainingView } from '../../contract/job-view'
import { engine } from '../engine/connection'

/** How other runs were trained, by their folders: read once, as they do not change while they are looked at. */
export function useOtherRuns(): {
  readonly trainings: ShallowReactive<Map<string, readonly TrainingView[]>>
  /** Reads what is not known of these, and forgets all others. */
  show(folders: readonly string[]): Promise<void>
} {
  const trainings = shallowReactive(new Map<string, readonly TrainingView[]>())
  return {
    trainings,
    async show(folders) {
      for (const folder of trainings.keys()) if (!folders.includes(folder)) trainings.delete(folder)
      for (const folder of folders) {
        if (trainings.has(folder)) continue
        const view = await engine.call('runs.view', { folder })
        trainings.set(folder, view.trainings)
      }
    }
  }
}
