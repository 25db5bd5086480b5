import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { emptyQueue, hasEnded, jobAtWork, type Job, type Queue } from '../../contract/jobs'
import { engine } from '../engine/connection'

/** The jobs there are, as the engine tells. */
export const useQueue = defineStore('queue', () => {
  const queue = shallowRef<Queue>(emptyQueue)
  engine.follow('queue', '', (state) => {
    queue.value = state
  })

  const open = computed(() => queue.value.jobs.filter((job) => !hasEnded(job)))
  const atWork = computed(() => jobAtWork(queue.value))

  /** The newest job that makes, or made, a run. */
  function jobOf(folder: string): Job | undefined {
    return queue.value.jobs.findLast(({ run }) => run === folder)
  }

  return { queue, open, atWork, jobOf }
})
