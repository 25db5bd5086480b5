import { StudioError } from '../engine/errors'
import { TrainingPaused } from '../engine/training/control'

/** What an error reads like on a terminal (six lines at most), and the exit code it ends with. */
export function explain(error: unknown): { readonly lines: readonly string[]; readonly exitCode: 1 | 2 } {
  if (error instanceof StudioError)
    return { lines: [`error: ${error.message}`], exitCode: error.code === 'usage' ? 2 : 1 }
  if (error instanceof Error && error.name === 'AbortError')
    return { lines: ['Stopped; nothing was written.'], exitCode: 1 }
  if (error instanceof TrainingPaused) return { lines: [error.message], exitCode: 1 }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    lines: [
      'error: this is a fault of 2dquant itself; please report it with these lines:',
      ...trace.split('\n').slice(0, 5)
    ],
    exitCode: 1
  }
}
