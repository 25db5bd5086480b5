import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type CDPSession, type Page } from '@playwright/test'
import type { JobEvent } from '../../../src/contract/events'
import { emptyJobView, withEvent, type JobView, type TrainingView } from '../../../src/contract/job-view'
import { FakeEngine, fakeRun, lossAt, quantizerAt, validationAt, type FakeWorld } from '../../e2e/fake-engine'
import { endStudio, startStudio, type Studio } from '../../e2e/studio'
import { framesOf, percentWithin } from './frames'
import { tell } from './tell'

/** Updates a second, and how long they are watched, in seconds. */
const rate = 20
const watched = 10

const methods = ['dbdc+pac', '2dquant', '2dquant+'] as const

/** Iterations from one point of the curves to the next: what the job view has made of them after so long a training. */
const stride = 64

let studio: Studio
let data = ''
test.beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'studio-bench-'))
  studio = await startStudio({ data })
  await studio.page.getByText('Runs appear here').waitFor()
})
test.afterEach(async () => {
  await endStudio(studio)
  rmSync(data, { recursive: true, force: true, maxRetries: 20 })
})

/** Ten curves a chart: three trainings of the job, which go on, and those of seven runs that are laid over. */
test('training is watched, seven runs laid over', async () => {
  const { page } = studio
  const details = fakeRun('live', [])
  const others = Array.from({ length: 7 }, (_, i) => ({
    summary: fakeRun(`other ${i + 1}`, []).summary,
    view: { ...emptyJobView, trainings: [longTraining('2dquant', 1 + i / 10, 4000)] }
  }))
  // The job view keeps fewer than 2000 points of a loss, and every validation.
  const view: JobView = {
    ...emptyJobView,
    progress: { kind: 'progress', phase: 'distillation', done: 0, total: 1_000_000, unit: 'iterations' },
    trainings: methods.map((method, i) => longTraining(method, 1 + i / 10, 1700))
  }
  const engine = await begin(page, { details, isRunning: true, view, others }, 'distillation')
  await page.getByRole('button', { name: 'Lay other runs over' }).click()
  for (const { summary } of others) await page.getByRole('option', { name: summary.name }).click()
  await page.keyboard.press('Escape')
  await page.getByText('other 7: 2DQuant').first().waitFor()

  const first = 1701
  const losses = (round: number): readonly JobEvent[] =>
    methods.map((method) => lossAt((first + round) * stride, method))
  const usual = await measure(page, engine, losses)
  tell({ name: 'ms of work for an update of 10 curves of training', value: usual.work, atMost: 20 })
  tell({ name: '% of frames within 34 ms meanwhile', value: usual.smooth, atLeast: 95 })
  tell({ name: 'updates of curves a second, as asked for', value: usual.rate, atLeast: 0.95 * rate })
  const second = first + rate * watched
  const all = await measure(page, engine, (round) =>
    methods.flatMap((method) => [
      lossAt((second + round) * stride, method),
      validationAt((second + round) * stride, method)
    ])
  )
  tell({ name: 'ms of work where every update has validations as well', value: all.work })
  tell({ name: '% of frames within 34 ms where every update has validations as well', value: all.smooth })
})

