// Every check of the project: lints, as many at a time as there are processors, then the tests. All of them run even when
// one fails. The last line counts them: each lint is one, each test is one, of the engine as of the desktop app.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runEndToEnd } from './end-to-end.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Those that take longest first, so that none is left to run alone. */
const lints = ['lint:style', 'lint:types', 'lint:imports', 'lint:unused', 'lint:security']
const shell = process.platform === 'win32'
let passed = 0
let failed = 0
let skipped = 0

/** Runs a lint and tells how it ended, with what it said where it found something. */
function runLint(lint) {
  const started = performance.now()
  const child = spawn('npm', ['run', '--silent', lint], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text))
  return new Promise((resolve) => {
    child.on('close', (status) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${lint} (${seconds} s)`)
      if (status === 0) passed++
      else {
        failed++
        console.log(said)
      }
      resolve()
    })
  })
}

async function runLints() {
  for (let lint = lints.shift(); lint !== undefined; lint = lints.shift()) await runLint(lint)
}

await Promise.all(Array.from({ length: availableParallelism() }, runLints))

const folder = mkdtempSync(join(tmpdir(), '2dquant-test-'))
const report = join(folder, 'report.json')
const reporters = ['--reporter=default', '--reporter=json', `--outputFile=${report}`]
spawnSync('npm', ['run', '--silent', 'test:unit', '--', ...reporters], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  shell
})
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
