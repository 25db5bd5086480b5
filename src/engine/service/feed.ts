/** A state that changes step by step, and those who follow it. */
export class Feed<S, C> {
  readonly #advance: (state: S, change: C) => S
  readonly #listeners = new Set<(change: C) => void>()
  #state: S

  /** @param advance the state after a change; followers compute it by the same function */
  constructor(state: S, advance: (state: S, change: C) => S) {
    this.#state = state
    this.#advance = advance
  }

  get state(): S {
    return this.#state
  }

  publish(change: C): void {
    this.#state = this.#advance(this.#state, change)
    for (const listener of this.#listeners) listener(change)
  }

  /** Calls `listener` with every change from now on, until the function returned is called. */
  listen(listener: (change: C) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}
