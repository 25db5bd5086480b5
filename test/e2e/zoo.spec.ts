import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sendingOf, startFileServer, type FileServer } from '../engine/zoo/file-server'
import { chooseNext, expect, findings, root, test } from './studio'

/** A file of the zoo's size that is none of it. */
const name = '002_lightweightSR_DIV2K_s64w8_SwinIR-S_x2.pth'
const content = new Uint8Array(17_147_989)
const screens = join(root, 'test-results', 'screens')

let server: FileServer
test.beforeEach(async () => {
  server = await startFileServer(sendingOf(content))
})
test.afterEach(() => {
  server.close()
})

test('published models are downloaded with progress, broken off, gone on with, and used only if they are the right ones', async ({
  studio: { app, page, data }
}) => {
  await page.getByRole('link', { name: 'Settings' }).click()
  const address = page.getByLabel('Server of published models')
  await address.fill('not an address')
  await address.blur()
  await expect(page.getByText('This is not the address of a folder')).toBeVisible()
  await address.fill(server.address)
  await address.blur()
  await expect(page.getByText('This is not the address of a folder')).toBeHidden()

  await page.getByRole('link', { name: 'New quantization' }).first().click()
  await page.getByRole('button', { name: 'Published models …' }).click()
  const dialog = page.getByRole('dialog', { name: 'Published models' })
  const model = dialog.getByTestId('swinir-light-x2')
  await expect(model).toContainText('17.1 MB · Apache-2.0 · https://github.com/JingyunLiang/SwinIR')
  await expect(model).toContainText('193b229909ca89cd8b55de9c9e7fce146ae759d59dfcd78d8feb9dd1d6fa0fd7')

  await test.step('broken off, it keeps what has come', async () => {
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length })
      response.write(content.subarray(0, 8_600_000))
    }
    await model.getByRole('button', { name: 'Download' }).click()
    await expect(model.getByRole('progressbar')).toBeVisible()
    const part = join(data, 'models', `${name}.part`)
    await expect.poll(() => existsSync(part) && statSync(part).size).toBe(8_600_000)
    mkdirSync(screens, { recursive: true })
    await page.screenshot({ path: join(screens, 'zoo.png') })
    expect(await findings(page)).toEqual([])
    await model.getByRole('button', { name: 'Cancel' }).click()
    await expect(model).toContainText('8.6 of 17.1 MB')
  })

  await test.step('what comes in the end is not the file, and not kept', async () => {
    const ranges: (string | undefined)[] = []
    server.answer = (request, response) => {
      ranges.push(request.headers.range)
      sendingOf(content)(request, response)
    }
    await model.getByRole('button', { name: 'Go on' }).click()
    await expect(
      page.getByText(`is not "${name}": its bytes are others than those that were published`).first()
    ).toBeVisible()
    expect(ranges).toEqual(['bytes=8600000-'])
    await expect(model.getByRole('button', { name: 'Download' })).toBeVisible()
    expect(readdirSync(join(data, 'models'))).toEqual([])
  })

  await test.step('another file is not taken for one of them', async () => {
    const mine = join(data, 'mine.pth')
    writeFileSync(mine, content)
    await chooseNext(app, mine)
    await dialog.getByRole('button', { name: 'I have this file …' }).click()
    await expect(page.getByText('is none of these models').first()).toBeVisible()
  })
})
