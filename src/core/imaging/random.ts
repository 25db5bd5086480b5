/** Where a generator stands; plain data, so that it can be stored and continued bit for bit. */
export interface RandomState {
  readonly words: readonly [number, number, number, number]
}

/** Seeded random numbers: xoshiro128** (Blackman and Vigna, 2018), its state filled by splitmix32. */
export class Random {
  #a: number
  #b: number
  #c: number
  #d: number

  private constructor([a, b, c, d]: RandomState['words']) {
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }

  /** @param seed any integer; its lowest 32 bits count */
  static seeded(seed: number): Random {
    let state = seed >>> 0
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0
      let word = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
      return (word ^ (word >>> 15)) >>> 0
    }
    return new Random([next(), next(), next(), next()])
  }

  /** A generator that goes on where another stood. */
  static from(state: RandomState): Random {
    return new Random(state.words)
  }

  get state(): RandomState {
    return { words: [this.#a, this.#b, this.#c, this.#d] }
  }

  /** A whole number from 0 to 2³² − 1. */
  word(): number {
    const product = Math.imul(this.#b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const shifted = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= shifted
    this.#d = (this.#d << 11) | (this.#d >>> 21)
    return result
  }

  /** A whole number from 0 to below − 1, each equally likely; 1 ≤ below ≤ 2³². */
  below(below: number): number {
    // Words beyond the last whole multiple would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % below)
    let word = this.word()
    while (word >= limit) word = this.word()
    return word % below
  }
}
