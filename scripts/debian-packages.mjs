// The Debian and Ubuntu packages that Electron's windows need, and which of them are missing here. Only Node's own
// modules are used: set-up runs this before the project's packages are there.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

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
export function installedPackages() {
  const listed = lines('dpkg-query', ['--show', '--showformat', '${db:Status-Status} ${Package}\n'])
  return new Set(listed.filter((line) => line.startsWith('installed ')).map((line) => line.slice('installed '.length)))
}

/** Names of all packages that apt knows; empty before the first `apt-get update`. */
export const availablePackages = () => new Set(lines('apt-cache', ['pkgnames']))
