import type { z } from 'zod'
import { topicReducers, type engineCalls, type EngineTopics } from '../../contract/engine'
import type { Failure } from '../../contract/jobs'
import { serverMessageSchema, type ClientMessage, type Port, type ServerMessage } from '../../contract/protocol'

/** Why a process did not do what it was asked for; the message is a sentence for the user. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** As of StudioError, or `lost` where the process ended, or `cancelled`. */
  readonly code: string

  constructor({ code, message }: Failure) {
    super(message)
    this.code = code
  }
}

interface PendingCall {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: EngineError) => void
  /** What asks for it, as long as there is no process to be asked. */
  waiting: ClientMessage | null
}

interface Subscription {
  readonly topic: string
  readonly key: string
  /** Takes in a message and tells the new state. */
  readonly take: (message: Extract<ServerMessage, { kind: 'state' | 'changes' }>) => void
  readonly fail: (error: EngineError) => void
}

/** What a process can be called for: arguments and result. */
type CallTable = Readonly<Record<string, { readonly args: z.ZodType; readonly result: z.ZodType }>>
type Name<Table> = keyof Table & string

/** What can be watched: the state of a topic and what changes it. */
interface Topic {
  readonly state: unknown
  readonly change: unknown
}

/** The states of topics after changes. */
type Reducers<Topics extends { readonly [T in keyof Topics]: Topic }> = {
  readonly [T in keyof Topics]: (state: Topics[T]['state'], change: Topics[T]['change']) => Topics[T]['state']
}

/**
 * A window's end of its channel to a process that works for it. The process may end and another take its place: calls that
 * were pending are rejected, calls made meanwhile wait, and what was subscribed is subscribed anew.
 */
export class ServiceClient<
  Calls extends CallTable,
  Topics extends { readonly [T in keyof Topics]: Topic } = Readonly<Record<string, never>>
> {
  readonly #server: string
  readonly #reducers: Reducers<Topics>
  readonly #afterFrame: (then: () => void) => void
  readonly #calls = new Map<number, PendingCall>()
  readonly #subscriptions = new Map<number, Subscription>()
  #port: Port | null = null
  #lastId = 0

  /**
   * @param server what the process is called at the beginning of a sentence
   * @param reducers the state of a topic after a change
   * @param afterFrame calls back once what was told has been shown
   */
  constructor(server: string, reducers: Reducers<Topics>, afterFrame: (then: () => void) => void) {
    this.#server = server
    this.#reducers = reducers
    this.#afterFrame = afterFrame
  }

  /** Whether there is a process to speak to. */
  get isConnected(): boolean {
    return this.#port !== null
  }

  /** Speaks to the process over this port from now on. */
  connect(port: Port): void {
    // A new process may be there before the old one's port is known to be closed.
    if (this.#port !== null) this.#end()
    this.#port = port
    port.listen(
      (data) => {
        const message = serverMessageSchema.safeParse(data)
        if (message.success && this.#port === port) this.#handle(message.data)
      },
      () => {
        if (this.#port === port) this.#end()
      }
    )
    for (const [id, { topic, key }] of this.#subscriptions) port.post({ kind: 'subscribe', id, topic, key })
    for (const call of this.#calls.values()) this.#ask(port, call)
  }

  #end(): void {
    this.lose({ code: 'lost', message: `${this.#server} has ended.` })
  }

  /** The process is gone, or none will come: what was asked of it gets no answer. */
  lose(failure: Failure): void {
    const port = this.#port
    this.#port = null
    port?.close()
    const calls = [...this.#calls.values()]
    for (const { reject } of calls) reject(new EngineError(failure))
  }

  /** Calls the process. Rejects with an EngineError where it fails, ends, or the signal is aborted. */
  call<C extends Name<Calls>>(
    name: C,
    args: z.infer<Calls[C]['args']>,
    signal?: AbortSignal
  ): Promise<z.infer<Calls[C]['result']>> {
    const id = ++this.#lastId
    return new Promise<z.infer<Calls[C]['result']>>((resolve, reject) => {
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
          resolve(value as z.infer<Calls[C]['result']>)
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
      if (this.#port !== null) this.#ask(this.#port, call)
    })
  }

  /**
   * Follows a topic: tells its state now and whenever it has changed, until the function returned is called. A window that
   * is slow to show it is told less often, never something stale at the end.
   */
  follow<T extends Name<Topics>>(
    topic: T,
    key: string,
    onState: (state: Topics[T]['state']) => void,
    onFailure: (error: EngineError) => void = () => undefined
  ): () => void {
    const id = ++this.#lastId
    let state: Topics[T]['state'] | undefined
    this.#subscriptions.set(id, {
      topic,
      key,
      take: (message) => {
        if (message.kind === 'state') state = message.state
        else if (state !== undefined)
          state = (message.changes as Topics[T]['change'][]).reduce(this.#reducers[topic], state)
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

  /** Sends what asks for a call that waits. */
  #ask(port: Port, call: PendingCall): void {
    const { waiting } = call
    if (waiting === null) return
    call.waiting = null
    try {
      port.post(waiting)
    } catch (error) {
      // Arguments that cannot be sent, such as objects with functions.
      const message = `${this.#server} cannot be asked this: ${error instanceof Error ? error.message : String(error)}`
      call.reject(new EngineError({ code: 'usage', message }))
    }
  }
}

/** A window's end of its channel to the engine. */
export class EngineClient extends ServiceClient<typeof engineCalls, EngineTopics> {
  /** @param afterFrame calls back once what was told has been shown */
  constructor(afterFrame: (then: () => void) => void) {
    super('The engine', topicReducers, afterFrame)
  }
}
