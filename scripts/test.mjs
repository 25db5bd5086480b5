// Every check of the project; all of them run even when one fails. The last line counts them: each lint is one, each test is
// one, of the engine as of the desktop app.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runEndToEnd } from './end-to-end.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
// Two at a time: each takes one core. The longest comes first.
const lints = ['lint:style', 'lint:types', 'lint:imports', 'lint:security', 'lint:unused']
let passed = 0
let failed = 0
let skipped = 0

const options = { cwd: root, shell: process.platform === 'win32' }

/** Runs one lint; its output is shown where it fails. */
async function runLint(lint) {
  const started = performance.now()
  let output = ''
  const child = spawn('npm', ['run', '--silent', lint], { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part) => {
      output += part
    })
  }
  const status = await new Promise((resolve) => {
    child.once('error', () => resolve(1)).once('close', resolve)
  })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${lint} (${seconds} s)`)
  if (status === 0) passed++
  else {
    failed++
    console.log(output)
  }
}
const waiting = [...lints]
const runWaiting = async () => {
  for (let lint = waiting.shift(); lint !== undefined; lint = waiting.shift()) await runLint(lint)
}
await Promise.all([runWaiting(), runWaiting()])

const folder = mkdtempSync(join(tmpdir(), '2dquant-test-'))
const report = join(folder, 'report.json')
const unit = ['test:unit', '--', '--reporter=default', '--reporter=json', `--outputFile=${report}`]
spawnSync('npm', ['run', '--silent', ...unit], { ...options, stdio: ['ignore', 'inherit', 'inherit'] })
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
