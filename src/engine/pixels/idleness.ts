import type { Service } from '../service/server'

/** Milliseconds without a call, and without a window, after which a process is not needed: windows may only be loaded anew. */
const usualWaits = { calls: 180_000, windows: 10_000 }

/**
 * Tells when a process is not needed any more. What keeps nothing but what is on disk had better end then than keep memory: it
 * is started anew when a window asks for it.
 */
export class Idleness {
  readonly #end: () => void
  readonly #waits: typeof usualWaits
  #windows = 0
  #calls = 0
  #timer: NodeJS.Timeout | null = null

  /** @param end ends the process */
  constructor(end: () => void, waits = usualWaits) {
    this.#end = end
    this.#waits = waits
  }

  /** The same service, of which calls are counted. */
  watch(service: Service): Service {
    return {
      call: async (...asked) => {
        this.#calls++
        this.#wait()
        try {
          return await service.call(...asked)
        } finally {
          this.#calls--
          this.#wait()
        }
      },
      feed: (...asked) => service.feed(...asked)
    }
  }

  /** Counts a window until what is returned is called. */
  open(): () => void {
    this.#windows++
    this.#wait()
    return () => {
      this.#windows--
      this.#wait()
    }
  }

  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (this.#calls > 0) return
    this.#timer = setTimeout(this.#end, this.#windows > 0 ? this.#waits.calls : this.#waits.windows)
    this.#timer.unref()
  }
}
