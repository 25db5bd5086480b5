import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { measureRun } from './measured-run'
import { chooseNext, expect, findings, saveNextAs, test } from './studio'

const patient = { timeout: 60_000 }

test('pictures of a run, regions, a figure, own pictures, a batch, a blind test', async ({ studio }) => {
  const { app, page, data } = studio
  await page.getByRole('link', { name: 'Compare' }).click()
  await expect(page.getByRole('heading', { name: 'Look at what quantization did' })).toBeVisible()
  expect(await findings(page)).toEqual([])
  const { picture } = await measureRun(studio)
  const versions = page.getByTestId('pane-list').getByRole('listitem')
  const stage = page.getByTestId('stage')

  await test.step('a measured picture opens with all of its versions', async () => {
    await page.getByTestId('picture').getByRole('link', { name: 'nagasaki-boats' }).click()
    await expect(versions).toHaveCount(6)
    await expect(versions.first()).toContainText('HR')
    await expect(page.getByRole('status').filter({ hasText: '/ 2' })).toHaveText('2 / 2')
    await expect(stage).toBeVisible()
    await expect(page.getByTestId('worst-regions').getByRole('listitem')).toHaveCount(8, patient)
    expect(await findings(page)).toEqual([])
    await page.screenshot({ path: test.info().outputPath('compare.png') })
  })

  await test.step('keys turn to other pictures, and to where it is worst', async () => {
    await stage.focus()
    await page.keyboard.press('PageUp')
    await expect(page.getByRole('status').filter({ hasText: '/ 2' })).toHaveText('1 / 2')
    await page.keyboard.press('.')
    await expect(page.getByTestId('worst-regions').getByRole('listitem')).toHaveCount(8, patient)
    await stage.focus()
    await page.keyboard.press('w')
    const numbers = page.getByTestId('region-numbers').getByRole('row')
    // All but the reference, below the head; the low-resolution picture has none.
    await expect(numbers).toHaveCount(6)
    await expect(numbers.filter({ hasText: 'DOBI' })).toContainText(/\d\d\.\d\d/)
  })

  await test.step('a region is saved as a figure, as pixels and as vectors', async () => {
    await stage.focus()
    await page.keyboard.press('e')
    await expect(page.getByTestId('figure').locator('svg').first()).toBeVisible(patient)
    await page.screenshot({ path: test.info().outputPath('figure.png') })
    expect(await findings(page)).toEqual([])
    await saveNextAs(app, join(data, 'figure.svg'))
    await page.getByRole('button', { name: 'Save SVG' }).click()
    await expect.poll(() => existsSync(join(data, 'figure.svg'))).toBe(true)
    const drawn = readFileSync(join(data, 'figure.svg'), 'utf8')
    expect(drawn.match(/<svg class="crop"/g)).toHaveLength(6)
    await saveNextAs(app, join(data, 'figure.png'))
    await page.getByRole('button', { name: 'Save PNG' }).click()
    await expect.poll(() => existsSync(join(data, 'figure.png'))).toBe(true)
    const size = /width="(\d+)" height="(\d+)"/.exec(drawn)?.slice(1).map(Number)
    const { width, height } = await sharp(join(data, 'figure.png')).metadata()
    expect([width, height]).toEqual(size)
    await page.keyboard.press('Escape')
  })

  await test.step('a picture of the user is enlarged while it is looked at', async () => {
    await chooseNext(app, picture)
    await page.getByRole('button', { name: 'Open pictures …' }).click()
    await page.getByRole('button', { name: 'Enlarge it' }).click()
    await expect(versions).toHaveCount(5, patient)
    await expect(versions.first()).toContainText('LR')
    // What is seen is made, and as all of it is seen, all.
    await stage.focus()
    await page.keyboard.press('0')
    await expect(page.getByTestId('pane-list').getByText(/tiles/)).toHaveCount(0, patient)
    await page.screenshot({ path: test.info().outputPath('own.png') })
  })

  await test.step('a file that does not fit is refused, one that does stands beside', async () => {
    const [small, large] = [join(data, 'small.png'), join(data, 'large.png')]
    await sharp(picture).resize(100, 100, { fit: 'fill' }).toFile(small)
    await sharp(picture).resize(1280, 960, { fit: 'fill' }).toFile(large)
    for (const path of [small, large]) {
      await chooseNext(app, path)
      await page.getByRole('button', { name: 'Open pictures …' }).click()
      await page.getByRole('button', { name: 'Show it beside' }).click()
    }
    await expect(
      page.getByLabel(/Notifications/).getByText('small.png has 100×100 pixels, this picture 1280×960')
    ).toBeVisible()
    await page
      .getByLabel(/Notifications/)
      .getByRole('button', { name: 'Close' })
      .click()
    await expect(versions).toHaveCount(6)
    await expect(versions.last()).toContainText('large.png')
    await page.getByRole('button', { name: 'Take away large.png' }).click()
    await expect(versions).toHaveCount(5)
  })

  await test.step('pictures become a batch, which tells how far it is', async () => {
    const out = join(data, 'out')
    mkdirSync(out)
    await page.getByRole('button', { name: 'Batch …' }).click()
    const dialog = page.getByRole('dialog')
    await chooseNext(app, picture)
    await dialog.getByRole('button', { name: 'Add pictures …' }).click()
    await expect(page.getByTestId('batch-inputs').getByRole('listitem')).toHaveCount(1)
    await chooseNext(app, out)
    await dialog.getByRole('button', { name: 'Choose folder …' }).click()
    await dialog.getByRole('button', { name: 'Begin' }).click()
    await expect.poll(() => readdirSync(out).filter((name) => name.endsWith('_x4.png')).length, patient).toBe(4)
  })

  await test.step('a blind test names nothing before its end', async () => {
    // Keys are the viewer's again as soon as a dialog closes, while it still fades away.
    await page.keyboard.press('?')
    await expect(page.getByTestId('viewer-help')).toBeVisible()
    await page.keyboard.press('Escape')
    await page.keyboard.press('b')
    const blind = page.getByTestId('blind')
    await blind.getByRole('combobox', { name: 'Questions' }).click()
    await page.getByRole('option', { name: '6' }).click()
    await blind.getByRole('button', { name: 'Begin the test' }).click()
    await expect(blind).toContainText('Question 1 of 6')
    for (const name of ['DOBI', 'MinMax', 'FP', 'bicubic']) {
      expect(await page.getByTestId('compare-page').innerHTML()).not.toContain(name)
    }
    await expect(blind.getByRole('button', { name: 'Left' })).toBeEnabled(patient)
    await page.screenshot({ path: test.info().outputPath('blind.png') })
    await stage.focus()
    await page.keyboard.press('j')
    await expect(blind).toContainText('Question 2 of 6')
    await blind.getByRole('button', { name: 'Take back' }).click()
    await expect(blind).toContainText('Question 1 of 6')
    for (let i = 1; i <= 6; i++) {
      await expect(blind).toContainText(`Question ${i} of 6`)
      await expect(blind.getByRole('button', { name: 'Left' })).toBeEnabled(patient)
      await blind.getByRole('button', { name: 'No difference' }).click()
    }
    await blind.getByRole('button', { name: 'Finish' }).click()
    await expect(page.getByTestId('blind-result')).toContainText('No difference was seen in 6.')
    expect(await findings(page)).toEqual([])
    await page.screenshot({ path: test.info().outputPath('blind-result.png') })
    await blind.getByRole('button', { name: 'Leave the test' }).click()
    await expect(versions).toHaveCount(5)
  })
})
