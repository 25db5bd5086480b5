import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'vitest'

const folder = join(import.meta.dirname, '..', '..', 'shared', 'data')

/** Benchmark pictures and pretrained models that may not be part of this repository. */
export const hasSharedData = existsSync(folder)

/** A path inside the shared data folder; only for use within `describeWithSharedData`. */
export function sharedData(...parts: readonly string[]): string {
  return join(folder, ...parts)
}

/**
 * A `describe` for tests that need the shared data. Without it they are skipped and counted by the runner;
 * on a CI machine its absence is a failure instead.
 */
export function describeWithSharedData(name: string, body: () => void | Promise<void>): void {
  if (!hasSharedData && process.env['CI']) {
    throw new Error(`CI must run "${name}", which needs ../shared/data beside the checkout`)
  }
  describe.skipIf(!hasSharedData)(name, body)
}
