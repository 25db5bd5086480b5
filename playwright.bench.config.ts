import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { executableIn, laidOutApp } from './scripts/packaged-app.mjs'

/** The measurements of the desktop app, packaged, which `npm run bench -- app` starts. */
process.env['STUDIO_EXECUTABLE'] ??= executableIn(laidOutApp(join(import.meta.dirname, 'release', 'test')))

export default defineConfig({
  testDir: 'test/bench/app',
  outputDir: 'test-results',
  workers: 1,
  timeout: 300_000,
  reporter: 'line'
})
