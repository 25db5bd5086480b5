import { EngineError } from './client'

/** Long calls of the engine, by what they are for; each can be broken off. */
export interface CancellableCalls {
  /**
   * Makes a call.
   *
   * @returns whether it came to its end; false where it was broken off
   */
  run(id: string, call: (signal: AbortSignal) => Promise<unknown>): Promise<boolean>
  /** Breaks the call for `id` off, where there is one. */
  cancel(id: string): void
}

export function cancellableCalls(): CancellableCalls {
  const controllers = new Map<string, AbortController>()
  return {
    async run(id, call) {
      const controller = new AbortController()
      controllers.set(id, controller)
      try {
        await call(controller.signal)
        return true
      } catch (error) {
        if (!(error instanceof EngineError && error.code === 'cancelled')) throw error
        return false
      } finally {
        controllers.delete(id)
      }
    },
    cancel(id) {
      controllers.get(id)?.abort()
    }
  }
}
