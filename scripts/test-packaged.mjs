// Packages a test build and runs the end-to-end tests against it as users get it: unpacked, in folders whose names hold
// spaces and Chinese characters. Needs no root; leaves nothing behind but release/test. The last line counts.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageApp } from './dist.mjs'
import { runEndToEnd } from './end-to-end.mjs'
import { checkPackagedApp, executableIn, laidOutApp } from './packaged-app.mjs'

const isLinux = process.platform === 'linux'
const hasDpkg = isLinux && spawnSync('dpkg-deb', ['--version'], { stdio: 'ignore' }).status === 0

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) throw new Error(`${command} could not unpack ${args.join(' ')}.`)
}

function fileIn(folder, ending) {
  const name = readdirSync(folder).find((entry) => entry.endsWith(ending))
  if (name === undefined) throw new Error(`There is no ${ending} in ${folder}.`)
  return join(folder, name)
}

/** Unpacks what was packaged in every way that users do; returns the executables by a name of each way. */
function unpack(release, folder) {
  const odd = join(folder, '超分 模型 (a copy)')
  mkdirSync(odd)
  if (!isLinux) {
    cpSync(laidOutApp(release), join(odd, 'app'), { recursive: true, verbatimSymlinks: true })
    return { dir: executableIn(laidOutApp(release)), 'dir, odd folder': executableIn(join(odd, 'app')) }
  }
  const executables = { dir: executableIn(laidOutApp(release)) }
  const tar = join(odd, 'tar')
  mkdirSync(tar)
  run('tar', ['-xzf', fileIn(release, '.tar.gz'), '--strip-components=1', '-C', tar])
  executables['tar.gz, odd folder'] = executableIn(tar)
  if (hasDpkg) {
    const deb = join(folder, 'deb')
    run('dpkg-deb', ['-x', fileIn(release, '.deb'), deb])
    executables.deb = executableIn(join(deb, 'opt', '2DQuant-Studio'))
  }
  return executables
}

const total = { passed: 0, failed: 0, skipped: 0 }
const folder = mkdtempSync(join(tmpdir(), '2dquant-packaged-'))
try {
  const release = await packageApp(isLinux ? ['dir', 'tar.gz', ...(hasDpkg ? ['deb'] : [])] : ['dir'], true)
  for (const [way, executable] of Object.entries(unpack(release, folder))) {
    console.log(`\n${way}: ${executable}`)
    for (const [check, faults] of Object.entries(await checkPackagedApp(executable, true))) {
      total[faults.length === 0 ? 'passed' : 'failed']++
      console.log(faults.length === 0 ? `ok     ${check}` : `FAILED ${check}: ${faults.join(', ')}`)
    }
    const { passed, failed, skipped } = runEndToEnd('playwright.packaged.config.ts', { STUDIO_EXECUTABLE: executable })
    total.passed += passed
    total.failed += failed
    total.skipped += skipped
  }
} catch (error) {
  console.error(error.message)
  total.failed++
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`)
process.exitCode = total.failed > 0 ? 1 : 0
