import type { RuntimeChoice } from '../contract/runtimes'
import { StudioError } from '../core/errors'
import type { Runtime } from '../core/runtime'
import { isOnProcessor, requireRuntime } from '../runtimes/select'
import { knownDiagnosis, thisMachine } from './jobs/doctor'

/**
 * The runtime that was asked for, which nothing replaces; where none was, the one that was measured fastest on this machine, or the
 * processor's onnxruntime where nothing was measured, or where that one works no more. Throws a StudioError where what was asked for
 * does not work.
 *
 * @param measurements the file in which `doctor` keeps what it measured; null for none
 * @param warn hears why the fastest was not taken
 */
export async function runtimeFor(
  choice: RuntimeChoice | null,
  measurements: string | null,
  warn: (message: string) => void
): Promise<Runtime> {
  if (choice !== null) return withMemory(await requireRuntime(choice))
  const fastest = measurements === null ? null : ((await knownDiagnosis(measurements))?.chosen ?? null)
  try {
    return await withMemory(await requireRuntime(fastest))
  } catch (error) {
    if (fastest === null || !(error instanceof StudioError)) throw error
    warn(`${error.message} The processor computes instead.`)
    return requireRuntime()
  }
}

/** A GPU's runtime with how much memory it has, where that is known. */
async function withMemory(runtime: Runtime): Promise<Runtime> {
  if (isOnProcessor(runtime.device)) return runtime
  const memoryBytes = (await thisMachine()).gpus[0]?.memoryBytes ?? null
  return memoryBytes === null ? runtime : { ...runtime, memoryBytes }
}