test('the table of quantizers is watched', async () => {
  const { page } = studio
  const count = 2000
  const part = 100
  const details = fakeRun('live', [])
  const rows = Array.from({ length: count }, (_, i) => quantizerAt(i, 0))
  const view: JobView = {
    ...emptyJobView,
    progress: { kind: 'progress', phase: 'statistics', done: 1, total: 16, unit: 'patches' },
    quantizers: { method: 'dobi', bits: { weight: 4, activation: 4 }, rows },
    histogram: {
      kind: 'histogram',
      name: rows[1]?.name ?? '',
      patches: 1,
      min: -3,
      max: 3,
      shares: Array.from({ length: 256 }, (_, i) => Math.exp(-(((i - 128) / 40) ** 2)) / 71),
      bits: 4,
      lower: -2,
      upper: 2
    }
  }
  const engine = await begin(page, { details, isRunning: true, view, others: [] }, 'bounds')
  await page.getByText(`${count} of ${count}`).waitFor()
  const changed = (round: number): readonly JobEvent[] => {
    const from = (round * part) % count
    return [
      {
        kind: 'quantizers',
        method: 'dobi',
        bits: { weight: 4, activation: 4 },
        rows: Array.from({ length: part }, (_, i) => quantizerAt(from + i, 1 + round))
      }
    ]
  }
  const usual = await measure(page, engine, changed)
  tell({ name: 'ms of work for an update of 100 of 2000 quantizers', value: usual.work })
  tell({ name: '% of frames within 34 ms while quantizers change', value: usual.smooth, atLeast: 95 })
  await page.getByRole('button', { name: 'Worst first' }).click()
  const sorted = await measure(page, engine, changed)
  tell({ name: 'ms of work for an update of the sorted table', value: sorted.work })
  tell({ name: '% of frames within 34 ms while they are sorted by SQNR', value: sorted.smooth, atLeast: 95 })
})

async function begin(page: Page, world: FakeWorld, step: 'bounds' | 'distillation'): Promise<FakeEngine> {
  const engine = await FakeEngine.connect(page, world)
  await engine.show(world.details.summary.folder, step)
  await page.getByTestId('progress').waitFor()
  return engine
}

/** What it costs a page to show what is told: one round of events an update. */
async function measure(
  page: Page,
  engine: FakeEngine,
  eventsOf: (round: number) => readonly JobEvent[]
): Promise<{ readonly work: number; readonly smooth: number; readonly rate: number }> {
  const rounds = rate * watched
  for (let i = 0; i < rounds; i++) {
    const events = eventsOf(i)
    await engine.queue(events, events.length)
  }
  // Opening and what was queued leaves garbage, which is not of these updates.
  await page.waitForTimeout(1000)
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const frames = framesOf(page, watched)
  const before = await taskSeconds(session)
  const began = performance.now()
  await engine.play(1000 / rate)
  const played = (performance.now() - began) / 1000
  const seconds = (await taskSeconds(session)) - before
  const smooth = percentWithin(await frames, 34)
  await session.detach()
  return { work: (1000 * seconds) / rounds, smooth, rate: rounds / played }
}

/** All that the page's thread has done so far: scripts, styles, layout, painting, collecting garbage. */
async function taskSeconds(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN
}

/** A training as it is after so many points of its loss, and four thousand validations. */
function longTraining(method: (typeof methods)[number], size: number, points: number): TrainingView {
  const start = withEvent(withEvent(emptyJobView, validationAt(0, method)), lossAt(1, method)).trainings[0]
  if (start === undefined) throw new Error('A training that began is not there.')
  const curve = (share: number): TrainingView['loss'] => ({
    stride,
    points: Array.from({ length: points }, (_, i) => {
      const event = lossAt((i + 1) * stride, method)
      const value = event.kind === 'loss' ? share * size * (event.output ?? 0) : NaN
      return [(i + 1) * stride, value, value * 0.9, value * 1.2]
    }),
    rest: { count: 0, last: 0, sum: 0, least: 0, greatest: 0 }
  })
  const validations = Array.from({ length: 4000 }, (_, i): [number, number] => [
    Math.round((i * points * stride) / 4000),
    30 * size + 5 * Math.sin(i / 300) + Math.sin(i * 12.9898)
  ])
  return {
    ...start,
    loss: curve(1),
    outputLoss: curve(0.7),
    featureLoss: curve(0.3),
    agreement: validations,
    againstHr: validations.map(([at, psnr]) => [at, psnr - 12]),
    featureShare: validations.map(([at, psnr]) => [at, psnr / 100])
  }
}
