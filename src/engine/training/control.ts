/** Why a job ends whose training is to go on later; the message says where it stands and how it goes on. */
export class TrainingPaused extends Error {
  override readonly name = 'TrainingPaused'
}

/** What a user wants of a job at work: of training, asked once in every iteration, and of calibration. */
export class TrainingControl {
  #state: 'going' | 'paused' | 'stopped' = 'going'
  #wake: () => void = () => undefined
  #watched: string | null = null
  #tellWatched: () => void = () => undefined

  /** Training stands still after the iteration it is in, its state on disk, until `resume` or `stop`. */
  pause(): void {
    if (this.#state === 'going') this.#state = 'paused'
  }

  resume(): void {
    if (this.#state === 'paused') this.#state = 'going'
    this.#wake()
  }

  /** Training ends after the iteration it is in and keeps the best parameters so far. */
  stop(): void {
    this.#state = 'stopped'
    this.#wake()
  }

  /** Chooses the quantizer whose histogram calibration tells; null leaves the choice to the engine. */
  watch(quantizer: string | null): void {
    this.#watched = quantizer
    this.#tellWatched()
  }

  get watched(): string | null {
    return this.#watched
  }

  /** @param tell called whenever another quantizer is to be looked at */
  onWatch(tell: () => void): void {
    this.#tellWatched = tell
  }

  get isPaused(): boolean {
    return this.#state === 'paused'
  }

  get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** Waits while training is paused, or until `signal` is aborted. */
  async whilePaused(signal: AbortSignal): Promise<void> {
    while (this.isPaused && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        signal.addEventListener(
          'abort',
          () => {
            resolve()
          },
          { once: true }
        )
      })
    }
  }
}
