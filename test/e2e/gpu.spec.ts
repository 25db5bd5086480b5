import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { madeUp, sendingAll, useCatalogue, type MadeUp } from '../engine/gpu/made-up'
import { startFileServer, type FileServer } from '../engine/zoo/file-server'
import { chooseNext, expect, findings, keepScreen, test } from './studio'

let server: FileServer
let made: MadeUp
test.beforeEach(async ({ data }) => {
  server = await startFileServer(() => undefined)
  const content = randomBytes(9_000_000)
  const providers = { id: 'some-providers', title: 'Some providers', version: '1.30.0', use: 'providers' } as const
  const [shared, cuda] = ['shared', 'cuda'].map((name) => `libonnxruntime_providers_${name}.so`)
  made = madeUp([{ [shared ?? '']: content, [cuda ?? '']: Buffer.from('none') }], providers, server.address)
  const libraries = { id: 'some-libraries', title: 'Some libraries' }
  const { component } = madeUp([{ 'libsome.so.1': content }, { 'libother.so': content }], libraries, server.address)
  useCatalogue(join(data, 'catalogue.json'), [made.component, component])
})
test.afterEach(() => {
  delete process.env['STUDIO_GPU_CATALOGUE']
  server.close()
})

test.skip(process.platform !== 'linux', 'there are libraries for GPUs on Linux alone')

test('libraries for GPUs are installed from a server and from a file, broken off, and removed', async ({
  studio: { app, page, data }
}) => {
  const [archive = new Uint8Array()] = made.archives.values()
  const gpu = join(data, 'engine', 'gpu')
  const measured = join(data, 'engine', 'runtimes-electron.json')
  const fingerprint = (): string => (existsSync(measured) ? readFileSync(measured, 'utf8') : '')
  await page.getByRole('link', { name: 'Settings' }).click()
  const section = page.getByTestId('gpu')
  const providers = section.getByTestId('some-providers')
  await expect(page.getByTestId('measured')).toBeVisible({ timeout: 60_000 })
  const show = section.getByRole('button', { name: 'Show them all the same' })
  // Where there is a GPU, they are shown at once.
  if (await show.isVisible()) {
    await expect(section).toContainText('No NVIDIA GPU was found here')
    await show.click()
  }
  await expect(providers).toContainText('Version 1.30.0')
  await expect(providers).toContainText('9.0 MB on disk')
  await expect(providers).toContainText('Licence: MIT, https://example.org/licence')
  await expect(providers).toContainText('not installed')
  await providers.getByRole('button', { name: 'Files and digests' }).click()
  await expect(providers).toContainText(`SHA-256 ${made.component.parts[0]?.sha256}`)

  await test.step('broken off, it keeps what has come', async () => {
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-length': archive.length })
      response.write(archive.subarray(0, 2_000_000))
    }
    await providers.getByRole('button', { name: 'Install' }).click()
    await expect(providers.getByRole('status')).toContainText('2.0 of')
    await providers.scrollIntoViewIfNeeded()
    await keepScreen(page, 'gpu')
    expect(await findings(page)).toEqual([])
    await providers.getByRole('button', { name: 'Cancel' }).click()
    await expect(providers).toContainText('partly downloaded')
  })

  await test.step('installed, everything is measured anew', async () => {
    server.answer = sendingAll(made)
    await providers.getByRole('button', { name: 'Go on' }).click()
    await expect(page.getByText('Some providers is installed.').first()).toBeVisible()
    await expect(providers.getByText('installed', { exact: true })).toBeVisible()
    await expect.poll(fingerprint, { timeout: 60_000 }).toContain('some-providers 1.30.0')
    expect(readdirSync(gpu).toSorted()).toEqual(['linked@1.30.0', 'some-providers@1.30.0'])
    await expect(page.getByTestId('measured')).toBeVisible()
    await keepScreen(page, 'gpu-installed')
    // What onnxruntime itself said of the provider that was made up; packaged, its library is a file beside the archive.
    const links = join(gpu, 'linked@1.30.0')
    const said = `Failed to load library ${join(links, 'libonnxruntime_providers_shared.so')}`
    expect(readFileSync(join(data, 'logs', 'main.log'), 'utf8')).toContain(said)
    expect(existsSync(join(links, 'libonnxruntime.so.1'))).toBe(true)
  })

  await test.step('removed, too', async () => {
    await providers.getByRole('button', { name: 'Remove' }).click()
    await expect(page.getByText('Some providers is removed.').first()).toBeVisible()
    await expect.poll(fingerprint, { timeout: 60_000 }).not.toContain('some-providers 1.30.0')
    expect(readdirSync(gpu)).toEqual(['linked@1.30.0'])
  })

  await test.step('a file is taken if it is the right one', async () => {
    server.answer = () => {
      throw new Error('Something was asked for')
    }
    const [wrong, right] = [join(data, 'wrong.zip'), join(data, 'right.zip')]
    writeFileSync(wrong, archive.subarray(1))
    writeFileSync(right, archive)
    await chooseNext(app, wrong)
    await providers.getByRole('button', { name: 'From file …' }).click()
    await expect(page.getByText('is no file of Some providers').first()).toBeVisible()
    await chooseNext(app, right)
    await providers.getByRole('button', { name: 'From file …' }).click()
    await expect(providers.getByText('installed', { exact: true })).toBeVisible()
    expect(readdirSync(gpu).toSorted()).toEqual(['linked@1.30.0', 'some-providers@1.30.0'])
  })
})
