import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, expect, test as base, type ElectronApplication, type Page } from '@playwright/test'
import { boundsFileSchema, type Variant } from '../../src/contract/bounds'

/** The project's folder. */
export const root = join(import.meta.dirname, '..', '..')

/** Pictures of pages are kept for one runtime and its fonts: elsewhere letters are drawn otherwise. */
export const isFallback = existsSync(join(root, 'node_modules', 'electron', 'dist', 'FALLBACK'))

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
    // The app follows its own settings, not what tests would have it believe of the desktop.
    colorScheme: null,
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

export { expect }

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Waits until nothing on a page fades in or unfolds any more. */
export async function atRest(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const ending = document.getAnimations().filter(({ effect }) => Number.isFinite(effect?.getComputedTiming().endTime))
    await Promise.allSettled(ending.map(({ finished }) => finished))
  })
}

/** What axe finds wrong on a page, one line each. */
export async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe)
  // What fades in has too little contrast on its way.
  await atRest(page)
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
  })
}

/** The folder of the only run that an app has. */
export function onlyRun(data: string): string {
  const names = readdirSync(join(data, 'runs')).filter((name) => !name.startsWith('.'))
  expect(names).toHaveLength(1)
  return join(data, 'runs', names[0] ?? '')
}

/** The variants of a run, as its folder has them. */
export const boundsOf = (run: string): readonly Variant[] =>
  boundsFileSchema.parse(JSON.parse(readFileSync(join(run, 'bounds.json'), 'utf8'))).variants

/** Starts the demo and waits until it trains. */
export async function trainDemo({ page }: Studio): Promise<void> {
  await page.getByRole('link', { name: 'Home' }).click()
  await page.getByRole('button', { name: 'Try the demo' }).click()
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible({ timeout: 120_000 })
}

/** Answers the next questions for files or folders with these paths. */
export async function chooseNext(app: ElectronApplication, ...paths: readonly string[]): Promise<void> {
  await app.evaluate(({ dialog }, filePaths) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [...filePaths] })
  }, paths)
}

/** Answers the next questions for a place to save something. */
export async function saveNextAs(app: ElectronApplication, path: string): Promise<void> {
  await app.evaluate(({ dialog }, path) => {
    dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath: path })
  }, path)
}

/** Has the viewer's stage take keys. A list or dialog that is just closing takes the focus back once more. */
export async function focusStage(page: Page): Promise<void> {
  const stage = page.getByTestId('stage').getByRole('application')
  await expect
    .poll(async () => {
      await stage.focus()
      await page.waitForTimeout(200)
      return stage.evaluate((element) => element === document.activeElement)
    })
    .toBe(true)
}

/** Iterations of training that the page tells. */
export async function iterationsOf(page: Page): Promise<number> {
  const text = (await page.getByTestId('progress').textContent()) ?? ''
  return Number(/^(\d+) of \d+ iterations/.exec(text)?.[1] ?? NaN)
}

/** Answers the question that is asked when the window closes while work goes on; tells how often it was asked. */
export async function answerClosing(
  { app }: Studio,
  answer: 'keep' | 'pause' | 'stop' | 'cancel'
): Promise<() => Promise<number>> {
  const response = ['keep', 'pause', 'stop', 'cancel'].indexOf(answer)
  await app.evaluate(({ dialog }, response) => {
    const asked = { count: 0 }
    Object.assign(globalThis, { asked })
    dialog.showMessageBox = () => {
      asked.count++
      return Promise.resolve({ response, checkboxChecked: false })
    }
  }, response)
  return () => app.evaluate(() => (globalThis as unknown as { asked: { count: number } }).asked.count)
}

/** Screens are kept for those who look at what a test saw. */
export async function keepScreen(page: Page, name: string): Promise<void> {
  const folder = join(root, 'test-results', 'screens')
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}
