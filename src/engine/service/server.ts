import { z } from 'zod'
import type { Failure } from '../../contract/jobs'
import { clientMessageSchema, type ClientMessage, type Port, type ServerMessage } from '../../contract/protocol'
import { StudioError } from '../../core/errors'
import type { Feed } from './feed'

/** What is known of a call while it is answered. */
export interface CallContext {
  /** Aborted when the window cancels the call or is gone. */
  readonly signal: AbortSignal
}

/** What a server offers. */
export interface Service {
  /** Answers a call; arguments are unchecked. Throws a StudioError for what a user should read. */
  call(name: string, args: unknown, context: CallContext): Promise<unknown>
  /** The feed of a topic. Throws a StudioError where there is none. */
  feed(topic: string, key: string): Feed<unknown, unknown>
}

/** Milliseconds between two parts of a subscription at least. */
const interval = 50

/** Changes that are kept for a window that is not ready; with more, it is sent the whole state instead. */
const mostPending = 256

/** Answers one window over a port until the port closes. */
export function serve(port: Port, service: Service): void {
  const calls = new Map<number, AbortController>()
  const subscriptions = new Map<number, Subscription>()
  const post = (message: ServerMessage): void => {
    port.post(message)
  }

  const end = (id: number): void => {
    subscriptions.get(id)?.end()
    subscriptions.delete(id)
  }

  const answer = async (id: number, name: string, args: unknown): Promise<void> => {
    const controller = new AbortController()
    calls.set(id, controller)
    try {
      post({ kind: 'result', id, value: await service.call(name, args, { signal: controller.signal }) })
    } catch (error) {
      post({ kind: 'failure', id, failure: failureOf(error) })
    } finally {
      calls.delete(id)
    }
  }

  const handle = (message: ClientMessage): void => {
    switch (message.kind) {
      case 'call':
        // A second call of the same id could neither be told apart nor cancelled.
        if (!calls.has(message.id)) void answer(message.id, message.name, message.args)
        return
      case 'cancel':
        calls.get(message.id)?.abort(new StudioError('failed', 'The call was cancelled.'))
        return
      case 'subscribe':
        end(message.id)
        try {
          const subscription = new Subscription(message.id, service.feed(message.topic, message.key), post)
          subscriptions.set(message.id, subscription)
          subscription.begin()
        } catch (error) {
          post({ kind: 'failure', id: message.id, failure: failureOf(error) })
        }
        return
      case 'ready':
        subscriptions.get(message.id)?.ready()
        return
      case 'unsubscribe':
        end(message.id)
        return
    }
  }

  port.listen(
    (data) => {
      // A window may show what it was not meant to show; what it says is not trusted.
      const message = clientMessageSchema.safeParse(data)
      if (message.success) handle(message.data)
    },
    () => {
      for (const controller of calls.values()) controller.abort(new StudioError('failed', 'The window was closed.'))
      for (const id of subscriptions.keys()) end(id)
    }
  )
}

/** One window's view of a feed: at most one part is on its way, and what is kept for the next is bounded. */
class Subscription {
  readonly #id: number
  readonly #feed: Feed<unknown, unknown>
  readonly #post: (message: ServerMessage) => void
  readonly #unlisten: () => void
  #pending: unknown[] = []
  /** The window must be sent the whole state: it has none, or changes were dropped. */
  #stale = true
  #isReady = false
  #sent = -Infinity
  #timer: NodeJS.Timeout | null = null

  constructor(id: number, feed: Feed<unknown, unknown>, post: (message: ServerMessage) => void) {
    this.#id = id
    this.#feed = feed
    this.#post = post
    this.#unlisten = feed.listen((change) => {
      this.#add(change)
    })
  }

  /** Sends the state that all changes start from. */
  begin(): void {
    this.#send()
  }

  /** The window has taken in what it was sent. */
  ready(): void {
    this.#isReady = true
    this.#schedule()
  }

  end(): void {
    this.#unlisten()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#isReady = false
  }

  #add(change: unknown): void {
    if (this.#stale) return
    if (this.#pending.length === mostPending) {
      this.#pending = []
      this.#stale = true
    } else {
      this.#pending.push(change)
    }
    this.#schedule()
  }

  #schedule(): void {
    if (!this.#isReady || this.#timer !== null || (!this.#stale && this.#pending.length === 0)) return
    const wait = this.#sent + interval - performance.now()
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.#send()
      },
      Math.max(0, wait)
    )
  }

  #send(): void {
    this.#isReady = false
    this.#sent = performance.now()
    if (this.#stale) this.#post({ kind: 'state', id: this.#id, state: this.#feed.state })
    else this.#post({ kind: 'changes', id: this.#id, changes: this.#pending })
    this.#pending = []
    this.#stale = false
  }
}

/** What a window is told of an error. */
export function failureOf(error: unknown): Failure {
  if (error instanceof StudioError) return { code: error.code, message: error.message }
  if (error instanceof z.ZodError) {
    return { code: 'usage', message: `The engine was asked for what it does not understand: ${z.prettifyError(error)}` }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'failed', message: `Something went wrong that should not: ${message}` }
}
