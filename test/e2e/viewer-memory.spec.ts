import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CDPSession, ElectronApplication, Page } from '@playwright/test'
import type { Bits } from '../../src/contract/bounds'
import { emptyJobView } from '../../src/contract/job-view'
import type { EvaluatedPicture, PictureView, RunDetails } from '../../src/contract/runs'
import { FakeEngine, fakeRun, heldBy, type Held } from './fake-engine'
import { noise } from './stage-pixels'
import { expect, focusStage, test } from './studio'

const size = { width: 600, height: 400 }
const count = 8
const methods = ['hr', 'lr', 'fp', 'dobi', '2dquant'] as const
const fourBits: Bits = { weight: 4, activation: 4 }

/** A run that was measured on eight pictures: more files than what reads them keeps decoded. */
async function measuredRun(folder: string): Promise<RunDetails> {
  mkdirSync(folder, { recursive: true })
  const pictures: EvaluatedPicture[] = []
  for (let i = 0; i < count; i++) {
    const views: PictureView[] = []
    for (const [j, method] of methods.entries()) {
      const file = `${i}-${method}.png`
      const factor = method === 'lr' ? 4 : 1
      await noise(join(folder, file), size.width / factor, size.height / factor, count * j + i + 1)
      const bits = method === 'dobi' || method === '2dquant' ? fourBits : null
      views.push({ method, bits, file, psnr: null, ssim: null })
    }
    pictures.push({ set: 'Eight', name: `picture-${i}`, ...size, views })
  }
  const run = fakeRun('eight', [{ method: 'dobi' }, { method: '2dquant' }])
  return {
    ...run,
    summary: { ...run.summary, folder, state: 'done' },
    evaluation: { schema: 1, results: [], outdated: [], pictures }
  }
}

/** MiB by which resident memory goes up and down by itself. */
const slack = 24
/**
 * MiB that are not given back when sharp decodes a picture in a process of Electron on Linux, however small it is: 0.1 measured
 * (github.com/lovell/sharp/issues/4460). The pixels of a picture here take 0.7.
 */
const lostByDecoding = 0.15

interface HeldByAll extends Held {
  /** Resident memory in MiB of the page's process, what draws for it, and what reads pictures. */
  readonly page: number
  readonly drawing: number
  readonly pictures: number
}

async function held(session: CDPSession, app: ElectronApplication): Promise<HeldByAll> {
  const page = await heldBy(session)
  const metrics = await app.evaluate(({ app }) =>
    app.getAppMetrics().map(({ type, name, memory }) => ({ type, name, mebibytes: memory.workingSetSize / 1024 }))
  )
  const of = (wanted: (typeof metrics)[number]['type'], name?: string): number =>
    metrics
      .filter((each) => each.type === wanted && (name === undefined || each.name === name))
      .reduce((sum, { mebibytes }) => sum + mebibytes, 0)
  return { ...page, page: of('Tab'), drawing: of('GPU'), pictures: of('Utility', '2DQuant pictures') }
}

/** Turns so many times to the next picture by its key, each time until all of it is drawn. */
async function turn(page: Page, times: number): Promise<void> {
  await page.evaluate(
    async ([times, count]) => {
      const frame = (): Promise<number> => new Promise(requestAnimationFrame)
      const place = (): number => {
        const all = [...document.querySelectorAll('[role=status]')].map(({ textContent }) => textContent.trim())
        return Number(/^(\d+) \/ \d+$/.exec(all.find((text) => text.endsWith(`/ ${count}`)) ?? '')?.[1] ?? NaN)
      }
      for (let i = 0; i < times; i++) {
        const next = (place() % count) + 1
        window.dispatchEvent(new KeyboardEvent('keydown', { key: 'PageDown' }))
        while (place() !== next) await frame()
        // What was just asked for has not been drawn before the next frame.
        await frame()
        await frame()
        while (document.querySelector<HTMLElement>('[data-testid=stage]')?.dataset['settled'] !== 'true') await frame()
      }
    },
    [times, count] as const
  )
}

/**
 * What is held after so many further turns. What reads pictures gathers tens of MiB until its collector runs, so of its memory the lowest
 * of several readings counts.
 */
async function heldAfter(turns: number, session: CDPSession, app: ElectronApplication, page: Page): Promise<HeldByAll> {
  const [readings, between] = [4, 5]
  await turn(page, turns - readings * between)
  const pictures: number[] = []
  for (;;) {
    await turn(page, between)
    const now = await held(session, app)
    pictures.push(now.pictures)
    if (pictures.length === readings) return { ...now, pictures: Math.min(...pictures) }
  }
}

test('memory after 200 pictures is what it was after 40', async ({ studio: { app, page }, data }) => {
  const details = await measuredRun(join(data, 'eight'))
  await expect(page.getByText('Runs appear here')).toBeVisible()
  await FakeEngine.connect(page, { details, isRunning: false, view: emptyJobView, others: [] })
  // A smaller window is drawn faster.
  await app.evaluate(({ BrowserWindow }) => {
    BrowserWindow.getAllWindows()[0]?.setContentSize(960, 600)
  })
  await page.evaluate((run) => {
    window.location.hash = `#/compare?${new URLSearchParams({ run }).toString()}`
  }, details.summary.folder)
  await expect(page.getByTestId('pane')).toHaveCount(6)
  await focusStage(page)
  const session = await page.context().newCDPSession(page)
  const before = await heldAfter(40, session, app, page)
  const after = await heldAfter(160, session, app, page)
  expect(after.heapBytes - before.heapBytes).toBeLessThan(2 ** 20)
  expect(after.nodes - before.nodes).toBeLessThan(100)
  expect(after.listeners - before.listeners).toBeLessThan(50)
  expect(before.pictures).toBeGreaterThan(0)
  expect(after.page - before.page).toBeLessThan(slack)
  expect(after.drawing - before.drawing).toBeLessThan(slack)
  expect(after.pictures - before.pictures).toBeLessThan(slack + 160 * methods.length * lostByDecoding)
})
