import { defineConfig } from '@playwright/test'

/** The measurements of the desktop app, which `npm run bench -- app` starts. */
export default defineConfig({
  testDir: 'test/bench/app',
  outputDir: 'test-results',
  workers: 1,
  timeout: 300_000,
  reporter: 'line'
})
