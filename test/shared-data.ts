import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'

const folder = join(import.meta.dirname, '..', '..', 'shared', 'data')

/** Benchmark pictures and pretrained models that may not be part of this repository. */
const hasSharedData = existsSync(folder)

/** A path inside the shared data folder; only for use within `describeWithSharedData`. */
export function sharedData(...parts: readonly string[]): string {
  return join(folder, ...parts)
}

/**
 * A `describe` for tests that need the shared data. Without it they are skipped and counted by the runner (each such
 * suite as one test, as its tests are listed in the data); on a CI machine its absence is a failure instead.
 */
export function describeWithSharedData(name: string, body: () => void | Promise<void>): void {
  if (hasSharedData) describe(name, body)
  else if (process.env['CI']) throw new Error(`CI must run "${name}", which needs ../shared/data beside the checkout`)
  else
    describe.skip(name, () => {
      it('needs ../shared/data')
    })
}
