import type { z } from 'zod'
import type { PictureCall, pictureCalls } from '../../contract/pixels'
import type { Port } from '../../contract/protocol'
import { ServiceClient } from '../engine/client'

type Args<C extends PictureCall> = z.infer<(typeof pictureCalls)[C]['args']>
type Result<C extends PictureCall> = z.infer<(typeof pictureCalls)[C]['result']>

/**
 * A window's end of its channel to the process that reads pictures. There is no channel before something is called, and none
 * once the process has ended: what was pending then is rejected, and the next call has the process started again.
 */
export class PictureClient {
  readonly #client = new ServiceClient<typeof pictureCalls>('The process that reads pictures', {}, (then) => {
    then()
  })
  readonly #ask: () => Promise<unknown>
  #isAsked = false

  /** @param ask has the main process hand a port to this window; rejects where that does not work */
  constructor(ask: () => Promise<unknown>) {
    this.#ask = ask
  }

  /** Speaks over this port from now on. */
  connect(port: Port): void {
    this.#isAsked = false
    this.#client.connect(port)
  }

  /** Calls the process. Rejects with an EngineError where it fails, ends, or the signal is aborted. */
  call<C extends PictureCall>(name: C, args: Args<C>, signal?: AbortSignal): Promise<Result<C>> {
    const result = this.#client.call(name, args, signal)
    if (!this.#client.isConnected && !this.#isAsked) void this.#begin()
    return result
  }

  async #begin(): Promise<void> {
    this.#isAsked = true
    try {
      await this.#ask()
    } catch (error) {
      this.#isAsked = false
      this.#client.lose({ code: 'lost', message: error instanceof Error ? error.message : String(error) })
    }
  }
}
