import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, test as base, type ElectronApplication, type Page } from '@playwright/test'

/** The project's folder. */
export const root = join(import.meta.dirname, '..', '..')

/** The app at work: its processes, and its window. */
export interface Studio {
  readonly app: ElectronApplication
  readonly page: Page
  /** Where it keeps everything. */
  readonly data: string
}

interface StartOptions {
  /** What stands behind the program's name. */
  readonly args?: readonly string[]
  readonly data: string
}

/** Starts the app: the packaged one where STUDIO_EXECUTABLE names it, else the one that was built here. */
export async function startStudio({ data, args = [] }: StartOptions): Promise<Studio> {
  const { STUDIO_EXECUTABLE: executablePath, ...environment } = process.env
  const env = Object.fromEntries(Object.entries(environment).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])))
  const switches = [`--user-data-dir=${data}`, '--lang=en', ...args]
  const app = await _electron.launch({
    ...(executablePath === undefined ? { args: [root, ...switches] } : { executablePath, args: switches }),
    env: { ...env, LANG: 'en_US.UTF-8', LANGUAGE: 'en' }
  })
  const page = await app.firstWindow()
  await page.getByRole('navigation').waitFor()
  return { app, page, data }
}

/** Ends the app without being asked whether work may be broken off. */
export async function endStudio({ app }: Studio): Promise<void> {
  await app.evaluate(({ dialog }) => {
    dialog.showMessageBox = () => Promise.resolve({ response: 1, checkboxChecked: false })
  })
  await app.close()
}

/** Tests with an app that is fresh for each of them. */
export const test = base.extend<{ data: string; studio: Studio }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads from the pattern what a fixture needs
  data: async ({}, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'studio-'))
    await use(folder)
    rmSync(folder, { recursive: true, force: true })
  },
  studio: async ({ data }, use) => {
    const studio = await startStudio({ data })
    await use(studio)
    await endStudio(studio)
  }
})

export { expect } from '@playwright/test'
