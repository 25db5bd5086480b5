// Brings a fresh machine to where everything runs: packages, then the build. Uses nothing but Node itself, may be run
// any number of times, and says what it does. `node scripts/setup.mjs [--quiet]`
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const quiet = process.argv.includes('--quiet')
const say = (text) => quiet || console.log(text)

/** Debian packages that the programs here need beside Node. */
const debianPackages = []

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

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  stop(`Node ${process.versions.node} is too old: 20.19 or newer is needed (https://nodejs.org).`)
}

if (process.platform === 'linux' && debianPackages.length > 0) {
  const installed = (name) => spawnSync('dpkg', ['-s', name], { stdio: 'ignore' }).status === 0
  const missing = debianPackages.filter((name) => !installed(name))
  const install = `apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (missing.length > 0 && process.getuid?.() === 0) {
    say(`Set-up: installing ${missing.join(', ')} …`)
    run('sh', ['-c', install], 'apt-get')
  } else if (missing.length > 0) {
    stop(`Set-up needs ${missing.join(', ')}. Type this, then the same again:\n  sudo sh -c '${install}'`)
  }
}

const lock = join(root, 'package-lock.json')
const installedLock = join(root, 'node_modules', '.package-lock.json')
if (!existsSync(installedLock) || statSync(installedLock).mtimeMs < statSync(lock).mtimeMs) {
  say('Set-up: installing packages (npm ci) …')
  run('npm', ['ci', '--no-audit', '--no-fund'], 'npm ci')
}

const { ensureBuilt, isBuilt } = await import('./build.mjs')
if (!isBuilt()) {
  say('Set-up: building …')
  await ensureBuilt()
}
