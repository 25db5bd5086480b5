import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { picturePortMessage } from '../../src/contract/names'
import { viewerCommands } from '../../src/contract/viewer-commands'
import { preparePictures } from './pictures'
import { expect, test } from './studio'

/** What of the preload the page is asked to use here. */
interface Bridge {
  connectPictures(): Promise<unknown>
  viewerShown(isShown: boolean): Promise<unknown>
  onViewerCommand(listener: (command: string) => void): () => void
}

/** Asks what reads pictures for the size of one, over a port of its own; tells when that is closed in `window.isLost`. */
async function sizeOf(page: Page, path: string): Promise<unknown> {
  return page.evaluate(
    async ([file, portMessage]) => {
      const shown = window as unknown as { readonly studio: Bridge; isLost: boolean }
      const handed = new Promise<MessagePort>((resolve) => {
        window.addEventListener('message', ({ data, ports: [port] }) => {
          if (data === portMessage && port !== undefined) resolve(port)
        })
      })
      await shown.studio.connectPictures()
      const port = await handed
      shown.isLost = false
      port.addEventListener('close', () => {
        shown.isLost = true
      })
      const answer = new Promise((resolve) => {
        port.addEventListener('message', ({ data }) => {
          resolve(data)
        })
      })
      port.start()
      const args = { source: { kind: 'file', path: file } }
      port.postMessage({ kind: 'call', id: 1, name: 'pictures.open', args })
      return answer
    },
    [path, picturePortMessage] as const
  )
}

const processesOf = (app: ElectronApplication): Promise<readonly number[]> =>
  app.evaluate(({ app }) => app.getAppMetrics().flatMap(({ name, pid }) => (name === '2DQuant pictures' ? [pid] : [])))

test('what reads pictures is started when it is asked for, and anew once it was killed', async ({ studio, data }) => {
  const { app, page } = studio
  const { picture } = await preparePictures(join(data, 'pictures'))
  expect(await processesOf(app)).toEqual([])
  const stamp = expect.stringMatching(/\d/) as unknown
  const answer = { kind: 'result', id: 1, value: { width: 320, height: 240, stamp } }
  expect(await sizeOf(page, picture)).toEqual(answer)
  // Another port to the same process.
  expect(await sizeOf(page, picture)).toEqual(answer)
  const [first = 0, ...others] = await processesOf(app)
  expect(others).toEqual([])
  process.kill(first, 'SIGKILL')
  await page.waitForFunction(() => (window as unknown as { readonly isLost: boolean }).isLost)
  expect(await sizeOf(page, picture)).toEqual(answer)
  const [second = 0] = await processesOf(app)
  expect([first, 0]).not.toContain(second)
})

test('every command of the viewer is in the menu, and can be chosen while the viewer is shown', async ({ studio }) => {
  const { app, page } = studio
  const entries = (): Promise<readonly { readonly label: string; readonly enabled: boolean }[]> =>
    app.evaluate(
      ({ Menu }, ids) =>
        ids.map((id) => {
          const { label = '', enabled = false } = Menu.getApplicationMenu()?.getMenuItemById(`viewer.${id}`) ?? {}
          return { label, enabled }
        }),
      viewerCommands.map(({ id }) => id)
    )
  const hidden = await entries()
  expect(hidden.every(({ label, enabled }) => label !== '' && !enabled)).toBe(true)
  expect(new Set(hidden.map(({ label }) => label)).size).toBe(viewerCommands.length)

  await page.evaluate(async () => {
    const shown = window as unknown as { readonly studio: Bridge; commands: string[] }
    shown.commands = []
    shown.studio.onViewerCommand((command) => {
      shown.commands.push(command)
    })
    await shown.studio.viewerShown(true)
  })
  expect((await entries()).every(({ enabled }) => enabled)).toBe(true)
  await app.evaluate(({ Menu }) => {
    Menu.getApplicationMenu()?.getMenuItemById('viewer.nextWorst')?.click()
  })
  await page.waitForFunction(() => (window as unknown as { readonly commands: string[] }).commands.length > 0)
  expect(await page.evaluate(() => (window as unknown as { readonly commands: string[] }).commands)).toEqual([
    'nextWorst'
  ])

  // A page that is loaded anew shows no viewer before it says so.
  await page.reload()
  await page.getByRole('navigation').waitFor()
  expect((await entries()).some(({ enabled }) => enabled)).toBe(false)
})
