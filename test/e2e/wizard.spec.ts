import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { evaluateResultSchema } from '../../src/contract/results'
import { evaluationFileSchema, type EvaluationFile } from '../../src/contract/runs'
import { preparePictures } from './pictures'
import { boundsOf, chooseNext, endStudio, expect, findings, onlyRun, root, startStudio, test } from './studio'

/** Work on a busy machine takes its time. */
const patient = { timeout: 180_000 }

/** Screens are kept for those who look at what a test saw. */
const screens = join(root, 'test-results', 'screens')

async function keepScreen(page: Page, name: string): Promise<void> {
  mkdirSync(screens, { recursive: true })
  await page.screenshot({ path: join(screens, `${name}.png`) })
}

const evaluationOf = (run: string): EvaluationFile =>
  evaluationFileSchema.parse(JSON.parse(readFileSync(join(run, 'evaluation.json'), 'utf8')))

function commandLine(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin', '2dquant.mjs'), ...args], {
    encoding: 'utf8'
  })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

/** Fills in model, calibration and a set to measure on, and stands on the last step. */
async function fillIn(app: ElectronApplication, page: Page, data: string): ReturnType<typeof preparePictures> {
  const pictures = await preparePictures(data)
  await page.getByRole('link', { name: 'New quantization' }).first().click()
  await page.getByRole('button', { name: 'Take the model that comes with the program' }).click()
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await page.getByRole('button', { name: 'Next' }).click()
  await chooseNext(app, pictures.calibration)
  await page.getByRole('button', { name: 'Choose folder …' }).click()
  await expect(page.getByTestId('sheet-text')).toContainText('32 patches of 32×32 pixels, from 3 pictures')
  await chooseNext(app, pictures.measured)
  await page.getByRole('button', { name: 'Add folder …' }).click()
  await expect(page.getByTestId('sets')).toContainText('2 pictures')
  await page.getByRole('button', { name: 'Next' }).click()
  return pictures
}

/** Takes one bit width in place of the usual. */
async function chooseBits(page: Page, bits: number): Promise<void> {
  const group = page.getByRole('group', { name: 'Bits', exact: true })
  await group.getByRole('button', { name: '4', exact: true }).click()
  await group.getByRole('button', { name: String(bits), exact: true }).click()
}

test('the whole way by the quick preset gives what the command line gives', async ({ studio: { app, page, data } }) => {
  test.setTimeout(600_000)
  const pictures = await fillIn(app, page, data)
  await chooseBits(page, 2)
  await test.step('time, memory, sizes and the equal command are told', async () => {
    await expect(page.getByTestId('estimate')).toContainText('Together', patient)
    await expect(page.getByTestId('estimate')).toContainText('GiB')
    await keepScreen(page, 'settings')
  })
  await test.step('what a switch changes, the command says', async () => {
    await page.getByRole('button', { name: 'Details of the search' }).click()
    await page.getByRole('switch', { name: 'Integer zero points' }).click()
    await expect(page.getByTestId('command')).toContainText('--zero-point integer')
    await keepScreen(page, 'zero-points')
  })
  const command = (await page.getByTestId('command').textContent()) ?? ''
  await page.getByRole('button', { name: 'Start' }).click()
  await test.step('DOBI is live: rows of all quantizers, bounds as they are found, a histogram that can be chosen', async () => {
    const table = page.getByTestId('quantizers')
    await expect(table.getByRole('row').nth(1)).toBeVisible(patient)
    await expect(page.getByTestId('quantizer-count')).toContainText('128 of 128', patient)
    await keepScreen(page, 'bounds')
  })
  await test.step('DQC is live: curves, pace, patches beside full precision', async () => {
    await expect(page.getByRole('img', { name: 'Loss' })).toBeVisible(patient)
    await expect(page.getByTestId('previews').getByRole('img')).toHaveCount(2, patient)
    await expect(page.getByText(/iterations\/s · .* left/)).toBeVisible(patient)
    await page.getByTestId('previews').getByRole('button', { name: '8', exact: true }).click()
    await keepScreen(page, 'training')
  })
  const results = page.getByTestId('results')
  await expect(results).toBeVisible({ timeout: 400_000 })
  await keepScreen(page, 'evaluate')
  await page.getByRole('button', { name: 'Training' }).click()
  await test.step('past previews are a slider away', async () => {
    const slider = page.getByRole('slider', { name: 'As it was at' })
    await slider.focus()
    await page.keyboard.press('Home')
    await expect(page.getByTestId('preview-iteration')).toContainText('iteration 0')
    await page.keyboard.press('End')
    await expect(page.getByTestId('preview-iteration')).toContainText('iteration 200')
  })
  await expect(page.getByRole('img', { name: 'Bounds before and after' })).toBeVisible()
  const ours = onlyRun(data)
  const theirs = join(data, 'command-line')
  const [quantize = '', evaluate = ''] = command.split('\n')
  const words = (line: string): string[] =>
    line
      .replace('2dquant ', '')
      .replaceAll(/runs\/swinir-tiny-x4/g, theirs)
      .split(' ')
  commandLine(...words(quantize))
  expect(boundsOf(ours)).toEqual(boundsOf(theirs))
  const printed = evaluateResultSchema.parse(JSON.parse(commandLine(...words(evaluate), '--json')))
  const measured = evaluationOf(ours).results.filter(({ method }) => method !== 'bicubic')
  const named = printed.results.map((result) => ({ ...result, model: measured[0]?.model ?? '' }))
  expect(named).toHaveLength(3)
  expect(measured).toEqual(expect.arrayContaining(named))
  expect(existsSync(pictures.measured)).toBe(true)
})

