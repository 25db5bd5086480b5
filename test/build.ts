import { ensureBuilt } from '../scripts/build.mjs'

/** Tests of the command line run what users run: the built program, built once before all tests. */
export async function setup(): Promise<void> {
  await ensureBuilt()
}
