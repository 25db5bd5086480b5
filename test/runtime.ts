import { appEngineFolder } from '../src/cli/app-runs'
import type { Runtime } from '../src/core/runtime'
import { takeGpuLibrariesFrom } from '../src/engine/gpu/folder'
import { onnxruntimeCpu } from '../src/runtimes/onnxruntime'
import { runtimeNamed, runtimeOf } from '../src/runtimes/select'

/** A runtime and a device, as `tfjs wasm` or `onnxruntime webgpu`. */
const [name, device = ''] = (process.env['TESTED_RUNTIME'] ?? 'onnxruntime cpu').split(' ')
const runtime = runtimeNamed(name)
if (runtime === null) throw new Error(`TESTED_RUNTIME names no runtime: "${name}"`)
// What is installed for GPUs is tested with them.
if (device !== 'cpu') takeGpuLibrariesFrom(appEngineFolder())

/**
 * What computes in tests of graphs, gradients and golden values: onnxruntime on the processor, and in the runs that the configurations
 * of vitest add, others.
 */
export const testedRuntime: Runtime = await runtimeOf(runtime, device)

/** Whether it is the processor's onnxruntime, which others are compared with. */
export const isUsualRuntime = testedRuntime === onnxruntimeCpu
