import type { JobEvent } from '../../src/contract/events'
import { emptyJobView } from '../../src/contract/job-view'
import { FakeEngine, fakeRun, heldBy, lossAt, validationAt } from './fake-engine'
import { expect, test } from './studio'

/** An hour at ten iterations a second. */
const iterations = 36_000

/**
 * Bytes that may be more at the end. Half an hour tells 55,000 events, 360 validations of which are kept (0.1 MB): a page that
 * kept a number of each event, or the canvas, state or chart of each update, would hold far more.
 */
const tolerance = 1.5 * 2 ** 20

const methods = ['2dquant', '2dquant+'] as const

/** What an hour of training tells, from one iteration to before another. */
function told(from: number, to: number): readonly JobEvent[] {
  const events: JobEvent[] = []
  for (let i = from + 1; i <= to; i++) {
    for (const method of methods) {
      events.push(lossAt(i, method))
      if (i % 100 === 0) events.push(validationAt(i, method))
    }
    events.push({ kind: 'progress', phase: 'distillation', done: i, total: iterations, unit: 'iterations' })
    if (i % 10 === 0) {
      const secondsLeft = (iterations - i) / 10
      events.push({ kind: 'pace', iterationsPerSecond: 10, secondsLeft, memoryBytes: 2 ** 30 })
    }
  }
  return events
}

test('a page that shows an hour of training holds no more at its end than in its middle', async ({ studio }) => {
  const { page } = studio
  // The real engine has connected: the fake one takes its place.
  await expect(page.getByText('Runs appear here')).toBeVisible()
  const details = fakeRun('hour', [])
  const engine = await FakeEngine.connect(page, { details, isRunning: true, view: emptyJobView, others: [] })
  await engine.show(details.summary.folder, 'distillation')
  const session = await page.context().newCDPSession(page)
  const train = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i += 1000) await engine.queue(told(i, Math.min(to, i + 1000)), 300)
    await engine.play()
  }
  await engine.queue(
    methods.map((method) => validationAt(0, method)),
    10
  )
  await train(0, iterations / 2)
  await expect(page.getByRole('img', { name: 'Loss' })).toBeVisible()
  const middle = await heldBy(session)
  await train(iterations / 2, iterations)
  await expect(page.getByTestId('progress')).toHaveText(`${iterations} of ${iterations} iterations`)
  const end = await heldBy(session)
  expect(end.heapBytes - middle.heapBytes).toBeLessThan(tolerance)
  expect(end.nodes - middle.nodes).toBeLessThan(50)
  expect(end.listeners - middle.listeners).toBeLessThan(10)
})
