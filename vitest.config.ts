import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** What graphs compute is tested once more on each other runtime (test/runtime.ts). */
export const onEveryRuntime = [
  'test/core/distillation/objective.test.ts',
  'test/core/graph/gradients/*.test.ts',
  'test/core/quantization/{block,quantizer}.test.ts'
]

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'usual', include: ['test/**/*.test.ts'] } },
      { extends: true, test: { name: 'tfjs', include: onEveryRuntime, env: { TESTED_RUNTIME: 'tfjs wasm' } } }
    ],
    globalSetup: 'test/build.ts',
    // One less is usual, which leaves half of two processors idle.
    maxWorkers: availableParallelism(),
    // Nothing of what the user of this machine has measured or chosen.
    env: { XDG_CONFIG_HOME: join(tmpdir(), '2dquant-tests'), APPDATA: join(tmpdir(), '2dquant-tests') },
    testTimeout: 120_000,
    hookTimeout: 120_000
  }
})
