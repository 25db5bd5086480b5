import { defineConfig } from 'vitest/config'
import { appEngineFolder } from './src/cli/app-runs'
import { takeGpuLibrariesFrom } from './src/engine/gpu/folder'
import { listCandidates } from './src/runtimes/select'
import { onEveryRuntime } from './vitest.config'

takeGpuLibrariesFrom(appEngineFolder())

/** onnxruntime on a GPU: the devices that GPU_DEVICES names ("webgpu cuda"), or all that its package has. */
const devices =
  process.env['GPU_DEVICES']?.split(' ') ??
  listCandidates().flatMap(({ runtime, device }) => (runtime === 'onnxruntime' && device !== 'cpu' ? [device] : []))

export default defineConfig({
  test: {
    projects: devices.map((device) => ({
      extends: true as const,
      test: {
        name: device,
        include: [
          ...onEveryRuntime,
          'test/core/{calibration,distillation}/golden.test.ts',
          'test/runtimes/parity.test.ts',
          'test/runtimes/*.gpu.ts'
        ],
        env: { TESTED_RUNTIME: `onnxruntime ${device}` }
      }
    })),
    globalSetup: 'test/build.ts',
    // One GPU computes one thing at a time.
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000
  }
})
