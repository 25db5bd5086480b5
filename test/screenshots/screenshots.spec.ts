import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import sharp from 'sharp'
import { expect, focusStage, root, test } from '../e2e/studio'

/** Bytes that a picture may have at most: it is loaded with the README. */
const most = 300 * 1024

/** Writes what is seen, in as many colours as fit. */
async function keep(page: Page, name: string): Promise<void> {
  const seen = await page.screenshot({ animations: 'disabled' })
  for (const colours of [256, 128, 64, 32]) {
    const png = await sharp(seen).png({ palette: true, colours, effort: 10, dither: 0.5 }).toBuffer()
    if (png.length > most) continue
    await writeFile(join(root, 'docs', 'images', `${name}.png`), png)
    return
  }
  throw new Error(`The picture ${name} cannot be made small enough.`)
}

const settled = (page: Page): Promise<void> => page.locator('[data-testid=stage][data-settled=true]').waitFor()

test('pictures of the app at work on its demo', async ({ studio: { app, page, data } }) => {
  const theme = (name: 'light' | 'dark') => page.evaluate((theme) => window.studio.changeSettings({ theme }), name)
  await app.evaluate(({ BrowserWindow }) => {
    BrowserWindow.getAllWindows()[0]?.setContentSize(1280, 800)
  })
  await theme('light')
  await page.getByRole('button', { name: 'Try the demo' }).click()
  await page.getByTestId('results').waitFor({ timeout: 400_000 })
  const [folder = ''] = readdirSync(join(data, 'runs'))
  const address = (path: string, query: Readonly<Record<string, string>>): Promise<void> =>
    page.evaluate((hash) => void (location.hash = hash), `#${path}?${new URLSearchParams(query).toString()}`)
  const run = join(data, 'runs', folder)

  await address('/run', { folder: run, step: 'bounds' })
  await expect(page.getByTestId('tensor').getByRole('img')).toHaveCount(2)
  await keep(page, 'bounds')

  // Where a version lost most, in all versions.
  await address('/compare', { run })
  await expect(page.getByTestId('worst-regions').getByRole('listitem')).toHaveCount(8, { timeout: 60_000 })
  await focusStage(page)
  await page.keyboard.press('w')
  await settled(page)
  await keep(page, 'compare-light')

  await theme('dark')
  await focusStage(page)
  for (const key of ['Escape', '4', '9', 's', 'z', '+']) await page.keyboard.press(key)
  await settled(page)
  await keep(page, 'compare-dark')
})
