import { copyFileSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { evaluationFileSchema } from '../../src/contract/runs'
import { preparePictures } from './pictures'
import { chooseNext, expect, findings, iterationsOf, test, trainDemo } from './studio'

/** Training of a busy machine takes its time. */
const patient = { timeout: 60_000 }

test('from the first window to numbers: demo, DOBI live, training, pictures side by side', async ({ studio }) => {
  const { app, page, data } = studio
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Quantize super-resolution models')
  await expect(page.getByText('Runs appear here')).toBeVisible()

  await page.getByRole('button', { name: 'Try the demo' }).click()
  await test.step('DOBI is watched while statistics are collected', async () => {
    await expect(page.getByText(/\d+ of 32 patches/)).toBeVisible({ timeout: 60_000 })
    await expect(page.getByRole('img', { name: 'Bounds as DOBI finds them' })).toBeVisible()
  })
  await test.step('training draws its curves, stands still, goes on and ends', async () => {
    await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible({ timeout: 120_000 })
    await expect(page.getByRole('img', { name: 'Loss' })).toBeVisible()
    await expect.poll(() => iterationsOf(page), patient).toBeGreaterThan(20)
    expect(await findings(page)).toEqual([])
    await page.getByRole('button', { name: 'Pause' }).click()
    await expect(page.getByText('This run stands still.')).toBeVisible()
    const standing = await iterationsOf(page)
    await page.waitForTimeout(2000)
    // The iteration it was in when it was asked may still have ended.
    expect(await iterationsOf(page)).toBeLessThanOrEqual(standing + 1)
    await page.getByRole('button', { name: 'Go on' }).click()
    await expect.poll(() => iterationsOf(page), patient).toBeGreaterThan(standing + 1)
    await page.getByRole('button', { name: 'Stop and keep the best' }).click()
  })
  const results = page.getByTestId('results')
  await expect(results).toBeVisible({ timeout: 120_000 })
  const [folder = ''] = readdirSync(join(data, 'runs'))
  const file: unknown = JSON.parse(readFileSync(join(data, 'runs', folder, 'evaluation.json'), 'utf8'))
  const evaluation = evaluationFileSchema.parse(file)

  const psnrOf = (wanted: string): number =>
    evaluation.results.find(({ method }) => method === wanted)?.sets[0]?.mean.psnr ?? NaN
  expect(await findings(page)).toEqual([])

  await test.step('the numbers are those in the run folder', async () => {
    const rows = await results.locator('tbody tr').allTextContents()
    expect(rows).toHaveLength(evaluation.results.length)
    for (const [i, { sets }] of evaluation.results.entries()) {
      expect(rows[i]).toContain(sets[0]?.mean.psnr?.toFixed(2))
    }
    expect(psnrOf('dobi')).toBeGreaterThan(psnrOf('minmax') + 5)
    expect(psnrOf('2dquant')).toBeGreaterThan(psnrOf('dobi'))
  })
  await test.step('every measured picture is listed, as the best variant made it, and opens with all its versions', async () => {
    const pictures = page.getByTestId('picture')
    await expect(pictures).toHaveCount(evaluation.pictures.length)
    const [first] = evaluation.pictures
    const quantized = first?.views.filter(({ bits }) => bits !== null) ?? []
    const [best] = quantized.toSorted((a, b) => (b.psnr ?? 0) - (a.psnr ?? 0))
    const shown = pictures.first().locator('img')
    await expect(shown).toHaveAttribute(
      'src',
      new RegExp(`/${encodeURIComponent(best?.file.split('/').at(-1) ?? '').replaceAll('.', '[.]')}$`)
    )
    const size = await shown.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])
    expect(size).toEqual([first?.width, first?.height])
    await expect(pictures.first()).toContainText(`${best?.psnr?.toFixed(2)} dB`)
    await page.getByTestId('picture').getByRole('link', { name: 'nagasaki-boats' }).click()
    await expect(page.getByRole('combobox', { name: 'Picture', exact: true })).toContainText('nagasaki-boats')
    const names = page.getByTestId('pane-list').getByRole('listitem')
    await expect(names).toHaveCount(evaluation.pictures[3]?.views.length ?? 0)
    await expect(names.first()).toContainText('HR')
    await page.goBack()
    await expect(results).toBeVisible()
  })
  await test.step('pictures of this run are served, and nothing around it', async () => {
    const address = (await page.getByTestId('picture').locator('img').first().getAttribute('src')) ?? ''
    const key = new URL(address).host
    const picture = join(data, 'runs', folder, 'images', '1', 'fp.png')
    for (const place of [data, join(data, 'runs')]) copyFileSync(picture, join(place, 'secret.png'))
    const isShown = (src: string): Promise<boolean> =>
      page.evaluate(async (src) => {
        const image = new Image()
        image.src = src
        return image.decode().then(
          () => true,
          () => false
        )
      }, src)
    expect(await isShown(`studio-image://${key}/images/1/fp.png`)).toBe(true)
    for (const hostile of [
      'studio-image://r00000000000000f/images/1/fp.png',
      `studio-image://${key}/../secret.png`,
      `studio-image://${key}/%2e%2e/secret.png`,
      `studio-image://${key}/..%2fsecret.png`,
      `studio-image://${key}/..%2f..%2fsecret.png`,
      `studio://app/..%2f..%2f..%2f${encodeURIComponent(join(data, 'secret.png'))}`
    ]) {
      expect(await isShown(hostile), hostile).toBe(false)
    }
  })
  await test.step('a picture of the user becomes four times as large, three clicks from the first window', async () => {
    const { picture } = await preparePictures(join(data, 'own'))
    await chooseNext(app, picture)
    await page.getByRole('button', { name: 'Choose picture …' }).click()
    const own = page.getByTestId('own').getByRole('img')
    await expect(own).toBeVisible(patient)
    expect(await own.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([
      1280, 960
    ])
  })
  await test.step('every tensor shows its values and bounds', async () => {
    await page.getByRole('button', { name: 'Bounds' }).click()
    await expect(page.getByTestId('tensor').getByRole('img')).toHaveCount(2)
    await expect(page.getByTestId('tensor')).toContainText(/RMS error\s*\d/)
  })
  await test.step('the run is among the recent ones', async () => {
    await page.getByRole('link', { name: 'Home' }).click()
    const card = page.getByTestId('runs').getByRole('link')
    await expect(card).toHaveCount(1)
    await expect(card).toContainText('swinir-tiny-x4.safetensors · ×4 · 2 bits')
    await expect(card).toContainText(`dB (FP ${psnrOf('fp').toFixed(2)})`)
    await card.click()
    await expect(results).toBeVisible()
  })
})

test('a run that is cancelled says so, and goes on when asked', async ({ studio }) => {
  const { page } = studio
  await trainDemo(studio)
  await page.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByText('This run was cancelled.')).toBeVisible()
  await page.getByRole('button', { name: 'Go on' }).click()
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible({ timeout: 60_000 })
  await page.getByRole('button', { name: 'Stop and keep the best' }).click()
  // Not the training alone: all that the demo does.
  await expect(page.getByTestId('results')).toBeVisible({ timeout: 120_000 })
})
