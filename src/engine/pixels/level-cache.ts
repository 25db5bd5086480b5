import type { Pixels } from '../../contract/pixels'

/** Pieces of pictures that were made before; those that were used last stay longest. */
export class LevelCache {
  readonly #mostBytes: number
  /** In the order in which they were used last. */
  readonly #kept = new Map<string, Pixels>()
  readonly #making = new Map<string, Promise<Pixels>>()
  #bytes = 0

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** Bytes that pieces in memory take. */
  get bytes(): number {
    return this.#bytes
  }

  /** What is kept under a key, or is made now; what is not complete is not kept. */
  async get(key: string, make: () => Promise<Pixels>): Promise<Pixels> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, kept)
      return kept
    }
    const underWay = this.#making.get(key)
    if (underWay !== undefined) return underWay
    const making = make()
    this.#making.set(key, making)
    try {
      const made = await making
      if (made.isComplete) this.#keep(key, made)
      return made
    } finally {
      this.#making.delete(key)
    }
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
