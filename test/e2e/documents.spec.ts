import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endStudio, expect, root, startStudio, test } from './studio'

const bundled = join(root, 'resources', 'models', 'swinir-tiny-x4.safetensors')

test('a model given as argument is shown; another one to the same window', async ({ data }) => {
  const folder = join(data, 'models with 空格')
  mkdirSync(folder, { recursive: true })
  const model = join(folder, 'my model.safetensors')
  copyFileSync(bundled, model)
  const studio = await startStudio({ data, args: [model] })
  const { page, app } = studio
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('my model.safetensors')
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await expect(page.getByTestId('facts')).toContainText('×4')

  const damaged = join(folder, 'damaged.pth')
  writeFileSync(damaged, 'no checkpoint')
  const { spawnfile, spawnargs } = app.process()
  const args = spawnargs.slice(1).filter((arg) => !/^-r$|loader\.js$|--(inspect|remote)/.test(arg) && arg !== model)
  const again = spawn(spawnfile, [...args, damaged], { env: process.env })
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('damaged.pth')
  await expect(page.getByRole('alert').or(page.getByText('damaged.pth" '))).toBeVisible()
  again.kill()
  expect(app.windows()).toHaveLength(1)

  await page.getByRole('link', { name: 'Home' }).click()
  await page.getByRole('button', { name: 'my model.safetensors' }).click()
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await endStudio(studio)
})

test('files are chosen by dialog, and what is no run is refused in one sentence', async ({ studio }) => {
  const { app, page, data } = studio
  const choose = (path: string): Promise<void> =>
    app.evaluate(({ dialog }, path) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path], bookmarks: [] })
    }, path)
  await choose(bundled)
  await page.getByRole('button', { name: 'Open model' }).click()
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await page.getByRole('link', { name: 'Home' }).click()
  await choose(data)
  await page.getByRole('button', { name: 'Open run folder' }).click()
  await expect(page.getByText(/is neither a model \(.*\) nor the folder of a run\./).first()).toBeVisible()
})
