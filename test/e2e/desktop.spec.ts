import { expect, test, trainDemo } from './studio'

/** What the desktop was told, as recorded in the main process. */
interface Told {
  readonly progress: readonly (readonly [fraction: number, mode: string | undefined])[]
  readonly notified: readonly string[]
  /** Those that keep the computer awake. */
  readonly blockers: readonly number[]
}

test('the desktop is told of work: progress, staying awake, and its end', async ({ studio }) => {
  const { app, page } = studio
  await app.evaluate(({ BrowserWindow, Notification, powerSaveBlocker }) => {
    const told: { progress: unknown[]; notified: string[]; blockers: number[] } = {
      progress: [],
      notified: [],
      blockers: []
    }
    Object.assign(globalThis, { told })
    const [window] = BrowserWindow.getAllWindows()
    if (window === undefined) throw new Error('There is no window')
    window.setProgressBar = (fraction, options) => told.progress.push([fraction, options?.mode])
    const { start, stop } = powerSaveBlocker
    powerSaveBlocker.start = (type) => {
      const id = start(type)
      told.blockers.push(id)
      return id
    }
    powerSaveBlocker.stop = (id) => {
      told.blockers = told.blockers.filter((each) => each !== id)
      return stop(id)
    }
    window.isFocused = () => false
    Notification.isSupported = () => true
    Notification.prototype.show = function show(this: Electron.Notification) {
      told.notified.push(this.title)
    }
  })
  const told = (): Promise<Told> => app.evaluate(() => (globalThis as unknown as { told: Told }).told)
  const isKeptAwake = async (): Promise<boolean> => (await told()).blockers.length > 0
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
