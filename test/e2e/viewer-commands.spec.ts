import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { contestantTitles } from '../../src/contract/bounds'
import { evaluationFileSchema } from '../../src/contract/runs'
import { viewerCommands, type ViewerCommand } from '../../src/contract/viewer-commands'
import { en } from '../../src/renderer/i18n/en'
import { measureRun } from './measured-run'
import { framesOf, noise, settle } from './stage-pixels'
import { chooseNext, expect, findings, focusStage, keepScreen, saveNextAs, test } from './studio'

/** Names of keys as Playwright has them, where they differ. */
function pressed(key: string): string {
  return key === ' ' ? 'Space' : /^[A-Z]$/.test(key) ? key.toLowerCase() : key
}

/** What is drawn on the stage, and what the page says beside it, as text that is the same where these are. */
async function seen(page: Page): Promise<{ readonly drawn: string; readonly said: string }> {
  await settle(page)
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('[data-testid=stage-canvas]')
    const { data } = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {}
    const words = new Uint32Array(data?.buffer ?? new ArrayBuffer(0))
    let hash = 0
    for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + (words[i] ?? 0)) | 0
    const states = [...document.querySelectorAll('[aria-pressed], [aria-label], [role=dialog], input')].map(
      (element) => [
        element.getAttribute('aria-pressed'),
        element.getAttribute('aria-label'),
        element instanceof HTMLInputElement ? element.value : ''
      ]
    )
    return {
      drawn: `${canvas?.width}×${canvas?.height} ${hash}`,
      said: JSON.stringify([document.body.innerText, states])
    }
  })
}

/** Waits until nothing changes by itself any more, and tells what is seen. */
async function rest(page: Page): ReturnType<typeof seen> {
  let before = await seen(page)
  await expect
    .poll(async () => {
      const now = await seen(page)
      const isSame = now.drawn === before.drawn && now.said === before.said
      before = now
      return isSame
    })
    .toBe(true)
  return before
}

/** Keys that lead to where a command can be seen to work; without any, from all pictures in a grid. */
const three = ['z', '+', '+']
const eight = [...three, '+', '+', '+', '+']
const places: Partial<Record<ViewerCommand, readonly (readonly string[])[]>> = {
  grid: [['s']],
  zoomOut: [['z', '+']],
  fit: [three],
  pixels: [three],
  panLeft: [three],
  panRight: [three],
  panUp: [three],
  panDown: [three],
  smooth: [three],
  pixelGrid: [[...eight, '+', '+', '+']],
  pane1: [['f', '2']],
  ...Object.fromEntries([2, 3, 4, 5, 6, 7, 8, 9].map((number) => [`pane${number}`, [['f', '1']]])),
  swap: [
    ['s', '1', '3'],
    ['f', '1', '3'],
    ['l', '1', '3']
  ],
  reference: [['d', '3']],
  less: [['s'], ['f'], ['d'], ['l', ']', ']']],
  more: [['s'], ['f'], ['d'], ['l']],
  orientation: [['s', '1', '3']],
  form: [['d']],
  channel: [['d']],
  colourMap: [['d']],
  clearRegion: [['a']]
}
/** Commands that change what the page says alone: a mode without a picture of its own yet, dialogs, speed, votes. */
const saidAlone: ReadonlySet<ViewerCommand> = new Set([
  'blind',
  'play',
  'figure',
  'help',
  'voteLeft',
  'voteRight',
  'voteNone'
])
const isSaidAlone = (id: ViewerCommand, [mode]: readonly string[]): boolean =>
  saidAlone.has(id) || ((id === 'less' || id === 'more') && mode === 'f')

