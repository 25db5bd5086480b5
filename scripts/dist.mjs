// Packages the desktop app for the system it runs on, into release/.  npm run dist [-- TARGET...] [-- --publish]
//   Linux: dir, tar.gz, deb, and AppImage where its tools can be downloaded; Windows: nsis; macOS: dmg.
//   STUDIO_TEST_BUILD=1 makes a build for `npm run test:packaged`, in release/test, which is never published.
//   --publish attaches the installers to the draft release of the tag GITHUB_REF_NAME, by GitHub's `gh`.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureBuilt } from './build.mjs'
import { installedRuntime } from './electron-runtime.mjs'
import { renderIconSet } from './icons.mjs'
import { isStarted } from './is-started.mjs'
import { writeLicences } from './licences.mjs'
import { checkPackagedApp, executableIn, laidOutApp } from './packaged-app.mjs'
import { readJson, root } from './package-tree.mjs'

/** What a deb may weigh, in MB (10⁶ bytes). */
const debLimit = 220
const require = createRequire(import.meta.url)

/** Why a build may not be published, in one sentence, or undefined. */
export function publishObstacle({ isTestBuild, isFallback, tag, version }) {
  if (isTestBuild) return 'A test build is not published: it lets any program on the machine drive it.'
  if (isFallback) {
    return 'A build made from the fallback runtime is not published: only the official Electron gets security updates.'
  }
  return tag === `v${version}` ? undefined : `Only the tag v${version} can be published from here, not “${tag}”.`
}

/** Installers in the order they are shown, with their sizes in MB. */
export function installersIn(folder) {
  const names = existsSync(folder) ? readdirSync(folder).sort() : []
  return names
    .filter((name) => /\.(AppImage|deb|tar\.gz|exe|dmg)$/.test(name))
    .map((name) => ({ name, path: join(folder, name), megabytes: statSync(join(folder, name)).size / 1e6 }))
}

const systems = { linux: '--linux', win32: '--win', darwin: '--mac' }
const defaultTargets = (isFallback) => ({
  linux: ['dir', 'tar.gz', 'deb', ...(isFallback ? [] : ['AppImage'])],
  win32: ['nsis'],
  darwin: ['dmg']
})

/** Tools of electron-builder that it would download from GitHub. */
function localTools(isFallback) {
  if (process.platform !== 'linux') return {}
  const { path7za } = require('7zip-bin')
  // npm brings it without its executable bit.
  chmodSync(path7za, 0o755)
  // At the highest level a gzip of these files takes minutes longer and is hardly smaller.
  const tools = { ELECTRON_BUILDER_7ZIP_PATH: path7za, ELECTRON_BUILDER_COMPRESSION_LEVEL: '5' }
  return isFallback ? { ...tools, CUSTOM_FPM_PATH: fileURLToPath(new URL('fpm-deb.mjs', import.meta.url)) } : tools
}

/** Packages the app and returns the folder with the results. */
export async function packageApp(targets, isTestBuild) {
  const { isFallback } = installedRuntime()
  const folder = join(root, 'release', ...(isTestBuild ? ['test'] : []))
  await ensureBuilt(true)
  writeLicences()
  if (process.platform === 'linux') await renderIconSet(join(root, 'out', 'icons'))
  // Nothing of an earlier build may be taken for this one's.
  rmSync(folder, { recursive: true, force: true })

  const chosen = targets.length > 0 ? targets : defaultTargets(isFallback)[process.platform]
  const builder = join(root, 'node_modules', 'electron-builder', 'cli.js')
  const args = [systems[process.platform], ...chosen, '--publish', 'never', '-c', 'electron-builder.config.mjs']
  const { ELECTRON_BUILDER_COMPRESSION_LEVEL, ...tools } = localTools(isFallback)
  const { status } = spawnSync(process.execPath, [builder, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...tools,
      ...(isTestBuild ? { STUDIO_TEST_BUILD: '1' } : { ELECTRON_BUILDER_COMPRESSION_LEVEL }),
      ...process.env
    }
  })
  if (status !== 0) throw new Error('electron-builder stopped; what is wrong stands above.')
  for (const { name, megabytes } of installersIn(folder)) {
    console.log(`${name}  ${megabytes.toFixed(1)} MB`)
    if (name.endsWith('.deb') && megabytes > debLimit) {
      throw new Error(`${name} weighs ${megabytes.toFixed(1)} MB, more than the ${debLimit} MB that it may.`)
    }
  }
  const faults = Object.values(await checkPackagedApp(executableIn(laidOutApp(folder)), isTestBuild)).flat()
  if (faults.length > 0) throw new Error(`What was packaged is not as it must be: ${faults.join('; ')}.`)
  return folder
}

async function main() {
  const isTestBuild = process.env.STUDIO_TEST_BUILD === '1'
  const targets = process.argv.slice(2).filter((arg) => !arg.startsWith('-'))
  const publishes = process.argv.includes('--publish')
  const tag = process.env.GITHUB_REF_NAME
  if (publishes) {
    const { version } = readJson('package.json')
    const obstacle = publishObstacle({ isTestBuild, isFallback: installedRuntime()?.isFallback ?? false, tag, version })
    if (obstacle !== undefined) throw new Error(obstacle)
  }
  const folder = await packageApp(targets, isTestBuild)
  if (publishes) {
    const files = installersIn(folder).map(({ path }) => path)
    const { status } = spawnSync('gh', ['release', 'upload', tag, ...files, '--clobber'], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`The installers could not be attached to the release ${tag}.`)
  }
}

if (isStarted(import.meta.url)) {
  try {
    await main()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
