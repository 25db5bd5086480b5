import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from './studio'

test('a page has no way to Node, to other pages, or to scripts of others', async ({ studio }) => {
  const { app, page } = studio
  const errors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  expect(
    await page.evaluate(() => [typeof globalThis.process, 'require' in globalThis, 'Buffer' in globalThis])
  ).toEqual(['undefined', false, false])
  const preferences = await app.evaluate(({ webContents }) => {
    const [contents] = webContents.getAllWebContents()
    // Not in Electron's types, but there.
    return (contents as unknown as { getLastWebPreferences(): unknown }).getLastWebPreferences()
  })
  expect(preferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false
  })
  const policy = await page.evaluate(async () => (await fetch('index.html')).headers.get('content-security-policy'))
  expect(policy).toContain(`script-src 'self';`)
  expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'window.injected = true'
    document.body.append(script)
  })
  expect(await page.evaluate(() => 'injected' in window)).toBe(false)
  const evaluated = await page.evaluate(
    () =>
      // Later, as what a debugger evaluates by itself is above the policy.
      new Promise<string>((resolve) => {
        setTimeout(() => {
          try {
            resolve(String(window.eval('1 + 1')))
          } catch (error) {
            resolve(error instanceof Error ? error.name : 'unknown')
          }
        })
      })
  )
  expect(evaluated).toBe('EvalError')
  expect(await page.evaluate(() => 'injected' in window)).toBe(false)
  expect(errors.join('\n')).toContain('Content Security Policy')

  const address = page.url()
  expect(await page.evaluate(() => window.open('https://example.invalid') === null)).toBe(true)
  await page.evaluate(() => {
    window.location.href = 'https://example.invalid'
  })
  await page.evaluate(() => {
    window.location.href = 'file:///etc/passwd'
  })
  await page.waitForTimeout(500)
  expect(page.url()).toBe(address)
  expect(app.windows()).toHaveLength(1)
  expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied')
  expect(
    await page.evaluate(() =>
      navigator.mediaDevices.getUserMedia({ audio: true }).then(
        () => 'given',
        (error: unknown) => (error as Error).name
      )
    )
  ).toMatch(/NotAllowed|NotFound/)
  expect(
    await page.evaluate(() =>
      fetch('https://example.invalid').then(
        () => 'sent',
        (error: unknown) => (error as Error).message
      )
    )
  ).toMatch(/fetch/i)
})

test('the preload offers verbs, and no channel', async ({ studio: { page } }) => {
  const offered = await page.evaluate(() => Object.entries(window.studio).map(([name, value]) => [name, typeof value]))
  expect(offered.every(([, type]) => type === 'function')).toBe(true)
  expect(offered.map(([name]) => name).filter((name) => /ipc|send|invoke|channel/i.test(name ?? ''))).toEqual([])
})

test('only pictures of known runs are served', async ({ studio: { page, data } }) => {
  const folder = join(data, 'runs', 'mine')
  mkdirSync(join(folder, 'images'), { recursive: true })
  writeFileSync(join(data, 'secret.png'), 'secret')
  writeFileSync(join(folder, 'images', 'a.png'), 'a picture')
  const statusOf = (address: string): Promise<string> =>
    page.evaluate(async (address) => {
      // Pages may show pictures of that scheme, and not fetch them: an image tells whether there is one.
      const image = new Image()
      image.src = address
      return image.decode().then(
        () => 'shown',
        () => 'refused'
      )
    }, address)
  for (const address of [
    'studio-image://0123456789abcdef/images/a.png',
    'studio-image://0123456789abcdef/../../secret.png',
    'studio-image://0123456789abcdef/%2e%2e/%2e%2e/secret.png',
    'studio-image://0123456789abcdef/..%2f..%2fsecret.png',
    'studio://app/../../../secret.png',
    'studio://app/%2e%2e%2f%2e%2e%2fpackage.json'
  ]) {
    expect(await statusOf(address), address).toBe('refused')
  }
})
