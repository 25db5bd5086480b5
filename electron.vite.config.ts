import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { IconifyJSON } from '@iconify/types'
import { getIcons } from '@iconify/utils'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'
import type { Plugin } from 'vite'
import { listBundledPackages } from './scripts/bundled-packages.mjs'

/** The oldest runtime that the app runs on, which is not the one its package names: see scripts/electron-runtime.mjs. */
const node = 'node20.18'
const chrome = 'chrome130'

/** Builds the three parts of the desktop app; the engine is built with the command line, in vite.config.ts. */
export default defineConfig({
  main: {
    plugins: [listBundledPackages()],
    build: {
      target: node,
      outDir: 'out/main',
      rolldownOptions: { input: resolve('src/main/index.ts'), output: { entryFileNames: '[name].mjs' } }
    }
  },
  preload: {
    plugins: [listBundledPackages()],
    build: {
      target: node,
      outDir: 'out/preload',
      externalizeDeps: false,
      // A sandboxed preload must be one CommonJS file.
      rolldownOptions: {
        input: resolve('src/preload/index.ts'),
        output: { format: 'cjs', entryFileNames: '[name].cjs' }
      }
    }
  },
  renderer: {
    root: 'src/renderer',
    plugins: [
      vue(),
      ui({
        colorMode: false,
        ui: {
          colors: { primary: 'indigo', neutral: 'zinc' },
          button: {
            compoundVariants: [
              // The kit's own shade under the pointer has too little contrast.
              { color: 'primary', variant: 'solid', class: 'hover:bg-primary/90 active:bg-primary/90' }
            ]
          }
        }
      }),
      icons(),
      listBundledPackages()
    ],
    worker: { format: 'es' },
    build: {
      target: chrome,
      minify: true,
      outDir: 'out/renderer',
      // The app's page, and that of the window which runs exported files as browsers do.
      rolldownOptions: { input: [resolve('src/renderer/index.html'), resolve('src/renderer/trial/index.html')] }
    }
  }
})

/** Icons that components of the UI kit show by themselves. */
const iconsOfKit = [
  'arrow-down',
  'arrow-left',
  'arrow-right',
  'arrow-up',
  'check',
  'chevron-down',
  'chevron-left',
  'chevron-right',
  'chevron-up',
  'circle-check',
  'circle-x',
  'info',
  'loader-circle',
  'menu',
  'minus',
  'panel-left-close',
  'panel-left-open',
  'plus',
  'search',
  'triangle-alert',
  'x',
  'ellipsis'
]

/** The icons that pages name, as a module: the app fetches nothing, and carries no icon it does not show. */
function icons(): Plugin {
  const id = 'virtual:icons'
  return {
    name: 'icons',
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (source) => {
      if (source !== `\0${id}`) return null
      const folder = resolve('src/renderer')
      const named = readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => /\.(vue|ts)$/.test(path))
        .flatMap((path) => [...readFileSync(resolve(folder, path), 'utf8').matchAll(/i-lucide-([a-z0-9-]+)/g)])
        .map(([, name = '']) => name)
      const set = JSON.parse(
        readFileSync(resolve('node_modules/@iconify-json/lucide/icons.json'), 'utf8')
      ) as IconifyJSON
      const chosen = getIcons(set, [...new Set([...iconsOfKit, ...named])].toSorted(), true)
      if (chosen?.not_found !== undefined && chosen.not_found.length > 0) {
        throw new Error(`There are no icons ${chosen.not_found.join(', ')}`)
      }
      return `export default ${JSON.stringify(chosen)}`
    }
  }
}
