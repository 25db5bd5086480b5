import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { ZooEntry } from '../../contract/zoo'
import { EngineError } from '../engine/client'
import { engine } from '../engine/connection'

/** The published models, as the engine tells, and the downloads that this window asked for. */
export const useZoo = defineStore('zoo', () => {
  const models = shallowRef<readonly ZooEntry[]>([])
  const downloads = new Map<string, AbortController>()
  engine.follow('zoo', '', (state) => {
    models.value = state
  })

  /** Downloads a model, or goes on with it; ends quietly where it is cancelled. */
  async function get(id: string): Promise<void> {
    const controller = new AbortController()
    downloads.set(id, controller)
    try {
      await engine.call('zoo.get', { id }, controller.signal)
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'cancelled')) throw error
    } finally {
      downloads.delete(id)
    }
  }

  /** Breaks a download off; what has come is kept. */
  function cancel(id: string): void {
    downloads.get(id)?.abort()
  }

  return { models, get, cancel }
})
