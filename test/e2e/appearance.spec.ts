import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { endStudio, expect, findings, isFallback, root, startStudio, test } from './studio'

const sizes = [
  { width: 1280, height: 800 },
  { width: 1920, height: 1080 }
]

const bundled = join(root, 'resources', 'models', 'swinir-tiny-x4.safetensors')

/** How each page is reached. */
const pages: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  settings: async (page) => {
    await page.getByRole('link', { name: 'Settings' }).click()
    const runtimes = page.getByTestId('runtimes')
    await expect(runtimes).toContainText('in use', { timeout: 60_000 })
    await expect(runtimes.getByRole('row', { name: /tfjs wasm/ }).getByRole('button', { name: 'Use' })).toBeVisible()
  },
  home: async (page) => {
    await page.getByRole('link', { name: 'Home' }).click()
    await expect(page.getByRole('button', { name: 'Try the demo' })).toBeVisible()
  },
  new: async (page) => {
    await page.evaluate(() => {
      location.hash = '#/new'
    })
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('New quantization')
  },
  runs: async (page) => {
    await page.getByRole('link', { name: 'Runs', exact: true }).click()
    await expect(page.getByText('Runs appear here')).toBeVisible()
  },
  compare: async (page) => {
    await page.getByRole('link', { name: 'Compare' }).click()
    await expect(page.getByRole('heading', { name: 'Look at what quantization did' })).toBeVisible()
  },
  model: async (page) => {
    await page.evaluate((path) => window.studio.openPath(path), bundled)
    await expect(page.getByTestId('facts')).toContainText('SwinIR')
  }
}

for (const theme of ['Light', 'Dark']) {
  test(`every page without a run in ${theme.toLowerCase()}, at both sizes`, async ({ studio: { app, page } }) => {
    await page.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('radio', { name: theme, exact: true }).click()
    await expect(page.locator('html')).toHaveClass(theme === 'Dark' ? /dark/ : /^(?!.*dark)/)
    for (const size of sizes) {
      await app.evaluate(({ BrowserWindow }, { width, height }) => {
        BrowserWindow.getAllWindows()[0]?.setContentSize(width, height)
      }, size)
      await page.waitForFunction(({ width }) => window.innerWidth === width, size)
      for (const [name, reach] of Object.entries(pages)) {
        await reach(page)
        expect(await findings(page), `${name} ${size.width}`).toEqual([])
        if (!isFallback) continue
        // What differs between machines and versions.
        const mask = ['runtimes', 'measured', 'version', 'path', 'documents'].map((id) => page.getByTestId(id))
        const picture = `${name}-${theme}-${size.width}.png`.toLowerCase()
        await expect(page).toHaveScreenshot(picture, { mask, maxDiffPixelRatio: 0.01 })
      }
    }
  })
}

test('every word is there in Chinese', async ({ studio: { page } }) => {
  await page.getByRole('link', { name: 'Settings' }).click()
  await page.getByRole('radio', { name: '简体中文' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('设置')
  expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
  await page.getByRole('link', { name: '主页' }).click()
  await expect(page.getByRole('button', { name: '试用演示' })).toBeVisible()
  const english = async (place: string): Promise<readonly string[]> =>
    (await page.locator(place).innerText()).match(/\b(the|and|of|run|open|model|queue|bits|size)\b/gi) ?? []
  expect(await english('body')).toEqual([])
  await pages['model']?.(page)
  expect(await english('aside')).toEqual([])
  expect(await english('[data-testid=facts]')).toEqual([])
})

test('everything on the first page is reached by keyboard', async ({ studio: { page } }) => {
  const reached: string[] = []
  for (let i = 0; i < 9; i++) {
    await page.keyboard.press('Tab')
    reached.push(await page.evaluate(() => document.activeElement?.textContent.trim() ?? ''))
  }
  expect(reached).toEqual(expect.arrayContaining(['Home', 'Settings', 'Try the demo', 'Open model', 'Open run folder']))
})

test('the window opens where and as large as it was', async ({ data }) => {
  const bounds = { x: 40, y: 30, width: 1000, height: 700 }
  const studio = await startStudio({ data })
  await studio.app.evaluate(({ BrowserWindow }, bounds) => {
    BrowserWindow.getAllWindows()[0]?.setBounds(bounds)
  }, bounds)
  await endStudio(studio)
  const later = await startStudio({ data })
  expect(await later.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds())).toEqual(bounds)
  await endStudio(later)
})
