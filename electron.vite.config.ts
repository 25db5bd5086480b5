import { resolve } from 'node:path'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'electron-vite'
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
      rollupOptions: { input: resolve('src/main/index.ts'), output: { entryFileNames: '[name].mjs' } }
    }
  },
  preload: {
    plugins: [listBundledPackages()],
    build: {
      target: node,
      outDir: 'out/preload',
      externalizeDeps: false,
      // A sandboxed preload must be one CommonJS file.
      rollupOptions: {
        input: resolve('src/preload/index.ts'),
        output: { format: 'cjs', entryFileNames: '[name].cjs' }
      }
    }
  },
  renderer: {
    root: 'src/renderer',
    plugins: [vue(), ui({ ui: { colors: { primary: 'indigo', neutral: 'zinc' } } }), listBundledPackages()],
    build: {
      target: chrome,
      outDir: 'out/renderer',
      rollupOptions: { input: resolve('src/renderer/index.html') }
    }
  }
})
