import { defineConfig } from 'vite'

/** Builds what runs on Node: the command line, and the engine of the desktop app. Dependencies are loaded from node_modules. */
export default defineConfig({
  build: {
    ssr: true,
    target: 'node20',
    outDir: 'out',
    sourcemap: true,
    rolldownOptions: {
      input: {
        cli: 'src/cli/main.ts',
        demo: 'src/cli/demo.ts',
        bench: 'test/bench/main.ts',
        engine: 'src/engine/worker.ts',
        'session-thread': 'src/runtimes/session-thread.ts'
      },
      // Chunks lie beside the entries, so that a file of ours is found from any of them.
      output: { entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' }
    }
  }
})
