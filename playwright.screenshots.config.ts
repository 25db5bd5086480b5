import { defineConfig } from '@playwright/test'

/** Makes the pictures of the app that the README shows: `npm run screenshots`. */
export default defineConfig({
  testDir: 'test/screenshots',
  outputDir: 'test-results',
  workers: 1,
  timeout: 600_000,
  reporter: 'line'
})
