import { defineConfig } from '@playwright/test'

/** The end-to-end tests of the desktop app: one window after the other, since they share a display and two processors. */
export default defineConfig({
  testDir: 'test/e2e',
  outputDir: 'test-results',
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: 'list',
  forbidOnly: Boolean(process.env['CI'])
})
