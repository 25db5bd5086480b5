import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { GpuEntry } from '../../contract/gpu'
import { EngineError } from '../engine/client'
import { engine } from '../engine/connection'

/** Libraries for GPUs, as the engine tells, and the installations that this window asked for. */
export const useGpu = defineStore('gpu', () => {
  const components = shallowRef<readonly GpuEntry[]>([])
  const installations = new Map<string, AbortController>()
  engine.follow('gpu', '', (state) => {
    components.value = state
  })

  /**
   * Installs a component, or goes on with it.
   *
   * @param files of the user, to take it from; none to have it downloaded
   * @returns whether it came to its end; false where it was cancelled
   */
  async function install(id: string, files: readonly string[] = []): Promise<boolean> {
    const controller = new AbortController()
    installations.set(id, controller)
    try {
      await engine.call('gpu.install', { id, files: [...files] }, controller.signal)
      return true
    } catch (error) {
      if (!(error instanceof EngineError && error.code === 'cancelled')) throw error
      return false
    } finally {
      installations.delete(id)
    }
  }

  /** Breaks an installation off; what has come is kept. */
  function cancel(id: string): void {
    installations.get(id)?.abort()
  }

  return { components, install, cancel }
})
