import { freemem, totalmem } from 'node:os'
import type { Failure } from '../contract/jobs'

/** Exit codes of a process that was killed (SIGKILL), or that gave up (SIGABRT, SIGTRAP, as V8 does when memory ends). */
const killed = new Set([9, 137])
const gaveUp = new Set([5, 6, 133, 134])

/**
 * Why the engine ended, as far as can be told from outside. A system that runs out of memory kills without a word.
 *
 * @param lastMemory bytes that the engine took when it last told
 * @param memory bytes of the machine, and those that are free
 */
export function engineFailure(
  code: number,
  lastMemory: number,
  memory: { readonly total: number; readonly free: number } = { total: totalmem(), free: freemem() }
): Failure {
  const isFull = lastMemory > 0.6 * memory.total || memory.free < 0.1 * memory.total
  if (gaveUp.has(code) || (killed.has(code) && isFull)) {
    const message =
      'The engine ran out of memory. Choose smaller patches or a smaller batch (or smaller tiles, for pictures), then go on.'
    return { code: 'out-of-memory', message }
  }
  const message = `The engine ended unexpectedly (code ${code}). Nothing that was on disk is lost; what ran can go on.`
  return { code: 'lost', message }
}
