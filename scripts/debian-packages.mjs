// The Debian and Ubuntu packages that Electron's windows need, and which of them are missing here. Only Node's own
// modules are used: set-up runs this before the project's packages are there. `node scripts/debian-packages.mjs`
// installs them (as root) or says how.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { isStarted } from './is-started.mjs'

/** What a machine without a display needs in addition: a virtual one. */
const virtualDisplay = ['xvfb', 'xauth']

export const hasDisplay = () => Boolean(process.env.DISPLAY ?? process.env.WAYLAND_DISPLAY)

export const isDebian = () => process.platform === 'linux' && existsSync('/usr/bin/dpkg-query')

export function neededPackages(withDisplay = hasDisplay()) {
  const listed = readFileSync(new URL('debian-packages.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean)
  return withDisplay ? listed : [...virtualDisplay, ...listed]
}

/**
 * The names that are not installed, as this release calls them: since Debian 13 and Ubuntu 24.04 libraries whose
 * interface holds times have the suffix `t64`.
 */
export function missingPackages(needed, installed, available) {
  const suffixed = (name) => `${name}t64`
  return needed
    .filter((name) => !installed.has(name) && !installed.has(suffixed(name)))
    .map((name) => (available.has(suffixed(name)) ? suffixed(name) : name))
}

function lines(command, args) {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  return (stdout ?? '').split('\n')
}

/** Names of all packages that are installed. */
function installedPackages() {
  const listed = lines('dpkg-query', ['--show', '--showformat', '${db:Status-Status} ${Package}\n'])
  return new Set(listed.filter((line) => line.startsWith('installed ')).map((line) => line.slice('installed '.length)))
}

/** Names of all packages that apt knows; empty before the first `apt-get update`. */
const availablePackages = () => new Set(lines('apt-cache', ['pkgnames']))

function aptGet(...args) {
  const { status } = spawnSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  })
  if (status !== 0) throw new Error(`apt-get ${args[0]} failed. Mend what is said above and type the same again.`)
}

/** Installs what is missing; throws with one sentence where that takes another user. Elsewhere than on Debian nothing. */
export function ensureDebianPackages(say = console.log) {
  if (!isDebian()) return
  const installed = installedPackages()
  const missing = () => missingPackages(neededPackages(), installed, availablePackages())
  if (missing().length === 0) return
  if (process.getuid() !== 0) {
    const command = `apt-get update && apt-get install -y --no-install-recommends ${missing().join(' ')}`
    throw new Error(
      `The app's window needs system libraries. Type this, then the same again:\n  sudo sh -c '${command}'`
    )
  }
  say('Set-up: installing system libraries (apt-get) …')
  // The lists come first: what packages are called here can only be told from them.
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', ...missing())
}

if (isStarted(import.meta.url)) {
  try {
    ensureDebianPackages()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
