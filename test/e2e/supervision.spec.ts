import { type ElectronApplication } from '@playwright/test'
import { expect, iterationsOf, test, trainDemo } from './studio'

/** Kills the engine's process as the system would. */
async function killEngine(app: ElectronApplication): Promise<void> {
  const pid = await app.evaluate(
    ({ app }) => app.getAppMetrics().find(({ name }) => name === '2DQuant engine')?.pid ?? 0
  )
  expect(pid).toBeGreaterThan(0)
  process.kill(pid, 'SIGKILL')
}

test('an engine that is killed is started again, and its run goes on from where it was saved', async ({ studio }) => {
  const { app, page } = studio
  await trainDemo(studio)
  // There is a checkpoint after every 25 iterations.
  await expect.poll(() => iterationsOf(page), { timeout: 60_000 }).toBeGreaterThan(30)
  await killEngine(app)
  await expect(page.getByText('The engine ended and was started again').first()).toBeVisible()
  await expect(page.getByText('This run was broken off.')).toBeVisible()
  await expect(page.getByTestId('queue')).toContainText('interrupted')
  await page.getByRole('button', { name: 'Go on' }).click()
  await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible({ timeout: 60_000 })
  expect(await iterationsOf(page)).toBeGreaterThanOrEqual(25)
  await page.getByRole('button', { name: 'Stop and keep the best' }).click()
  await expect(page.getByTestId('results')).toBeVisible({ timeout: 120_000 })
})

test('an engine that does not stay up is given up, and started when asked', async ({ studio }) => {
  const { app, page } = studio
  const isRunning = (): Promise<boolean> =>
    app.evaluate(({ app }) => app.getAppMetrics().some(({ name }) => name === '2DQuant engine'))
  for (let i = 0; i < 3; i++) {
    await expect.poll(isRunning).toBe(true)
    await killEngine(app)
    await page.waitForTimeout(1000)
  }
  await expect(page.getByText('The engine does not stay up')).toBeVisible()
  await page.getByRole('button', { name: 'Start it again' }).click()
  await expect(page.getByText('The engine does not stay up')).toBeHidden()
  await page.getByRole('link', { name: 'Settings' }).click()
  await expect(page.getByTestId('runtimes')).toContainText('The test network ran.', { timeout: 60_000 })
})
