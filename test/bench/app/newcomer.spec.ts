import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from '@playwright/test'
import { preparePictures } from '../../e2e/pictures'
import { chooseNext, endStudio, startStudio } from '../../e2e/studio'
import { tell } from './tell'

/** Clicks that a dialog for files takes, which is answered here: on the file, and on its button. */
const clicksOfDialog = 2

test('a newcomer tries the demo, sees what comes of it, and enlarges an own picture', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'studio-bench-'))
  const { picture } = await preparePictures(join(folder, 'pictures'))
  const studio = await startStudio({ data: join(folder, 'data') })
  const { app, page } = studio
  await chooseNext(app, picture)
  await page.evaluate(() => {
    const clicked = { count: 0 }
    Object.assign(globalThis, { clicked })
    window.addEventListener('click', () => clicked.count++, { capture: true })
  })
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1000

  await page.getByRole('button', { name: 'Try the demo' }).click()
  await page.getByTestId('results').waitFor({ timeout: 240_000 })
  tell({ name: 's from the first click to the numbers of the demo', value: seconds() })
  await page.getByRole('button', { name: 'Choose picture' }).click()
  const enlarged = page.getByTestId('own').getByRole('img')
  await enlarged.waitFor()
  await enlarged.evaluate((image: HTMLImageElement) => image.decode())
  tell({ name: 's until an own picture is enlarged', value: seconds(), atMost: 120 })
  const clicked = await page.evaluate(() => (globalThis as unknown as { clicked: { count: number } }).clicked.count)
  tell({ name: 'clicks for that', value: clicked + clicksOfDialog, atMost: 8 })

  await endStudio(studio)
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
})
