// Runs the end-to-end tests of the desktop app and counts them.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runWithDisplay } from './with-display.mjs'

/** What Playwright's JSON report counts; a run without a report, or in which no test ran, is a failure itself. */
export function countTests(report) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const { stats, errors } = report
  const passed = stats.expected
  const failed = stats.unexpected + stats.flaky
  // Errors outside of tests: a file that does not load, a set-up that fails.
  const silent = passed + failed === 0 || (errors.length > 0 && failed === 0)
  return { passed, failed: silent ? Math.max(1, errors.length) : failed, skipped: stats.skipped }
}

/** Runs the tests of `config` against the program that `environment` names; returns how many passed and failed. */
export function runEndToEnd(config, environment = {}) {
  const folder = mkdtempSync(join(tmpdir(), '2dquant-e2e-'))
  const file = join(folder, 'report.json')
  const args = ['test', '-c', config, '--reporter=list,json']
  const status = runWithDisplay('playwright', args, { PLAYWRIGHT_JSON_OUTPUT_FILE: file, ...environment })
  const counts = countTests(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)
  rmSync(folder, { recursive: true, force: true })
  // Whatever else ended the run badly must not be counted as success.
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}
