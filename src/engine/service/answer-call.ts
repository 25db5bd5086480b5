import type { z } from 'zod'
import type { CallContext } from './server'

/** Calls that a process answers, by their names: schemas of arguments and result. */
type CallTable = Readonly<Record<string, { readonly args: z.ZodType; readonly result: z.ZodType }>>

/** What answers each call of a table. */
export type CallHandlers<T extends CallTable> = {
  readonly [C in keyof T]: (
    args: z.infer<T[C]['args']>,
    context: CallContext
  ) => Promise<z.infer<T[C]['result']>> | z.infer<T[C]['result']>
}

export function isCallOf<T extends CallTable>(calls: T, name: string): name is keyof T & string {
  return Object.hasOwn(calls, name)
}

/** Answers a call. Arguments come from a window and are checked before they are used. */
export async function answerCall<T extends CallTable, C extends keyof T & string>(
  calls: T,
  handlers: CallHandlers<T>,
  name: C,
  args: unknown,
  context: CallContext
): Promise<z.infer<T[C]['result']>> {
  const { args: schema }: T[C] = calls[name]
  return handlers[name](schema.parse(args) as z.infer<T[C]['args']>, context)
}
