import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { onEveryRuntime } from './vitest.config'

/** The second runtime on TensorFlow's real library (scripts/tfjs-native.mjs), in Node.js and in the app's kind of process. */
export default defineConfig({
  test: {
    include: [
      ...onEveryRuntime,
      'test/core/{calibration,distillation}/golden.test.ts',
      'test/runtimes/tfjs.test.ts',
      'test/runtimes/native/*.native.ts'
    ],
    env: { TESTED_RUNTIME: 'tfjs node', STUDIO_TFJS_PATH: join(import.meta.dirname, '.tfjs-native') },
    globalSetup: 'test/build.ts',
    // TensorFlow takes all processors by itself.
    maxWorkers: 1,
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000
  }
})
