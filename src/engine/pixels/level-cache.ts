import type { Pixels } from '../../contract/pixels'
import { SharedWork } from './shared-work'

/** Pieces of pictures that were made before; those that were used last stay longest. */
export class LevelCache {
  readonly #mostBytes: number
  /** In the order in which they were used last. */
  readonly #kept = new Map<string, Pixels>()
  readonly #making = new Map<string, SharedWork<Pixels>>()
  #bytes = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Bytes that pieces in memory take. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * What is kept under a key, or is made now; what is not complete is not kept.
   *
   * @param make is given up once all who wait for it have aborted
   */
  async get(key: string, make: (signal: AbortSignal) => Promise<Pixels>, signal: AbortSignal): Promise<Pixels> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept
    }
    const underWay = this.#making.get(key)
    return (underWay?.isGivenUp === false ? underWay : this.#make(key, make)).join(signal)
  }

  #make(key: string, make: (signal: AbortSignal) => Promise<Pixels>): SharedWork<Pixels> {
    const making = new SharedWork(async (signal) => {
      try {
        const made = await make(signal)
        if (made.isComplete && !signal.aborted) this.#keep(key, made)
        return made
      } finally {
        if (this.#making.get(key) === making) this.#making.delete(key)
      }
    })
    this.#making.set(key, making)
    return making
  }

  #keep(key: string, pixels: Pixels): void {
    this.#kept.set(key, pixels)
    this.#bytes += pixels.rgba.byteLength
    for (const [oldest, { rgba }] of this.#kept) {
      if (this.#bytes <= this.#mostBytes || this.#kept.size === 1) return
      this.#kept.delete(oldest)
      this.#bytes -= rgba.byteLength
    }
  }
}
