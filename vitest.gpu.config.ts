import { defineConfig } from 'vitest/config'
import { onEveryRuntime } from './vitest.config'

/** onnxruntime on a GPU, by the devices that GPU_DEVICES names. */
const devices = (process.env['GPU_DEVICES'] ?? 'webgpu cuda').split(' ')

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
