import type { JobEvent } from '../contract/events'
import type { Runtime } from '../core/runtime'
import { requireRuntime } from '../runtimes/select'

/** What every job is given: where it runs, whom it tells, and when it must stop. */
export interface JobContext {
  readonly runtime: Runtime
  readonly emit: (event: JobEvent) => void
  /** Jobs stop within one step (a patch, a picture) once this is aborted, by throwing its reason. */
  readonly signal: AbortSignal
}

/** A context on the best runtime of this machine. Throws a StudioError where none works. */
export async function makeContext(emit: JobContext['emit'], signal: AbortSignal): Promise<JobContext> {
  return { runtime: await requireRuntime(), emit, signal }
}

/** The same context, whose events `listener` sees first. */
export function withListener(context: JobContext, listener: JobContext['emit']): JobContext {
  return {
    ...context,
    emit: (event) => {
      listener(event)
      context.emit(event)
    }
  }
}

/** Tells how far a phase has come. Throws when the job is to stop. */
export function report(
  { emit, signal }: JobContext,
  phase: Extract<JobEvent, { kind: 'progress' }>['phase'],
  done: number,
  total: number,
  unit: string
): void {
  signal.throwIfAborted()
  emit({ kind: 'progress', phase, done, total, unit })
}
