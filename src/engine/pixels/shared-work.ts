/**
 * Work that several wait for. Who gives up waiting is let go at once; the work goes on for the others, and is given up once
 * nobody waits for it any more.
 */
export class SharedWork<T> {
  readonly #controller = new AbortController()
  readonly #result: Promise<T>
  #waiting = 0
  #isDone = false

  /** @param work begins at once; its signal is aborted where it is given up */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#controller.signal)
    const end = (): void => {
      this.#isDone = true
    }
    // Where nobody waits, nobody hears of what went wrong.
    this.#result.then(end, end)
  }

  /** Whether nobody waited for it any more before it was done: who wants it now must begin anew. */
  get isGivenUp(): boolean {
    return this.#controller.signal.aborted
  }

  /** Waits for its result, or rejects with the reason of the signal. */
  join(signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted()
      this.#waiting++
      const leave = (): void => {
        // Signals are aborted with errors.
        reject(signal.reason as Error)
        if (--this.#waiting === 0 && !this.#isDone) this.#controller.abort(signal.reason)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#result.then(resolve, reject).finally(() => {
        signal.removeEventListener('abort', leave)
      })
    })
  }
}