test.describe('bounds that were found', () => {
  /** DOBI alone at 2 bits takes seconds. */
  async function findBounds(app: ElectronApplication, page: Page, data: string): Promise<void> {
    await fillIn(app, page, data)
    await chooseBits(page, 2)
    await page.getByRole('checkbox', { name: '2DQuant', exact: true }).click()
    await expect(page.getByRole('checkbox', { name: 'DOBI', exact: true })).toBeChecked()
    await page.getByRole('button', { name: 'Start' }).click()
    await expect(page.getByTestId('results')).toBeVisible(patient)
  }
  const psnrOf = (run: string): number =>
    evaluationOf(run).results.find(({ method }) => method === 'dobi')?.sets[0]?.mean.psnr ?? NaN
  const pictureOf = (run: string): Buffer => {
    const view = evaluationOf(run).pictures[0]?.views.find(({ method }) => method === 'dobi')
    return readFileSync(join(run, view?.file ?? ''))
  }

  test('are changed by hand: the error at once, then numbers and pictures; undone, redone, reset, frozen', async ({
    studio: { app, page, data }
  }) => {
    test.setTimeout(300_000)
    await findBounds(app, page, data)
    const run = onlyRun(data)
    const [psnr, picture] = [psnrOf(run), pictureOf(run)]
    await page.getByRole('button', { name: 'Bounds' }).click()
    await page.getByRole('textbox', { name: 'Find by name' }).fill('blocks.1.mlp.fc2.input')
    const table = page.getByTestId('quantizers')
    await table.getByRole('row', { name: /layers\.0.*fc2\.input/ }).click()
    const facts = page.getByTestId('bounds-facts')
    const before = (await facts.textContent()) ?? ''
    const handle = page.getByRole('slider', { name: /upper/i })
    await test.step('dragged, it shows its new error before it is let go', async () => {
      await handle.scrollIntoViewIfNeeded()
      const box = await handle.boundingBox()
      if (box === null) throw new Error('there is no handle')
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
      await page.mouse.down()
      await page.mouse.move(box.x - 140, box.y + box.height / 2, { steps: 8 })
      await expect(facts).not.toHaveText(before)
      expect(JSON.stringify(boundsOf(run))).not.toContain('"found"')
      await page.mouse.up()
    })
    await expect(page.getByTestId('manual-count')).toContainText('1 changed by hand')
    const changed = boundsOf(run)
    await test.step('undone and redone, also by keys', async () => {
      await page.getByRole('button', { name: 'Undo' }).click()
      await expect(facts).toHaveText(before)
      await page.getByRole('button', { name: 'Redo' }).click()
      await expect(page.getByTestId('manual-count')).toContainText('1 changed by hand')
      expect(boundsOf(run)).toEqual(changed)
      await handle.focus()
      await page.keyboard.press('Control+z')
      await expect(page.getByTestId('manual-count')).toContainText('0 changed by hand')
      await page.keyboard.press('Control+Shift+z')
      await expect(page.getByTestId('manual-count')).toContainText('1 changed by hand')
    })
    await test.step('measured again, PSNR and picture are others', async () => {
      await page.getByRole('button', { name: 'Evaluate' }).click()
      await expect(page.getByText('bounds changed since')).toBeVisible()
      await page.getByRole('button', { name: 'Measure these' }).click()
      await expect(page.getByText('bounds changed since')).toBeHidden(patient)
      await expect.poll(() => psnrOf(run)).not.toBe(psnr)
      expect(pictureOf(run).equals(picture)).toBe(false)
    })
    await test.step('reset and frozen', async () => {
      await page.getByRole('button', { name: 'Bounds' }).click()
      await page.getByRole('checkbox', { name: 'Changed by hand' }).click()
      await expect(page.getByTestId('quantizer-count')).toContainText('1 of 128')
      await table.getByRole('row').nth(1).click()
      await page.getByRole('button', { name: 'As found' }).click()
      await page.getByRole('switch', { name: 'Frozen in training' }).click()
      await expect.poll(() => JSON.stringify(boundsOf(run))).toContain('"frozen":true')
      expect(JSON.stringify(boundsOf(run))).not.toContain('"found"')
    })
  })
})

