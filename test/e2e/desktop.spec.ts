import { expect, test, trainDemo } from './studio'

/** What the desktop was told, as recorded in the main process. */
interface Told {
  readonly progress: readonly (readonly [fraction: number, mode: string | undefined])[]
  readonly notified: readonly string[]
}

test('the desktop is told of work: progress, staying awake, and its end', async ({ studio }) => {
  const { app, page } = studio
  await app.evaluate(({ BrowserWindow, Notification }) => {
    const told: { progress: unknown[]; notified: string[] } = { progress: [], notified: [] }
    Object.assign(globalThis, { told })
    const [window] = BrowserWindow.getAllWindows()
    if (window === undefined) throw new Error('There is no window')
    window.setProgressBar = (fraction, options) => told.progress.push([fraction, options?.mode])
    window.isFocused = () => false
    Notification.isSupported = () => true
    Notification.prototype.show = function show(this: Electron.Notification) {
      told.notified.push(this.title)
    }
  })
  const told = (): Promise<Told> => app.evaluate(() => (globalThis as unknown as { told: Told }).told)
  // Blockers are numbered from 0.
  const isKeptAwake = (): Promise<boolean> =>
    app.evaluate(({ powerSaveBlocker }) => Array.from({ length: 20 }).some((_, id) => powerSaveBlocker.isStarted(id)))
  expect(await isKeptAwake()).toBe(false)
  await trainDemo(studio)
  expect(await isKeptAwake()).toBe(true)
  await page.getByRole('button', { name: 'Pause' }).click()
  await expect.poll(isKeptAwake).toBe(false)
  await expect.poll(async () => (await told()).progress.at(-1)?.[1]).toBe('paused')
  await page.getByRole('button', { name: 'Go on' }).click()
  await expect.poll(isKeptAwake).toBe(true)
  await page.getByRole('button', { name: 'Stop and keep the best' }).click()
  await expect(page.getByTestId('results')).toBeVisible({ timeout: 120_000 })
  await expect.poll(isKeptAwake).toBe(false)
  const { progress, notified } = await told()
  expect(progress.filter(([fraction]) => fraction > 0 && fraction <= 1).length).toBeGreaterThan(5)
  expect(progress.at(-1)?.[0]).toBe(-1)
  expect(notified).toEqual([expect.stringMatching(/^demo /)])
})