/** Goes on to what can be reached by Tab until this has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => {
      const element = document.activeElement
      return element?.getAttribute('aria-label') ?? element?.textContent.trim() ?? ''
    })
    if (focused === name) return
  }
  throw new Error(`${name} is not reached by Tab`)
}

test('every command works by its keys, and nothing needs a mouse', async ({ studio }) => {
  test.setTimeout(180_000)
  const { app, page, data } = studio
  const { folder } = await measureRun(studio)
  const stage = page.getByTestId('stage').getByRole('application')
  const press = async (keys: readonly string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(pressed(key))
  }
  const resize = async (width: number, height: number): Promise<void> => {
    const size = [width, height] as const
    await app.evaluate(({ BrowserWindow }, size) => BrowserWindow.getAllWindows()[0]?.setContentSize(...size), size)
    await page.waitForFunction((width) => window.innerWidth === width, width)
  }
  const status = page.getByRole('status').filter({ hasText: '/ 2' })

  await test.step('a newcomer comes from home to a figure by keyboard alone', async () => {
    await page.evaluate(() => (location.hash = '#/'))
    await expect(page.getByRole('button', { name: 'Try the demo' })).toBeVisible()
    await tabTo(page, 'Compare')
    await page.keyboard.press('Enter')
    await expect(page.getByRole('heading', { name: 'Look at what quantization did' })).toBeVisible()
    await tabTo(page, 'small')
    await page.keyboard.press('Enter')
    await expect(page.getByTestId('pane')).toHaveCount(6)
    await press(['s', ...eight])
    await expect(stage).toHaveAttribute('aria-label', /^Split slider: .*zoom 8×$/)
    await press(['e'])
    await expect(page.getByTestId('figure').locator('svg').first()).toBeVisible()
    const path = join(data, 'figure.png')
    await saveNextAs(app, path)
    await tabTo(page, 'Save PNG')
    await page.keyboard.press('Enter')
    await expect.poll(() => existsSync(path)).toBe(true)
    await press(['Escape'])
    await expect(page.getByRole('dialog')).toHaveCount(0)
    await press(['Escape', 'g', '0'])
  })

  await test.step('numbers of a region are those that were measured', async () => {
    const { pictures } = evaluationFileSchema.parse(JSON.parse(readFileSync(join(folder, 'evaluation.json'), 'utf8')))
    const views = pictures[0]?.views ?? []
    await press(['f'])
    await settle(page)
    // All but a border of the scale, as evaluations have it. At 2×, pixels of the picture are found from its middle.
    await expect(stage).toHaveAttribute('aria-label', /zoom 2×$/)
    const [frame] = await framesOf(page)
    const box = await page.getByTestId('stage-canvas').boundingBox()
    if (frame === undefined || box === null) throw new Error('Nothing is shown')
    const middle = { x: box.x + box.width / 2, y: frame.y + frame.height / 2 }
    const [across, down] = [2 * (160 - 4) - 1, 2 * (120 - 4) - 1]
    await page.keyboard.down('Shift')
    await page.mouse.move(middle.x - across, middle.y - down)
    await page.mouse.down()
    await page.mouse.move(middle.x + across, middle.y + down, { steps: 3 })
    await page.mouse.up()
    await page.keyboard.up('Shift')
    await expect(page.getByTestId('region')).toContainText('312×232 at 4, 4')
    const rows = page.getByTestId('region-numbers').getByRole('row')
    for (const method of ['fp', 'minmax', 'dobi'] as const) {
      const { psnr, ssim } = views.find((view) => view.method === method) ?? { psnr: null, ssim: null }
      if (psnr === null || ssim === null) throw new Error(`${method} was not measured`)
      const row = rows.filter({ has: page.getByRole('rowheader', { name: contestantTitles[method] }) })
      await expect(row).toContainText(psnr.toFixed(2))
      await expect(row).toContainText(ssim.toFixed(4))
    }
    await press(['Escape', 'g', '0'])
  })

  await test.step('every key of every command changes what is seen', async () => {
    // As many versions as there are keys for.
    const paths = [1, 2, 3].map((seed) => join(data, `beside-${seed}.png`))
    for (const [i, path] of paths.entries()) await noise(path, 320, 240, i + 7)
    await chooseNext(app, ...paths)
    await page.getByRole('button', { name: 'Open pictures …' }).click()
    await page.getByRole('button', { name: 'Show it beside' }).click()
    await expect(page.getByTestId('pane')).toHaveCount(9)
    await expect(page.getByTestId('worst-regions').getByRole('listitem')).toHaveCount(8)
    // A smaller window is drawn faster.
    await resize(960, 600)
    await focusStage(page)
    const box = await page.getByTestId('stage').boundingBox()
    await page.mouse.move(box?.x ?? 0, (box?.y ?? 0) - 8)

    for (const { id, keys, group } of viewerCommands) {
      if (group === 'blind') continue
      for (const key of keys) {
        for (const before of places[id] ?? [[]]) {
          await press(['g', '0', 'Escape', ...before])
          const isSaid = isSaidAlone(id, before)
          // Numbers come later than what is drawn.
          const { drawn, said } = await (isSaid ? rest(page) : seen(page))
          await press([key])
          const now = async (): Promise<string> => {
            const { drawn, said } = await seen(page)
            return isSaid ? said : drawn
          }
          await expect
            .poll(now, { message: `${id}, ${key} after ${before.join(' ')}`, intervals: [20, 100] })
            .not.toBe(isSaid ? said : drawn)
          // Back to where it was.
          if (id === 'figure' || id === 'help') {
            await press(['Escape'])
            await expect(page.getByRole('dialog')).toHaveCount(0)
            await focusStage(page)
          }
          if (id === 'smooth' || id === 'pixelGrid' || id === 'play') await press([key])
        }
      }
    }
  })

  await test.step('votes count by their keys', async () => {
    await press(['g', '0', 'Escape', 'b'])
    await page.getByTestId('blind').getByRole('button', { name: 'Begin the test' }).click()
    await focusStage(page)
    for (const [i, { keys }] of viewerCommands.filter(({ group }) => group === 'blind').entries()) {
      await expect(page.getByTestId('blind')).toContainText(`Question ${i + 1} of 12`)
      await expect(page.getByTestId('blind').getByRole('button', { name: 'Left' })).toBeEnabled()
      await press(keys)
      await expect(page.getByTestId('blind')).toContainText(`Question ${i + 2} of 12`)
    }
    await page.getByRole('button', { name: 'Leave the test' }).click()
    await expect(page.getByTestId('pane')).not.toHaveCount(2)
  })

  await test.step('the help lists every command with its keys', async () => {
    await focusStage(page)
    await press(['?'])
    const help = page.getByTestId('viewer-help')
    await expect(help.getByRole('term')).toHaveCount(viewerCommands.length)
    for (const [i, { id, keys }] of viewerCommands.entries()) {
      await expect(help.getByRole('term').nth(i)).toHaveText(en.viewer.commands[id])
      expect(await help.getByRole('definition').nth(i).locator('> span').count()).toBe(keys.length)
    }
    await press(['Escape'])
    await expect(page.getByRole('dialog')).toHaveCount(0)
  })

  await test.step('how pictures are looked at stays from picture to picture', async () => {
    await focusStage(page)
    await press(['g', '1', '3', 's', ']', ...eight, 'ArrowRight', 'a'])
    const [place, label] = [await status.innerText(), await stage.getAttribute('aria-label')]
    const region = await page.getByTestId('region').locator('p').first().innerText()
    const { drawn } = await rest(page)
    await press(['PageDown'])
    await expect(status).not.toHaveText(place)
    // The picture before stays as long as the next one is read.
    const seen = async (): Promise<string> => (await rest(page)).drawn
    await expect.poll(seen).not.toBe(drawn)
    const how = /^(.*?:).*(zoom .*)$/.exec(label ?? '')?.slice(1)
    expect(/^(.*?:).*(zoom .*)$/.exec((await stage.getAttribute('aria-label')) ?? '')?.slice(1)).toEqual(how)
    await expect(page.getByTestId('region').locator('p').first()).toHaveText(region)
    await press(['PageUp'])
    await expect(status).toHaveText(place)
    await expect.poll(seen).toBe(drawn)
  })

  await test.step('every mode in light and dark, at both sizes', async () => {
    await press(['g', '0', 'Escape'])
    for (const theme of ['light', 'dark'] as const) {
      await page.evaluate((theme) => window.studio.changeSettings({ theme }), theme)
      await expect(page.locator('html')).toHaveClass(theme === 'dark' ? /dark/ : /^(?!.*dark)/)
      for (const [width, height] of [
        [1280, 800],
        [1920, 1080]
      ] as const) {
        await resize(width, height)
        for (const [i, { id, keys }] of viewerCommands.filter(({ group }) => group === 'mode').entries()) {
          await press(keys)
          await settle(page)
          await keepScreen(page, `viewer-${id}-${theme}-${width}`)
          // Every mode in one of them; the grid is looked at in both where all screens are.
          if (width === 1280 && (theme === 'dark') === (i % 2 === 0))
            expect(await findings(page), `${id} ${theme}`).toEqual([])
        }
      }
    }
  })
})
