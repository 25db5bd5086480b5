import { z } from 'zod'
import { failureSchema, type Failure } from './jobs'

/**
 * What windows and the engine say to each other over a message port. Ids are the window's; an answer carries the id of
 * what it answers. A call has one answer. A subscription is first answered by the whole state of its topic and then by the
 * changes since, in order; the engine sends no more of a subscription until the window is `ready` for it, and where more
 * changes come up than it keeps meanwhile, the next thing it sends is the whole state again.
 */
export const clientMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('call'), id: z.int(), name: z.string(), args: z.unknown() }),
  z.object({ kind: z.literal('cancel'), id: z.int() }),
  z.object({ kind: z.literal('subscribe'), id: z.int(), topic: z.string(), key: z.string() }),
  z.object({ kind: z.literal('ready'), id: z.int() }),
  z.object({ kind: z.literal('unsubscribe'), id: z.int() })
])
export type ClientMessage = Readonly<z.infer<typeof clientMessageSchema>>

export type ServerMessage =
  | { readonly kind: 'result'; readonly id: number; readonly value: unknown }
  /** The call failed, or the subscription ended. */
  | { readonly kind: 'failure'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'state'; readonly id: number; readonly state: unknown }
  | { readonly kind: 'changes'; readonly id: number; readonly changes: readonly unknown[] }

export const serverMessageSchema: z.ZodType<ServerMessage> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('result'), id: z.int(), value: z.unknown() }),
  z.object({ kind: z.literal('failure'), id: z.int(), failure: failureSchema }),
  z.object({ kind: z.literal('state'), id: z.int(), state: z.unknown() }),
  z.object({ kind: z.literal('changes'), id: z.int(), changes: z.array(z.unknown()) })
])

/** One end of a channel that keeps the order of messages: between processes, threads, or within one. */
export interface Port {
  post(message: unknown): void
  /** Called once, before the first message can come. */
  listen(onMessage: (message: unknown) => void, onClose: () => void): void
  close(): void
}