test('everything is filled in and begun by keyboard alone', async ({ studio: { app, page, data } }) => {
  test.setTimeout(300_000)
  const pictures = await preparePictures(data)
  /** Goes on by Tab to what is called so. */
  const reach = async (name: string | RegExp): Promise<void> => {
    for (let i = 0; i < 80; i++) {
      await page.keyboard.press('Tab')
      const found = await page.evaluate(() => {
        const element = document.activeElement
        const labels = element instanceof HTMLElement ? [...(element.ariaLabelledByElements ?? [])] : []
        const own =
          element instanceof HTMLInputElement || element instanceof HTMLButtonElement ? [...(element.labels ?? [])] : []
        return [
          element?.getAttribute('aria-label'),
          ...[...labels, ...own].map((label) => label.textContent),
          element?.textContent
        ]
          .map((text) => text?.trim() ?? '')
          .find((text) => text !== '')
      })
      if (typeof name === 'string' ? found === name : name.test(found ?? '')) return
    }
    throw new Error(`Tab does not come to ${String(name)}`)
  }
  const press = async (name: string | RegExp, key = 'Enter'): Promise<void> => {
    await reach(name)
    await page.keyboard.press(key)
  }
  await press('New quantization')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('New quantization')
  await press('Take the model that comes with the program')
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await press('Next')
  await chooseNext(app, pictures.calibration)
  await press('Choose folder …')
  await expect(page.getByTestId('sheet-text')).toBeVisible()
  await reach('Patches')
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.type('8')
  await chooseNext(app, pictures.measured)
  await press('Add folder …')
  await expect(page.getByTestId('sets')).toContainText('2 pictures')
  await press('Next')
  await press('3')
  await press(/^2DQuant$/, 'Space')
  await press('Start')
  await expect(page.getByTestId('results')).toBeVisible(patient)
  await test.step('a bound is moved by keys', async () => {
    await press('Bounds')
    await reach('Quantizers')
    await page.keyboard.press('End')
    await reach(/upper/i)
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('Tab')
    await expect(page.getByTestId('manual-count')).toContainText('1 changed by hand')
  })
})

test('what is filled in outlives leaving and a restart', async ({ data }) => {
  const first = await startStudio({ data })
  await fillIn(first.app, first.page, data)
  await chooseBits(first.page, 3)
  await first.page.getByRole('link', { name: 'Home' }).click()
  await first.page.getByRole('link', { name: 'New quantization' }).first().click()
  await expect(first.page.getByTestId('facts')).toContainText('SwinIR')
  await endStudio(first)
  const later = await startStudio({ data })
  await later.page.getByRole('link', { name: 'New quantization' }).first().click()
  await expect(later.page.getByTestId('facts')).toContainText('SwinIR')
  await later.page.getByRole('button', { name: 'Settings' }).click()
  await expect(later.page.getByTestId('command')).toContainText('--bits 3')
  await expect(later.page.getByTestId('command')).toContainText('Photographs')
  await endStudio(later)
})

test('what is missing or cannot be used is said', async ({ studio: { app, page, data } }) => {
  await page.getByRole('link', { name: 'New quantization' }).first().click()
  await page.getByRole('button', { name: 'Next' }).click()
  await expect(page.getByRole('alert')).toContainText('Choose a model.')
  await chooseNext(app, join(root, 'package.json'))
  await page.getByRole('button', { name: 'Choose model …' }).click()
  await expect(page.getByText('This model cannot be quantized')).toBeVisible()
  await chooseNext(app, join(root, 'resources', 'models', 'swinir-tiny-x4.safetensors'))
  await page.getByRole('button', { name: 'Choose model …' }).click()
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await page.getByRole('button', { name: 'Next' }).click()
  await chooseNext(app, join(root, 'docs'))
  await page.getByRole('button', { name: 'Choose folder …' }).click()
  await expect(page.getByText('These pictures cannot be used')).toBeVisible()
  const { calibration } = await preparePictures(data)
  await chooseNext(app, calibration)
  await page.getByRole('button', { name: 'Choose folder …' }).click()
  await expect(page.getByTestId('sheet')).toBeVisible()
  await page.getByRole('spinbutton', { name: 'Patches' }).fill('0')
  await page.getByRole('spinbutton', { name: 'Patches' }).press('Tab')
  await page.getByRole('button', { name: 'Settings' }).click()
  const bits = page.getByRole('group', { name: 'Bits', exact: true })
  await bits.getByRole('button', { name: '4', exact: true }).click()
  await page.getByRole('button', { name: 'Start' }).click()
  await expect(page.getByRole('alert')).toContainText('Choose at least one bit width.')
  expect(await findings(page)).toEqual([])
})
