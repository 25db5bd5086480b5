import type { z } from 'zod'
import type { pictureCalls } from '../../contract/pixels'

export type PointArgs = z.input<(typeof pictureCalls)['pictures.at']['args']>
type Samples = z.infer<(typeof pictureCalls)['pictures.at']['result']>

/** Samples of a place, in the order of the sources that were asked for. */
export interface ReadSamples {
  readonly args: PointArgs
  readonly samples: Samples
}

/**
 * Asks for the samples of one place after the other, one at a time: the pointer moves faster than answers come, and what it has
 * left is not asked for.
 */
export class LatestPoint {
  readonly #call: (args: PointArgs, signal: AbortSignal) => Promise<Samples>
  readonly #show: (samples: ReadSamples | null) => void
  readonly #controller = new AbortController()
  #next: PointArgs | null = null
  #isAsking = false

  /** @param show is told what was read; null where nothing is pointed at, or it cannot be read */
  constructor(
    call: (args: PointArgs, signal: AbortSignal) => Promise<Samples>,
    show: (samples: ReadSamples | null) => void
  ) {
    this.#call = call
    this.#show = show
  }

  /** Asks for a place as soon as the one before it is there; null asks for none. */
  ask(args: PointArgs | null): void {
    this.#next = args
    if (args === null) this.#show(null)
    else if (!this.#isAsking) void this.#go()
  }

  close(): void {
    this.#next = null
    this.#controller.abort()
  }

  async #go(): Promise<void> {
    this.#isAsking = true
    while (this.#next !== null) {
      const args = this.#next
      let samples: Samples | null = null
      try {
        samples = await this.#call(args, this.#controller.signal)
      } catch {
        // Why a picture cannot be read is told where it is shown.
      }
      // A place that was left meanwhile is not shown, one that is only not the last any more is: else nothing would be.
      if (this.#isWanted()) this.#show(samples === null ? null : { args, samples })
      if (this.#next === args) this.#next = null
    }
    this.#isAsking = false
  }

  #isWanted(): boolean {
    return this.#next !== null
  }
}
