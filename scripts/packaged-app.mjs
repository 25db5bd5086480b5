// What a packaged app looks like on each system, and what must be true of it.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { listPackage } from '@electron/asar'
import { FuseState } from '@electron/fuses/dist/constants.js'
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses'

const product = '2DQuant Studio'

/** The app that electron-builder laid out in `folder`: what to copy, to where it belongs there, and what to start. */
export function laidOutApp(folder) {
  const name = readdirSync(folder).find((entry) => /^(linux|win|mac)(-\w+)?(-unpacked)?$/.test(entry))
  if (name === undefined) throw new Error(`There is no packaged app in ${folder}.`)
  return join(folder, name)
}

/** The program to start in the folder of a packaged app. */
export function executableIn(folder) {
  if (process.platform === 'win32') return join(folder, `${product}.exe`)
  if (process.platform === 'darwin') return join(folder, `${product}.app`, 'Contents', 'MacOS', product)
  return join(folder, '2dquant-studio')
}

const resourcesOf = (executable) =>
  process.platform === 'darwin' ? join(dirname(executable), '..', 'Resources') : join(dirname(executable), 'resources')

/** How every fuse must stand; the electron documentation tells what each is for. */
const wantedFuses = (isTestBuild) => ({
  RunAsNode: false,
  EnableCookieEncryption: false,
  EnableNodeOptionsEnvironmentVariable: false,
  EnableNodeCliInspectArguments: isTestBuild,
  EnableEmbeddedAsarIntegrityValidation: process.platform !== 'linux',
  OnlyLoadAppFromAsar: true,
  LoadBrowserProcessSpecificV8Snapshot: false,
  GrantFileProtocolExtraPrivileges: false
})

async function wrongFuses(executable, isTestBuild) {
  const wire = await getCurrentFuseWire(executable)
  return Object.entries(wantedFuses(isTestBuild))
    .filter(([name, isOn]) => wire[FuseV1Options[name]] !== (isOn ? FuseState.ENABLE : FuseState.DISABLE))
    .map(([name, isOn]) => `the fuse ${name} is not ${isOn ? 'on' : 'off'}`)
}

const carried = ['models/swinir-tiny-x4.safetensors', 'models/swinir-tiny-x4.md', 'samples', 'icon.png', 'licences.txt']
const parts = [
  '/out/main/index.mjs',
  '/out/preload/index.cjs',
  '/out/renderer/index.html',
  '/out/engine.mjs',
  '/out/pictures.mjs'
]

/** The checks of a packaged app: what each says, and the faults that it found. */
export async function checkPackagedApp(executable, isTestBuild) {
  const resources = resourcesOf(executable)
  const files = listPackage(join(resources, 'app.asar')).map((path) => path.replaceAll('\\', '/'))
  const leftovers = [join(resources, 'default_app.asar'), join(dirname(executable), 'FALLBACK')]
  return {
    'fuses are as they must be': await wrongFuses(executable, isTestBuild),
    'nothing of the runtime’s own launcher is left': leftovers.filter(existsSync),
    'the archive holds no source maps': files.filter((path) => path.endsWith('.map')),
    'the archive holds all parts of the app': parts.filter((path) => !files.includes(path)),
    'models, samples and licences are there': carried.filter((path) => !existsSync(join(resources, path)))
  }
}
