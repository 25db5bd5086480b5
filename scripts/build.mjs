// Builds out/ when it is missing or older than what it is made from: the programs for Node, and the three parts of the
// desktop app where they are asked for. Takes a few milliseconds when there is nothing to do.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isStarted } from './is-started.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const packages = ['package.json', 'package-lock.json']
const screens = ['src/main', 'src/preload', 'src/renderer']

/** What each build is made from (without what lies in `except`), and files that all of it leaves behind. */
const programs = {
  sources: ['src', 'test/bench', 'vite.config.ts', ...packages],
  except: screens,
  results: ['out/cli.mjs', 'out/engine.mjs', 'out/pictures.mjs', 'out/session-thread.mjs', 'out/probe.mjs']
}
const app = {
  sources: [
    ...screens,
    'src/contract',
    'src/core',
    'electron.vite.config.ts',
    'scripts/bundled-packages.mjs',
    ...packages
  ],
  // Written by the build of the screens itself.
  except: ['src/renderer/auto-imports.d.ts', 'src/renderer/components.d.ts', 'src/renderer/node_modules'],
  results: ['out/main/index.mjs', 'out/preload/index.cjs', 'out/renderer/index.html']
}

/** Written after the app's build: `npm run dev` leaves parts of its own there, which are newer than this. */
const stamp = join(root, 'out', 'app.stamp')

/** Time of the last change of a file, or of the newest file in a folder, in ms; 0 when there is none. */
function newest(path, except) {
  const file = join(root, path)
  if (except.includes(path) || !existsSync(file)) return 0
  const info = statSync(file)
  if (!info.isDirectory()) return info.mtimeMs
  return Math.max(0, ...readdirSync(file).map((name) => newest(`${path}/${name}`, except)))
}

function isUpToDate({ sources, except, results }) {
  if (!results.every((result) => existsSync(join(root, result)))) return false
  const oldest = Math.min(...results.map((result) => statSync(join(root, result)).mtimeMs))
  return sources.every((source) => newest(source, except) <= oldest)
}

const isAppUpToDate = () =>
  isUpToDate(app) && existsSync(stamp) && app.results.every((result) => newest(result, []) <= statSync(stamp).mtimeMs)

export const isBuilt = (withApp = false) => isUpToDate(programs) && (!withApp || isAppUpToDate())

export async function ensureBuilt(withApp = false) {
  if (!isUpToDate(programs)) {
    const { build } = await import('vite')
    await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
  }
  if (withApp && !isAppUpToDate()) {
    // A process of its own: electron-vite sets the environment for its builds and reads paths from the working folder.
    const electronVite = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
    const { status } = spawnSync(process.execPath, [electronVite, 'build', '--logLevel', 'warn'], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit']
    })
    if (status !== 0) throw new Error('The desktop app could not be built; what is wrong stands above.')
    writeFileSync(stamp, '')
  }
}

if (isStarted(import.meta.url)) await ensureBuilt(process.argv.includes('--app'))
