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
  const permissions = await page.evaluate(() =>
    Promise.all(
      (['microphone', 'camera', 'geolocation', 'notifications'] as PermissionName[]).map(
        async (name) => (await navigator.permissions.query({ name })).state
      )
    )
  )
  expect(new Set(permissions)).toEqual(new Set(['denied']))
  const violated = await page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => {
          resolve(violatedDirective)
        })
        fetch('https://example.invalid').catch(() => undefined)
      })
  )
  expect(violated).toBe('connect-src')
})

test('the preload offers verbs, and no channel', async ({ studio: { page } }) => {
  const offered = await page.evaluate(() => Object.entries(window.studio).map(([name, value]) => [name, typeof value]))
  expect(offered.every(([, type]) => type === 'function')).toBe(true)
  expect(offered.map(([name]) => name).filter((name) => /ipc|send|invoke|channel/i.test(name ?? ''))).toEqual([])
})
