import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { emptyQueue, makesOf, hasEnded, jobAtWork, type Job, type Queue } from '../../contract/jobs'
import { engine } from '../engine/connection'

/** The jobs there are, as the engine tells. */
export const useQueue = defineStore('queue', () => {
  const queue = shallowRef<Queue>(emptyQueue)
  engine.follow('queue', '', (state) => {
    queue.value = state
  })

  const open = computed(() => queue.value.jobs.filter((job) => !hasEnded(job)))
  const atWork = computed(() => jobAtWork(queue.value))

  /** The job of a run that matters most: the one at work, then one that makes it and has not ended, then the newest. */
  function jobOf(folder: string): Job | undefined {
    const jobs = queue.value.jobs.filter(({ run }) => run === folder)
    return (
      jobs.find(({ id }) => id === queue.value.atWork) ??
      jobs.findLast((job) => !hasEnded(job) && !makesOf(job.request)) ??
      jobs.at(-1)
    )
  }

  return { queue, open, atWork, jobOf }
})
