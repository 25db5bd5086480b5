// Builds out/ when it is missing or older than what it is made from. Takes a few milliseconds when there is nothing to do.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What goes into the build. */
const sources = ['src', 'test/bench', 'vite.config.ts', 'package.json', 'package-lock.json']

/** Time of the last change of a file, or of the newest file in a folder. */
function newest(path) {
  const info = statSync(path)
  if (!info.isDirectory()) return info.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

export function isBuilt() {
  const built = join(root, 'out', 'cli.mjs')
  if (!existsSync(built)) return false
  const time = statSync(built).mtimeMs
  return sources.every((source) => !existsSync(join(root, source)) || newest(join(root, source)) <= time)
}

export async function ensureBuilt() {
  if (isBuilt()) return
  const { build } = await import('vite')
  await build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
}
