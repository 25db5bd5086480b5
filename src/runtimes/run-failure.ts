import { OutOfMemoryError, StudioError } from '../core/errors'

/** How runtimes, drivers and JavaScript's own engine say that memory was short; WebGPU of a buffer that it could not make, only that it is invalid. */
const shortOfMemory =
  /out of memory|failed to allocate|bad[_ ]alloc|allocation failed|OOM when allocating|memory access out of bounds|Invalid typed array length|maximum (?:buffer|storage buffer binding) size|\[Invalid Buffer/i

/** What a runtime throws where a graph could not be run to its end: an OutOfMemoryError where memory was short. */
export function runFailure(runtime: string, cause: unknown): StudioError {
  if (cause instanceof StudioError) return cause
  const line = firstLine(cause)
  const message = `${runtime} could not run this model: ${line}`
  return shortOfMemory.test(line)
    ? new OutOfMemoryError(message, { cause })
    : new StudioError('failed', message, { cause })
}

/** What is wrong by an error of native code, whose message carries a stack trace behind its first line. */
export function firstLine(cause: unknown): string {
  const [line = ''] = String(cause instanceof Error ? cause.message : cause).split('\n')
  return line.trim()
}
