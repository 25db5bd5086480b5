// Runs a program of ours that opens Electron's windows, with what this machine lacks for that: a display where there is
// none, no sandbox where Chromium cannot have one. `node scripts/with-display.mjs electron|electron-vite|playwright …`
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasDisplay } from './debian-packages.mjs'
import { isStarted } from './is-started.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const packageOf = { playwright: '@playwright/test' }

/** The script behind a name in node_modules/.bin, which, unlike that, is started the same way on all systems. */
function scriptOf(program) {
  const folder = join(root, 'node_modules', packageOf[program] ?? program)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof bin === 'string' ? bin : bin[program])
}

/** Why Chromium's sandbox cannot work for a program that is not installed, or undefined. */
function sandboxObstacle() {
  if (process.getuid() === 0) return 'root may not use it'
  const helper = join(root, 'node_modules', 'electron', 'dist', 'chrome-sandbox')
  const { uid, mode } = statSync(helper, { throwIfNoEntry: false }) ?? {}
  if (uid === 0 && (mode & 0o4000) !== 0) return undefined
  const { status } = spawnSync('unshare', ['--user', 'true'], { stdio: 'ignore' })
  if (status !== 0) return 'user namespaces, which it needs, are not allowed here'
  const restriction = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'
  const isRestricted = existsSync(restriction) && readFileSync(restriction, 'utf8').trim() === '1'
  return isRestricted ? 'this Linux allows it to installed programs only' : undefined
}

/** Runs `program` to its end; returns its exit status. */
export function runWithDisplay(program, args, environment = {}) {
  const env = { ...process.env, ...environment }
  let command = [process.execPath, scriptOf(program), ...args]
  if (process.platform === 'linux') {
    // For these windows only: what is installed keeps its sandbox.
    const obstacle = sandboxObstacle()
    if (env.ELECTRON_DISABLE_SANDBOX === undefined && obstacle !== undefined) {
      if (program === 'electron') console.log(`Chromium's sandbox is off: ${obstacle}.`)
      env.ELECTRON_DISABLE_SANDBOX = '1'
    }
    // Where no session bus is, looking for one only costs time and prints errors.
    env.DBUS_SESSION_BUS_ADDRESS ??= 'disabled:'
    if (!hasDisplay()) {
      if (program === 'electron') console.log('There is no display: the window opens on a virtual one.')
      command = ['xvfb-run', '-a', '-s', '-screen 0 2000x1200x24', ...command]
    }
  }
  const [file, ...rest] = command
  const { status, error } = spawnSync(file, rest, { cwd: root, env, stdio: 'inherit' })
  if (error?.code === 'ENOENT')
    console.error(`${file} is not installed; node scripts/setup.mjs --app tells how to get it.`)
  else if (error !== undefined) console.error(error.message)
  return status ?? 1
}

if (isStarted(import.meta.url)) {
  const [program, ...args] = process.argv.slice(2)
  process.exitCode = runWithDisplay(program, args)
}
