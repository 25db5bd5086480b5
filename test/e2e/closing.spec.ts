import { spawn } from 'node:child_process'
import { answerClosing, endStudio, expect, iterationsOf, startStudio, test, trainDemo, type Studio } from './studio'

const close = ({ app }: Studio): Promise<void> =>
  app.evaluate(({ BrowserWindow }) => {
    for (const window of BrowserWindow.getAllWindows()) window.close()
  })

test('nothing is asked where nothing is going on', async ({ data }) => {
  const studio = await startStudio({ data })
  // Were it asked, this answer would keep it.
  await answerClosing(studio, 'cancel')
  const ended = studio.app.waitForEvent('close')
  await close(studio)
  await ended
})

test('work is kept without a window, and paused work goes on after a restart', async ({ data }) => {
  const studio = await startStudio({ data })
  await trainDemo(studio)
  await test.step('cancelling leaves all as it is', async () => {
    const asked = await answerClosing(studio, 'cancel')
    await close(studio)
    await expect.poll(asked).toBe(1)
    await expect(studio.page.getByRole('button', { name: 'Pause' })).toBeVisible()
  })
  const page = await test.step('a window that was closed comes back when the program is started again', async () => {
    await answerClosing(studio, 'keep')
    await close(studio)
    await expect.poll(() => studio.app.windows().length).toBe(0)
    const opened = studio.app.waitForEvent('window')
    const { spawnfile, spawnargs } = studio.app.process()
    const again = spawn(
      spawnfile,
      spawnargs.slice(1).filter((arg) => !/^-r$|loader\.js$|--(inspect|remote)/.test(arg)),
      { env: process.env }
    )
    const page = await opened
    again.kill()
    await page.getByTestId('queue').getByRole('link').click()
    await expect(page.getByRole('button', { name: 'Pause' })).toBeVisible()
    return page
  })
  await expect.poll(() => iterationsOf(page), { timeout: 60_000 }).toBeGreaterThan(5)
  const iterations = await iterationsOf(page)
  await answerClosing(studio, 'pause')
  const ended = studio.app.waitForEvent('close')
  await close(studio)
  await ended

  const later = await startStudio({ data })
  await expect(later.page.getByTestId('queue')).toContainText('paused')
  await later.page.getByTestId('queue').getByRole('link').click()
  await later.page.getByRole('button', { name: 'Go on' }).click()
  await expect(later.page.getByRole('button', { name: 'Pause' })).toBeVisible({ timeout: 60_000 })
  expect(await iterationsOf(later.page)).toBeGreaterThanOrEqual(iterations)
  await endStudio(later)
})

test('stopping keeps the best that training has found', async ({ data }) => {
  const studio = await startStudio({ data })
  await trainDemo(studio)
  await expect.poll(() => iterationsOf(studio.page), { timeout: 60_000 }).toBeGreaterThan(20)
  await answerClosing(studio, 'stop')
  const ended = studio.app.waitForEvent('close')
  await close(studio)
  await ended

  const later = await startStudio({ data })
  await later.page.getByTestId('queue').getByRole('link').click()
  await expect(later.page.getByTestId('training')).toBeVisible()
  await later.page.getByRole('button', { name: 'Go on' }).click()
  const results = later.page.getByTestId('results')
  await expect(results).toBeVisible({ timeout: 120_000 })
  // The variant that was trained is there; the one that was not begun is left out.
  await expect(results).toContainText('2DQuant2')
  await expect(results).not.toContainText('2DQuant+')
  await endStudio(later)
})
