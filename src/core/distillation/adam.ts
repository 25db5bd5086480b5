/** Settings of Adam (Kingma and Ba, 2015). */
export interface AdamSettings {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
}

/** Where an optimizer stands; plain data, so that it can be stored and continued bit for bit. */
export interface AdamState {
  readonly steps: number
  readonly firstMoments: Float64Array
  readonly secondMoments: Float64Array
}

/** Adam on one list of numbers, in float64. */
export class Adam {
  readonly #settings: AdamSettings
  readonly #first: Float64Array
  readonly #second: Float64Array
  #steps: number

  constructor(settings: AdamSettings, state: AdamState) {
    this.#settings = settings
    this.#first = state.firstMoments.slice()
    this.#second = state.secondMoments.slice()
    this.#steps = state.steps
  }

  /** An optimizer that has not taken a step. */
  static fresh(settings: AdamSettings, count: number): Adam {
    const zeros = new Float64Array(count)
    return new Adam(settings, { steps: 0, firstMoments: zeros, secondMoments: zeros })
  }

  get state(): AdamState {
    return { steps: this.#steps, firstMoments: this.#first.slice(), secondMoments: this.#second.slice() }
  }

  /**
   * Changes `values` by one step against their gradient.
   *
   * @param learningRates one for each value
   * @param rateFactor on all of them
   */
  step(values: Float64Array, gradient: ArrayLike<number>, learningRates: ArrayLike<number>, rateFactor = 1): void {
    const { beta1, beta2, epsilon } = this.#settings
    this.#steps++
    const correction1 = 1 - beta1 ** this.#steps
    const correction2 = 1 - beta2 ** this.#steps
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i] ?? 0
      const first = beta1 * (this.#first[i] ?? 0) + (1 - beta1) * g
      const second = beta2 * (this.#second[i] ?? 0) + (1 - beta2) * g * g
      this.#first[i] = first
      this.#second[i] = second
      const move = first / correction1 / (Math.sqrt(second / correction2) + epsilon)
      values[i] = (values[i] ?? 0) - (learningRates[i] ?? 0) * rateFactor * move
    }
  }
}
