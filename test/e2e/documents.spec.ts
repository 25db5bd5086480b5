import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallNetwork } from '../formats/small-network'
import { preparePictures } from './pictures'
import { atRest, boundsOf, chooseNext, endStudio, expect, findings, onlyRun, root, startStudio, test } from './studio'

const screens = join(root, 'test-results', 'screens')
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

test('a network from an ONNX file tells what it takes and what it is made of, and can be quantized', async ({
  studio
}) => {
  const { app, page, data } = studio
  const model = join(data, 'small.onnx')
  writeFileSync(model, smallNetwork())
  await app.evaluate(({ dialog }, path) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path], bookmarks: [] })
  }, model)
  await page.getByRole('button', { name: 'Open model' }).click()
  const facts = page.getByTestId('facts')
  await expect(facts).toContainText('opset 17, NCHW, sizes that are multiples of 1, from 1 on')
  await expect(facts).toContainText('1 weights, 1 activations')
  await expect(facts).toContainText('1 after groups, 1 after blocks')
  // 320×180 pixels, kernels of 3×3: 216, 576 and 864 weights, 3 of them, one quantized.
  const row = page.getByRole('table').last().getByRole('row').filter({ hasText: 'Conv' })
  await expect(row.getByRole('cell')).toHaveText(['Conv', '3', '1', ((1656 * 320 * 180) / 1e6).toFixed(1), '1,656'])
  await expect(page.getByText('body.weight', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Quantize this model' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('New quantization')

  const pictures = await preparePictures(data)
  await page.getByRole('button', { name: 'Next' }).click()
  await chooseNext(app, pictures.calibration)
  await page.getByRole('button', { name: 'Choose folder …' }).click()
  await expect(page.getByTestId('sheet-text')).toContainText('32 patches of 32×32 pixels')
  await page.getByRole('button', { name: 'Next' }).click()
  await test.step('its quantizers are chosen one by one', async () => {
    await page.getByRole('button', { name: 'Exceptions' }).click()
    await page.getByRole('button', { name: 'All quantizers …' }).click()
    const plan = page.getByTestId('plan')
    await expect(plan.getByRole('listitem')).toHaveCount(6)
    const choice = plan.getByRole('combobox', { name: 'Bits of head.weight' })
    await expect(choice).toHaveText('full precision')
    await choice.click()
    await page.getByRole('option', { name: '8 bits' }).click()
    await expect(choice).toHaveText('8 bits')
    expect(await findings(page)).toEqual([])
    mkdirSync(screens, { recursive: true })
    await page.screenshot({ path: join(screens, 'plan.png') })
    await page.getByRole('button', { name: 'Done' }).click()
    await expect(page.getByLabel('Name of quantizers')).toHaveValue('head.weight')
  })
  await test.step('and so are features', async () => {
    await page.getByRole('button', { name: 'Details of training' }).click()
    await page.getByRole('spinbutton', { name: 'Iterations' }).fill('3')
    // Where the list opens is decided by where its button is then.
    await atRest(page)
    await page.getByRole('combobox', { name: 'Features' }).click()
    await page.getByRole('option', { name: 'chosen ones' }).click()
    const feature = page.getByTestId('features').getByRole('checkbox', { name: 'r', exact: true })
    await expect(feature).toBeChecked()
    await feature.click()
    await expect(page.getByText('At least one feature is needed.')).toBeVisible()
    await feature.click()
    await page.screenshot({ path: join(screens, 'features.png') })
    await expect(page.getByTestId('command')).toContainText('--features r')
  })
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByText('finished', { exact: true })).toBeVisible({ timeout: 120_000 })
  const variants = boundsOf(onlyRun(data))
  expect(variants.map(({ method }) => method)).toEqual(['dobi', '2dquant'])
  for (const { quantizers } of variants) {
    expect(quantizers.map(({ name, bits }) => [name, bits])).toEqual([
      ['head.weight', 8],
      ['body.weight', 4],
      ['body.input', 4]
    ])
  }
  await test.step('a variant is written as a file that does what the simulation does', async () => {
    await page.getByRole('button', { name: 'Export' }).click()
    await expect(page.getByText('None was written yet.')).toBeVisible()
    await page.getByRole('radio', { name: 'Packed ONNX' }).click()
    await page.getByRole('button', { name: 'Write file' }).click()
    const files = page.getByTestId('exports')
    await expect(files).toContainText('small-2dquant-4-packed.onnx', { timeout: 60_000 })
    await expect(files).toContainText('100.000 % of all samples of 3 pictures')
    await expect(files).toContainText('times as fast')
    expect(existsSync(join(onlyRun(data), 'export', 'small-2dquant-4-packed.onnx'))).toBe(true)
    expect(await findings(page)).toEqual([])
    await page.screenshot({ path: join(screens, 'export.png') })
  })
})
