/**
 * Why something could not be done, for programs: the command line maps `usage` to exit code 2 and all others to 1.
 *
 * - `usage`: the caller asked for something that makes no sense (an unknown flag, contradicting options);
 * - `missing`: a file or folder is not there;
 * - `unreadable`: a file is damaged, truncated or not of the kind its name says;
 * - `refused`: the input is sound, but this program will not or cannot take it (wrong architecture, hostile content);
 * - `failed`: the work itself failed (disk full, out of memory, a runtime error).
 */
export type ErrorCode = 'usage' | 'missing' | 'unreadable' | 'refused' | 'failed'

/** An error whose message is one sentence a user can act on: what happened, why, what to do. */
export class StudioError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'StudioError'
    this.code = code
  }
}

/** Memory was short: what is smaller may still be done. */
export class OutOfMemoryError extends StudioError {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('failed', message, options)
  }
}

/** Closes a union: the compiler proves that no case is left, the throw covers values that lie about their type. */
export function assertNever(value: never): never {
  throw new Error(`Unexpected value: ${JSON.stringify(value)}`)
}
