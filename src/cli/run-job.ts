import { makeContext, type JobContext } from '../engine/job'
import { progressPrinter } from './progress'

/** Runs a job with progress on stderr; Ctrl+C stops it at its next step. */
export function runJob<T>(job: (context: JobContext) => Promise<T>): Promise<T> {
  return untilStopped(async (signal) => job(await makeContext(progressPrinter(), signal)))
}

/** Does work that Ctrl+C stops. */
export async function untilStopped<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const stop = (): void => {
    controller.abort()
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
  try {
    return await work(controller.signal)
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}
