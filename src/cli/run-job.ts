import { makeContext, type JobContext } from '../engine/job'
import { measurementsIn } from '../engine/jobs/doctor'
import { appEngineFolder } from './app-runs'
import { runtimeChoiceOf, type RuntimeOptions } from './options'
import { progressPrinter } from './progress'

/** Runs a job with progress on stderr; Ctrl+C stops it at its next step. */
export function runJob<T>(job: (context: JobContext) => Promise<T>, options: RuntimeOptions = {}): Promise<T> {
  const choice = runtimeChoiceOf(options)
  const measurements = measurementsIn(appEngineFolder())
  return untilStopped(async (signal) =>
    job(await makeContext(progressPrinter(), signal, undefined, choice, measurements))
  )
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
