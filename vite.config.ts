import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defineConfig, type Plugin } from 'vite'

/** Takes away what earlier builds left beside this one's files. The parts of the desktop app lie in folders there and stay. */
function clearStalePrograms(): Plugin {
  return {
    name: 'clear-stale-programs',
    writeBundle({ dir: folder = '' }, bundle) {
      for (const name of readdirSync(folder)) {
        if (/\.mjs(\.map)?$/.test(name) && !(name in bundle)) rmSync(join(folder, name), { force: true })
      }
    }
  }
}

/** Builds what runs on Node: the command line, and the engine and the reader of pictures of the desktop app. Dependencies are loaded from node_modules. */
export default defineConfig({
  plugins: [clearStalePrograms()],
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'out',
    emptyOutDir: false,
    sourcemap: true,
    rolldownOptions: {
      input: {
        cli: 'src/cli/main.ts',
        demo: 'src/cli/demo.ts',
        bench: 'test/bench/main.ts',
        engine: 'src/engine/worker.ts',
        pictures: 'src/engine/pixels/worker.ts',
        'session-thread': 'src/runtimes/session-thread.ts',
        probe: 'src/runtimes/probe.ts'
      },
      // Chunks lie beside the entries, so that a file of ours is found from any of them.
      output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' }
    }
  }
})
