// Stands in for the launcher that Electron's own download keeps in resources/default_app.asar, which the fallback
// runtime lacks:  electron [-r module]... [Chromium switches] APP [arguments of the app]
import { existsSync, readFileSync } from 'node:fs'
import Module from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { app } from 'electron/main'

const args = process.argv.slice(1)
const preloaded = []
let target
while (args.length > 0 && target === undefined) {
  const arg = args.shift()
  if (arg === '-r' || arg === '--require') preloaded.push(args.shift())
  else if (arg === '-v' || arg === '--version') {
    console.log(`v${process.versions.electron}`)
    process.exit(0)
  } else if (!arg.startsWith('-')) target = resolve(arg)
}
if (target === undefined) {
  console.error('Usage: electron [-r module] [switches] APP')
  process.exit(2)
}
// Playwright drives the app by a module that is loaded before it.
if (preloaded.length > 0) Module._preloadModules(preloaded)

Object.defineProperty(process, 'defaultApp', { configurable: false, enumerable: true, value: true })
const manifestFile = join(target, 'package.json')
if (existsSync(manifestFile)) {
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'))
  if (manifest.version) app.setVersion(manifest.version)
  app.name = manifest.productName ?? manifest.name ?? app.name
  app.setDesktopName(manifest.desktopName ?? `${app.name}.desktop`)
  app.setAppPath(target)
} else {
  app.setAppPath(dirname(target))
}
// Awaited at top level: Electron holds `ready` back until the app's own entry has run.
await import(pathToFileURL(Module._resolveFilename(target, null, true)).href)
