import { defineConfig } from 'vitest/config'

/** Checks by strangers: Python's onnxruntime and PyTorch read what is written here. They come from PyPI. */
export default defineConfig({
  test: {
    include: ['test/peers/**/*.peers.ts'],
    testTimeout: 600_000,
    // PyTorch is gigabytes.
    hookTimeout: 3_600_000
  }
})
