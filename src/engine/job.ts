import { freemem } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import type { JobEvent, ProgressEvent } from '../contract/events'
import type { RuntimeChoice } from '../contract/runtimes'
import type { Runtime } from '../core/runtime'
import { runtimeFor } from './automatic-runtime'

/** What every job is given: where it runs, whom it tells, and when it must stop. */
export interface JobContext {
  readonly runtime: Runtime
  readonly emit: (event: JobEvent) => void
  /** Jobs stop within one step (a patch, a picture) once this is aborted, by throwing its reason. */
  readonly signal: AbortSignal
  /** Called between two steps: resolves once all that waits for the thread has had its turn. */
  readonly giveWay: () => Promise<void>
}

/**
 * A context on the runtime that was asked for. Throws a StudioError where it does not work.
 *
 * @param choice null takes what was measured fastest
 * @param measurements the file that tells it; without it, the processor's onnxruntime is taken
 */
export async function makeContext(
  emit: JobContext['emit'],
  signal: AbortSignal,
  giveWay: JobContext['giveWay'] = () => setImmediate(),
  choice: RuntimeChoice | null = null,
  measurements: string | null = null
): Promise<JobContext> {
  return { runtime: await runtimeFor(choice, measurements, warning({ emit })), emit, signal, giveWay }
}

/** Tells those who hear a job something that does not go as it should. */
export function warning({ emit }: Pick<JobContext, 'emit'>): (message: string) => void {
  return (message) => {
    emit({ kind: 'log', level: 'warning', message })
  }
}

/** Memory for the values of networks. */
export interface NetworkMemory {
  /** Bytes that they may take. */
  readonly cap: number
  /** Hears that less was there, and what is done about it. */
  readonly warn: (message: string) => void
}

/** The memory that a job may take: what the user said, or half of the device's, or of what is free where it is the processor's. */
export function memoryIn(context: Pick<JobContext, 'runtime' | 'emit'>, cap: number | undefined): NetworkMemory {
  return { cap: cap ?? (context.runtime.memoryBytes ?? freemem()) / 2, warn: warning(context) }
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

/** Tells how far a phase has come, and gives way. Throws when the job is to stop. */
export async function report(
  { emit, signal, giveWay }: JobContext,
  phase: ProgressEvent['phase'],
  done: number,
  total: number,
  unit: string
): Promise<void> {
  signal.throwIfAborted()
  emit({ kind: 'progress', phase, done, total, unit })
  await giveWay()
  signal.throwIfAborted()
}
