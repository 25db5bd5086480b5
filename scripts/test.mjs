// Every check of the project, one after the other; all of them run even when one fails. The last line counts them:
// each lint is one, each test is one, of the engine as of the desktop app.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runEndToEnd } from './end-to-end.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const lints = ['lint:types', 'lint:imports', 'lint:style', 'lint:security', 'lint:unused']
let passed = 0
let failed = 0
let skipped = 0

function npm(args, stdio) {
  const options = { cwd: root, stdio, encoding: 'utf8', shell: process.platform === 'win32' }
  return spawnSync('npm', ['run', '--silent', ...args], options)
}

for (const lint of lints) {
  const started = performance.now()
  const { status, stdout, stderr } = npm([lint], ['ignore', 'pipe', 'pipe'])
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${lint} (${seconds} s)`)
  if (status === 0) passed++
  else {
    failed++
    console.log(stdout + stderr)
  }
}

const folder = mkdtempSync(join(tmpdir(), '2dquant-test-'))
const report = join(folder, 'report.json')
npm(
  ['test:unit', '--', '--reporter=default', '--reporter=json', `--outputFile=${report}`],
  ['ignore', 'inherit', 'inherit']
)
if (existsSync(report)) {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success, testResults } = JSON.parse(
    readFileSync(report, 'utf8')
  )
  passed += numPassedTests
  failed += numFailedTests
  skipped += numPendingTests + numTodoTests
  // A file that does not even load has no tests to count.
  if (!success && numFailedTests === 0) failed += testResults.filter(({ status }) => status === 'failed').length || 1
  if (numPassedTests === 0) failed++
} else {
  console.log('The test runner ended without a report.')
  failed++
}
rmSync(folder, { recursive: true, force: true })

const specs = join(root, 'test', 'e2e')
if (
  existsSync(specs) &&
  readdirSync(specs, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.spec.ts'))
) {
  const counts = runEndToEnd('playwright.config.ts')
  passed += counts.passed
  failed += counts.failed
  skipped += counts.skipped
}

if (skipped > 0) {
  console.log(
    `${skipped} tests were skipped: they need benchmark pictures and models in ../shared/data, which is not there.`
  )
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed > 0 ? 1 : 0
