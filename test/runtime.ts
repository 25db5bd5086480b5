import type { Runtime } from '../src/core/runtime'
import { onnxruntimeCpu } from '../src/runtimes/onnxruntime'
import { tfjsDevices } from '../src/runtimes/tfjs/devices'
import { tfjsRuntime } from '../src/runtimes/tfjs/runtime'

const device = tfjsDevices.find((each) => each === process.env['TESTED_TFJS_DEVICE'])

/**
 * What computes in tests of graphs, gradients and golden values: onnxruntime, and in the runs that vitest.config.ts adds a device
 * of tfjs.
 */
export const testedRuntime: Runtime = device === undefined ? onnxruntimeCpu : tfjsRuntime(device)
