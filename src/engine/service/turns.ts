import { setImmediate } from 'node:timers/promises'

/**
 * Lets small jobs, which a person waits for, go between two steps of a long one. Networks run on the thread that calls them,
 * so a long job holds up everything else until it gives way.
 */
export class Turns {
  readonly #small = new Set<Promise<unknown>>()

  /** Runs a small job. */
  async take<T>(job: () => Promise<T>): Promise<T> {
    const running = job()
    this.#small.add(running)
    try {
      return await running
    } finally {
      this.#small.delete(running)
    }
  }

  /** For the long job, between two steps: hears what is asked meanwhile and waits until all small jobs are done. */
  readonly giveWay = async (): Promise<void> => {
    await setImmediate()
    while (this.#small.size > 0) await Promise.allSettled(this.#small)
  }
}
