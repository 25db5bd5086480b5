// Which installed packages belong to which part of the project, told from package-lock.json.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const readJson = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'))

/** Where Node finds package `name` from the folder `from`, as package-lock.json names folders; undefined if nowhere. */
function locate(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (packages[path] !== undefined) return path
    if (folder === '') return undefined
  }
}

/** The folders of the packages called `names` and of everything that these need, in alphabetical order. */
export function packagesUnder(names, { packages } = readJson('package-lock.json')) {
  const found = new Set()
  const waiting = names.map((name) => locate(packages, '', name))
  while (waiting.length > 0) {
    const path = waiting.pop()
    if (path === undefined || found.has(path)) continue
    found.add(path)
    const { dependencies = {}, optionalDependencies = {} } = packages[path]
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      waiting.push(locate(packages, path, name))
    }
  }
  return [...found].sort()
}

/** The folders of the packages that the packaged app loads at run time; those of other systems are not installed. */
export function productionPackages() {
  const { dependencies } = readJson('package.json')
  return packagesUnder(Object.keys(dependencies)).filter((path) => existsSync(join(root, path)))
}

const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** Names of packages that npm counts as production and the app never loads: what is under optional dependencies only. */
export function unusedPackages() {
  const used = new Set(productionPackages().map(nameOf))
  const counted = Object.entries(readJson('package-lock.json').packages).filter(
    ([path, { dev }]) => path !== '' && !dev
  )
  return [...new Set(counted.map(([path]) => nameOf(path)))].filter((name) => !used.has(name)).sort()
}
