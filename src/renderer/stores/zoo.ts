import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { ZooEntry } from '../../contract/zoo'
import { cancellableCalls } from '../engine/cancellable'
import { engine } from '../engine/connection'

/** The published models, as the engine tells, and the downloads that this window asked for. */
export const useZoo = defineStore('zoo', () => {
  const models = shallowRef<readonly ZooEntry[]>([])
  const { run, cancel } = cancellableCalls()
  engine.follow('zoo', '', (state) => {
    models.value = state
  })

  /** Downloads a model, or goes on with it; where it is cancelled, what has come is kept. */
  async function get(id: string): Promise<void> {
    await run(id, (signal) => engine.call('zoo.get', { id }, signal))
  }

  return { models, get, cancel }
})
