import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Figure } from './figure'
import { pictureBenchmarks } from './pictures'

/** The project's folder; this file is built to out/bench.mjs. */
const root = fileURLToPath(new URL('..', import.meta.url))

/** Measures the desktop app, packaged, in windows of its own: test/bench/app. */
export function appBenchmarks(): Promise<readonly Figure[]> {
  return measure(['app.spec', 'updates.spec', 'newcomer.spec'])
}

/** Measures the viewer in it, and the process that reads pictures alone. */
export async function viewerBenchmarks(): Promise<readonly Figure[]> {
  return [...(await pictureBenchmarks()), ...(await measure(['viewer.spec']))]
}

function measure(specs: readonly string[]): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'studio-bench-'))
  const file = join(folder, 'figures.json')
  const run = (args: readonly string[]): void => {
    const env = { ...process.env, STUDIO_FIGURES: file, STUDIO_TEST_BUILD: '1' }
    const { status } = spawnSync(process.execPath, args, { cwd: root, env, stdio: ['ignore', 2, 2] })
    if (status !== 0) throw new Error(`node ${args.join(' ')} failed`)
  }
  try {
    run(['scripts/setup.mjs', '--app', '--quiet'])
    run(['scripts/dist.mjs', 'dir'])
    run(['scripts/with-display.mjs', 'playwright', 'test', '-c', 'playwright.bench.config.ts', ...specs])
    return Promise.resolve(JSON.parse(readFileSync(file, 'utf8')) as Figure[])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
