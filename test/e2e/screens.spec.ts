import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { preparePictures } from './pictures'
import { chooseNext, expect, findings, keepScreen, root, test } from './studio'

const bundled = join(root, 'resources', 'models', 'swinir-tiny-x4.safetensors')

/** A run of the command line, trained for some iterations, and its pictures: made once, copied where it is wanted. */
let made = ''
let pictures: Awaited<ReturnType<typeof preparePictures>>

test.beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'studio-run-'))
  pictures = await preparePictures(made)
  makeRun(pictures.calibration, join(made, 'run'))
})
test.afterAll(() => {
  rmSync(made, { recursive: true, force: true })
})

function makeRun(calibration: string, out: string): void {
  const options = [
    '--bits',
    '2',
    '--method',
    'dobi,2dquant',
    '--preset',
    'fast',
    '--iterations',
    '40',
    '--patches',
    '8'
  ]
  const words = ['quantize', bundled, '--calibration', calibration, ...options, '--out', out]
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'bin', '2dquant.mjs'), ...words], {
    encoding: 'utf8'
  })
  if (status !== 0) throw new Error(stderr)
}

test('runs of the command line appear by themselves, are compared, taken up again and put into the trash', async ({
  studio: { app, page, data }
}) => {
  test.setTimeout(240_000)
  await page.getByRole('link', { name: 'Runs', exact: true }).click()
  await expect(page.getByText('Runs appear here')).toBeVisible()
  const folder = join(data, 'runs')
  mkdirSync(folder, { recursive: true })
  cpSync(join(made, 'run'), join(folder, 'first of all'), { recursive: true })
  const rows = page.getByTestId('run-table').locator('tbody tr')
  await expect(rows).toHaveCount(1)
  await expect(rows).toContainText('first of all')
  await expect(rows).toContainText('DOBI, 2DQuant')
  await test.step('curves of chosen runs', async () => {
    await page.getByRole('checkbox', { name: 'Compare the curves of first of all' }).click()
    await expect(page.getByTestId('compare').getByRole('img')).toHaveCount(2)
    expect(await findings(page)).toEqual([])
  })
  await test.step('what does not fit the filter is not shown', async () => {
    await page.getByRole('textbox').fill('EDSR')
    await expect(rows).toHaveCount(0)
    await page.getByRole('textbox').fill('2dquant swinir')
    await expect(rows).toHaveCount(1)
  })
  await test.step('its settings are taken up again', async () => {
    await page.getByRole('button', { name: 'Actions of first of all' }).click()
    await page.getByRole('menuitem', { name: 'Duplicate settings' }).click()
    await expect(page.getByTestId('command')).toContainText('--iterations 40')
    await expect(page.getByTestId('command')).toContainText('--patches 8')
    await expect(page.getByTestId('command')).toContainText('--bits 2')
  })
  await test.step('asked first, it goes to the trash', async () => {
    await app.evaluate(({ shell }) => {
      const asked: string[] = []
      Object.assign(globalThis, { asked })
      shell.trashItem = (path) => {
        asked.push(path)
        return Promise.resolve()
      }
    })
    const trash = async (answer: string): Promise<readonly string[]> => {
      await page.getByRole('link', { name: 'Runs', exact: true }).click()
      await page.getByRole('button', { name: 'Actions of first of all' }).click()
      await page.getByRole('menuitem', { name: 'Move to trash' }).click()
      expect(await findings(page)).toEqual([])
      await page.getByRole('dialog').getByRole('button', { name: answer }).click()
      await expect(page.getByRole('dialog')).toBeHidden()
      return app.evaluate(() => (globalThis as unknown as { asked: string[] }).asked)
    }
    expect(await trash('Keep it')).toEqual([])
    expect(await trash('Move to trash')).toEqual([join(folder, 'first of all')])
  })
})

