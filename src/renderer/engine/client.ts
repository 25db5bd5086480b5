import {
  topicReducers,
  type CallArgs,
  type CallResult,
  type EngineCall,
  type EngineTopic,
  type EngineTopics
} from '../../contract/engine'
import type { Failure } from '../../contract/jobs'
import { serverMessageSchema, type ClientMessage, type Port, type ServerMessage } from '../../contract/protocol'

/** Why the engine did not do what it was asked for; the message is a sentence for the user. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** As of StudioError, or `lost` where the engine ended, or `cancelled`. */
  readonly code: string

  constructor({ code, message }: Failure) {
    super(message)
    this.code = code
  }
}

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: EngineError) => void
  /** What asks for it, as long as there is no engine to be asked. */
  waiting: ClientMessage | null
}

interface Subscription {
  readonly topic: EngineTopic
  readonly key: string
  /** Takes in a message and tells the new state. */
  readonly take: (message: Extract<ServerMessage, { kind: 'state' | 'changes' }>) => void
  readonly fail: (error: EngineError) => void
}

/**
 * A window's end of its channel to the engine. The engine may end and another take its place: calls that were pending are
 * rejected, calls made meanwhile wait, and what was subscribed is subscribed anew.
 */
export class EngineClient {
  readonly #afterFrame: (then: () => void) => void
  readonly #calls = new Map<number, PendingCall>()
  readonly #subscriptions = new Map<number, Subscription>()
  #port: Port | null = null
  #lastId = 0

  /** @param afterFrame calls back once what was told has been shown */
  constructor(afterFrame: (then: () => void) => void) {
    this.#afterFrame = afterFrame
  }

  /** Speaks to the engine over this port from now on. */
  connect(port: Port): void {
    // A new engine may be there before the old one's port is known to be closed.
    if (this.#port !== null) this.lose({ code: 'lost', message: 'The engine has ended.' })
    this.#port = port
    port.listen(
      (data) => {
        const message = serverMessageSchema.safeParse(data)
        if (message.success && this.#port === port) this.#handle(message.data)
      },
      () => {
        if (this.#port === port) this.lose({ code: 'lost', message: 'The engine has ended.' })
      }
    )
    for (const [id, { topic, key }] of this.#subscriptions) port.post({ kind: 'subscribe', id, topic, key })
    for (const call of this.#calls.values()) ask(port, call)
  }

  /** The engine is gone, or none will come: what was asked of it gets no answer. */
  lose(failure: Failure): void {
    const port = this.#port
    this.#port = null
    port?.close()
    const calls = [...this.#calls.values()]
    for (const { reject } of calls) reject(new EngineError(failure))
  }

  /** Calls the engine. Rejects with an EngineError where it fails, ends, or the signal is aborted. */
  call<C extends EngineCall>(name: C, args: CallArgs<C>, signal?: AbortSignal): Promise<CallResult<C>> {
    const id = ++this.#lastId
    return new Promise<CallResult<C>>((resolve, reject) => {
      const cancel = (): void => {
        // What still waits is not asked for at all.
        if (call.waiting === null) this.#port?.post({ kind: 'cancel', id } satisfies ClientMessage)
        call.reject(new EngineError({ code: 'cancelled', message: 'The call was cancelled.' }))
      }
      const end = (): void => {
        this.#calls.delete(id)
        signal?.removeEventListener('abort', cancel)
      }
      const call: PendingCall = {
        waiting: { kind: 'call', id, name, args },
        resolve: (value) => {
          end()
          resolve(value as CallResult<C>)
        },
        reject: (error) => {
          end()
          reject(error)
        }
      }
      if (signal?.aborted === true) {
        cancel()
        return
      }
      this.#calls.set(id, call)
      signal?.addEventListener('abort', cancel)
      if (this.#port !== null) ask(this.#port, call)
    })
  }

  /**
   * Follows a topic: tells its state now and whenever it has changed, until the function returned is called. A window that
   * is slow to show it is told less often, never something stale at the end.
   */
  follow<T extends EngineTopic>(
    topic: T,
    key: string,
    onState: (state: EngineTopics[T]['state']) => void,
    onFailure: (error: EngineError) => void = () => undefined
  ): () => void {
    const id = ++this.#lastId
    let state: EngineTopics[T]['state'] | undefined
    this.#subscriptions.set(id, {
      topic,
      key,
      take: (message) => {
        if (message.kind === 'state') state = message.state as EngineTopics[T]['state']
        else if (state !== undefined)
          state = (message.changes as EngineTopics[T]['change'][]).reduce(topicReducers[topic], state)
        if (state !== undefined) onState(state)
      },
      fail: onFailure
    })
    this.#port?.post({ kind: 'subscribe', id, topic, key })
    return () => {
      this.#subscriptions.delete(id)
      this.#port?.post({ kind: 'unsubscribe', id })
    }
  }

  #handle(message: ServerMessage): void {
    const { id } = message
    switch (message.kind) {
      case 'result':
        this.#calls.get(id)?.resolve(message.value)
        return
      case 'failure': {
        const error = new EngineError(message.failure)
        this.#calls.get(id)?.reject(error)
        const subscription = this.#subscriptions.get(id)
        this.#subscriptions.delete(id)
        subscription?.fail(error)
        return
      }
      case 'state':
      case 'changes': {
        const subscription = this.#subscriptions.get(id)
        if (subscription === undefined) return
        const port = this.#port
        try {
          subscription.take(message)
        } finally {
          // Where showing it goes wrong, what comes next is still wanted.
          this.#afterFrame(() => {
            if (this.#port === port && this.#subscriptions.has(id)) port?.post({ kind: 'ready', id })
          })
        }
        return
      }
    }
  }
}

/** Sends what asks for a call that waits. */
function ask(port: Port, call: PendingCall): void {
  const { waiting } = call
  if (waiting === null) return
  call.waiting = null
  try {
    port.post(waiting)
  } catch (error) {
    // Arguments that cannot be sent, such as objects with functions.
    const message = `The engine cannot be asked this: ${error instanceof Error ? error.message : String(error)}`
    call.reject(new EngineError({ code: 'usage', message }))
  }
}
