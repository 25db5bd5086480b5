import type { Port } from '../../../src/contract/protocol'

/** One end of a channel, and what is on its way to it. */
class End implements Port {
  readonly arriving: unknown[] = []
  /** How many messages were sent from here. */
  posted = 0
  readonly #other: () => End
  #onMessage: (message: unknown) => void = () => undefined
  #onClose: () => void = () => undefined
  #isOpen = true

  constructor(other: () => End) {
    this.#other = other
  }

  post(message: unknown): void {
    this.posted++
    // What is sent is a copy, and what cannot be copied cannot be sent, as between processes.
    if (this.#isOpen) this.#other().arriving.push(structuredClone(message))
  }

  listen(onMessage: (message: unknown) => void, onClose: () => void): void {
    this.#onMessage = onMessage
    this.#onClose = onClose
  }

  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#onClose()
    this.#other().close()
  }

  /** Hands over the oldest message; whether there was one. */
  deliver(): boolean {
    if (this.arriving.length === 0) return false
    this.#onMessage(this.arriving.shift())
    return true
  }
}

/** The two ends of a channel within one thread; messages arrive when a test says so, in their order. */
export function pairedPorts(): { readonly client: End; readonly server: End } {
  const client: End = new End(() => server)
  const server: End = new End(() => client)
  return { client, server }
}