test('every screen in light and dark, at both sizes, with dialogs and menus open', async ({
  studio: { app, page, data }
}) => {
  test.setTimeout(300_000)
  const { measured, picture } = pictures
  const folder = join(data, 'runs', 'shown')
  mkdirSync(join(data, 'runs'), { recursive: true })
  cpSync(join(made, 'run'), folder, { recursive: true })
  await expect(page.getByTestId('runs').getByRole('link')).toHaveCount(1)
  await test.step('it is measured, and enlarges a picture of the user', async () => {
    await page.getByTestId('runs').getByRole('link').click()
    await page.getByRole('button', { name: 'Evaluate' }).click()
    await chooseNext(app, measured)
    await page.getByRole('button', { name: 'Add folder …' }).click()
    await page.getByRole('button', { name: 'Measure these' }).click()
    await expect(page.getByTestId('results')).toBeVisible({ timeout: 60_000 })
    await chooseNext(app, picture)
    await page.getByRole('button', { name: 'Choose picture …' }).click()
    const own = page.getByTestId('own').getByRole('img')
    await expect(own).toBeVisible({ timeout: 60_000 })
    await expect(own).toHaveAttribute('width', '1280')
    expect(readdirSync(join(folder, 'upscaled')).some((name) => name.endsWith('.png'))).toBe(true)
  })
  const step = (name: string) => async (): Promise<void> => {
    await page.evaluate((path) => window.studio.openPath(path), folder)
    await page.getByTestId('steps').getByRole('button', { name }).click()
  }
  const screens: Readonly<Record<string, () => Promise<void>>> = {
    bounds: async () => {
      await step('Bounds')()
      await expect(page.getByTestId('tensor').getByRole('img')).toHaveCount(2)
    },
    training: async () => {
      await step('Training')()
      await expect(page.getByRole('img', { name: 'Bounds before and after' })).toBeVisible()
    },
    evaluate: async () => {
      await step('Evaluate')()
      await page
        .getByTestId('results')
        .getByRole('button', { name: / dB|\d\d\.\d\d/ })
        .first()
        .click()
      await expect(page.getByTestId('worst')).toBeVisible()
    },
    layers: async () => {
      await step('Layers')()
      await expect(page.getByText('128 of 128 tensors')).toBeVisible()
    },
    setup: step('Setup'),
    'export menu': async () => {
      await step('Evaluate')()
      await page.getByRole('button', { name: 'Export table' }).click()
      await expect(page.getByRole('menuitem', { name: 'LaTeX' })).toBeVisible()
    },
    runs: async () => {
      await page.getByRole('link', { name: 'Runs', exact: true }).click()
    },
    compare: async () => {
      await page.evaluate((path) => {
        location.hash = `#/compare?${new URLSearchParams({ run: path }).toString()}`
      }, folder)
      await expect(page.getByTestId('worst-regions').getByRole('listitem')).toHaveCount(8)
    },
    figure: async () => {
      await page.getByRole('button', { name: 'Save figure …' }).click()
      await expect(page.getByTestId('figure').locator('svg').first()).toBeVisible()
    },
    data: async () => {
      await page.evaluate(() => (location.hash = '#/new?step=data'))
      await expect(page.getByRole('heading', { name: 'Calibration pictures' })).toBeVisible()
    },
    settings: async () => {
      await page.evaluate(() => (location.hash = '#/new?step=settings'))
      for (const name of ['Details of the search', 'Details of training', 'Exceptions']) {
        await page.getByRole('button', { name }).click()
      }
    }
  }
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate((theme) => window.studio.changeSettings({ theme }), theme)
    await expect(page.locator('html')).toHaveClass(theme === 'dark' ? /dark/ : /^(?!.*dark)/)
    for (const [width, height] of [
      [1280, 800],
      [1920, 1080]
    ] as const) {
      await app.evaluate(
        ({ BrowserWindow }, { width, height }) => {
          BrowserWindow.getAllWindows()[0]?.setContentSize(width, height)
        },
        { width, height }
      )
      await page.waitForFunction((width) => window.innerWidth === width, width)
      for (const [name, reach] of Object.entries(screens)) {
        await reach()
        await keepScreen(page, `${name}-${theme}-${width}`)
        expect(await findings(page), `${name} ${theme} ${width}`).toEqual([])
        await page.keyboard.press('Escape')
      }
    }
  }
})
