import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { GpuEntry } from '../../contract/gpu'
import { cancellableCalls } from '../engine/cancellable'
import { engine } from '../engine/connection'

/** Libraries for GPUs, as the engine tells, and the installations that this window asked for. */
export const useGpu = defineStore('gpu', () => {
  const components = shallowRef<readonly GpuEntry[]>([])
  const { run, cancel } = cancellableCalls()
  engine.follow('gpu', '', (state) => {
    components.value = state
  })

  /**
   * Installs a component, or goes on with it.
   *
   * @param files of the user, to take it from; none to have it downloaded
   * @returns whether it came to its end; where it was cancelled, what has come is kept
   */
  function install(id: string, files: readonly string[] = []): Promise<boolean> {
    return run(id, (signal) => engine.call('gpu.install', { id, files: [...files] }, signal))
  }

  return { components, install, cancel }
})
