// Brings a fresh machine to where everything runs: packages, then the build. Uses nothing but Node itself, may be run
// any number of times, and says what it does. `node scripts/setup.mjs [--quiet] [--app]`
// With --app also what only the desktop app needs: system libraries, Electron, and the app's own build.
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureDebianPackages, hasDisplay, isDebian } from './debian-packages.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const quiet = process.argv.includes('--quiet')
const withApp = process.argv.includes('--app')
const say = (text) => quiet || console.log(text)

function stop(text) {
  console.error(text)
  process.exit(1)
}

function run(command, args, what) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32'
  })
  if (error !== undefined || status !== 0)
    stop(`Set-up stopped: ${what} failed. Mend what is said above and type the same again.`)
}

/** On Linux that is not Debian's: names what the runtime's libraries lack, which only the user can install. */
function mentionMissingLibraries(runtimeFolder) {
  const { stdout } = spawnSync('ldd', [join(runtimeFolder, 'electron')], { encoding: 'utf8' })
  const missing = [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(([, library]) => library)
  if (!hasDisplay() && spawnSync('sh', ['-c', 'command -v xvfb-run']).status !== 0) missing.push('xvfb-run')
  if (missing.length > 0) say(`Set-up: the app's window may not open; not found here: ${missing.join(', ')}`)
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  stop(`Node ${process.versions.node} is too old: 20.19 or newer is needed (https://nodejs.org).`)
}

try {
  if (withApp) ensureDebianPackages(say)
} catch (error) {
  stop(error.message)
}

const lock = join(root, 'package-lock.json')
const installedLock = join(root, 'node_modules', '.package-lock.json')
if (!existsSync(installedLock) || statSync(installedLock).mtimeMs < statSync(lock).mtimeMs) {
  say('Set-up: installing packages (npm ci) …')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci')
}

try {
  if (withApp) {
    const { ensureElectron } = await import('./electron-runtime.mjs')
    const { folder } = await ensureElectron(say)
    if (process.platform === 'linux' && !isDebian()) mentionMissingLibraries(folder)
  }
  const { ensureBuilt, isBuilt } = await import('./build.mjs')
  if (!isBuilt(withApp)) {
    say('Set-up: building …')
    await ensureBuilt(withApp)
  }
} catch (error) {
  stop(error.message)
}
