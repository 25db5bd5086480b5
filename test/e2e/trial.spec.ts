import { join } from 'node:path'
import { measureRun } from './measured-run'
import { expect, findings, root, test } from './studio'

const screens = join(root, 'test-results', 'screens')

test('an exported file runs as in a browser, in a window that has no way to the program', async ({ studio }) => {
  const { app, page } = studio
  const { folder, picture } = await measureRun(studio)
  await page.getByTestId('steps').getByRole('button', { name: 'Export' }).click()
  await page.getByRole('button', { name: 'Write file' }).click()
  const opened = app.waitForEvent('window')
  await page.getByRole('button', { name: 'Try as in a browser' }).click({ timeout: 60_000 })
  const trial = await opened
  await test.step('the smallest measured picture is what the simulation made it', async () => {
    await expect(trial.getByRole('status')).toContainText('s for 80×60 by onnxruntime-web 1.', { timeout: 60_000 })
    const told = await trial.getByRole('status').innerText()
    const [here, simulation] = [...told.matchAll(/([\d.]+) dB (?:here|in the simulation)/g)].map(([, db]) => Number(db))
    expect(here).toBeGreaterThan(20)
    expect(Math.abs((here ?? NaN) - (simulation ?? NaN))).toBeLessThan(0.05)
    expect(told).toMatch(/bit for bit|of all samples are those/)
    const size = await trial.getByRole('img', { name: /^Browser/ }).evaluate((element) => {
      const { width, height } = element as HTMLCanvasElement
      return [width, height]
    })
    expect(size).toEqual([320, 240])
    await expect(trial.getByRole('img', { name: /^Simulation/ })).toBeVisible()
    expect(await findings(trial)).toEqual([])
    await trial.screenshot({ path: join(screens, 'trial.png') })
  })
  await test.step('so is a picture that is chosen, without anything beside it', async () => {
    await trial.locator('input[type=file]').setInputFiles(picture)
    await expect(trial.getByRole('img', { name: /^Simulation/ })).toBeHidden()
    await expect(trial.getByRole('status')).toContainText(/ s for \d+×\d+/, { timeout: 60_000 })
  })
  await test.step('what is no picture is refused', async () => {
    await trial.locator('input[type=file]').setInputFiles(join(folder, 'run.json'))
    await expect(trial.getByText('It does not run here')).toBeVisible()
  })
  await test.step('its page has WebAssembly, and nothing else that the app’s has not', async () => {
    expect(await trial.evaluate(() => ['studio' in window, 'require' in window])).toEqual([false, false])
    const policyOf = (here: typeof page): Promise<string | null> =>
      here.evaluate(async () => (await fetch('/index.html')).headers.get('content-security-policy'))
    const [own, usual] = [await policyOf(trial), await policyOf(page)]
    expect(usual).toContain(`script-src 'self';`)
    expect(own?.replace(` 'wasm-unsafe-eval'`, '')).toBe(usual)
    const statusOf = (path: string): Promise<number> =>
      trial.evaluate(async (address) => (await fetch(address)).status, path)
    expect(await statusOf('/run/nothing/run.json')).toBe(404)
    const [, key = ''] = /"run":"([^"]+)"/.exec(decodeURIComponent(trial.url())) ?? []
    expect(await statusOf(`/run/${key}/run.json`)).toBe(404)
    expect(await statusOf(`/run/${key}/..%2f..%2fconfig.json`)).toBe(404)
    expect(await statusOf(`/run/${key}/export/swinir-tiny-x4-dobi-4-compact.onnx`)).toBe(200)
  })
  await test.step('it belongs to the window that it was asked for in, and closes with it', async () => {
    const parents = await app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows().map((window) => window.getParentWindow() !== null)
    )
    expect(parents.toSorted()).toEqual([false, true])
  })
})
