import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { RunSummary } from '../../contract/runs'
import { EngineError } from '../engine/client'
import { engine } from '../engine/connection'

/** The runs there are, newest first. */
export const useRuns = defineStore('runs', () => {
  const runs = shallowRef<readonly RunSummary[]>([])
  const isKnown = ref(false)
  /** Grows whenever a run may have changed. */
  const revision = ref(0)
  engine.follow('runs', '', (state) => {
    revision.value = state
    void refresh()
  })

  async function refresh(): Promise<void> {
    try {
      runs.value = await engine.call('runs.list', null)
      isKnown.value = true
    } catch (error) {
      // An engine that is started anew tells of runs by itself.
      if (!(error instanceof EngineError && error.code === 'lost')) throw error
    }
  }

  return { runs, isKnown, revision }
})
