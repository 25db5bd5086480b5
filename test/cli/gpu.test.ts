import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { gpuEntrySchema } from '../../src/contract/gpu'
import { madeUp, sendingAll, useCatalogue, type MadeUp } from '../engine/gpu/made-up'
import { startFileServer, type FileServer } from '../engine/zoo/file-server'
import { json, program, runCli, temporaryFolder } from './run-cli'

const folder = temporaryFolder()
const gpu = join(folder, '2DQuant Studio', 'engine', 'gpu')
/** Large enough to be killed while it is unpacked. */
const large = Buffer.alloc(400_000_000)
const listSchema = z.object({ folder: z.string(), components: z.array(gpuEntrySchema) })
let server: FileServer
let made: MadeUp

beforeAll(async () => {
  server = await startFileServer(() => undefined)
  made = madeUp([{ 'one.so': Buffer.from('one') }, { 'large.so': large }], { version: '2.0' }, server.address)
  server.answer = sendingAll(made)
  process.env['XDG_CONFIG_HOME'] = folder
  useCatalogue(join(folder, 'catalogue.json'), [made.component])
})
afterAll(() => {
  server.close()
})

const listed = async (): Promise<z.infer<typeof listSchema>> =>
  listSchema.parse(json(await runCli(['gpu', 'list', '--json'])))

it('lists what there is, without a network', async () => {
  const { components, ...rest } = await listed()
  expect(rest).toEqual({ folder: gpu })
  const unpackedBytes = large.length + 3
  expect(components).toMatchObject([{ id: 'made-up', version: '2.0', state: 'absent', received: 0, unpackedBytes }])
  expect((await runCli(['gpu', 'list'])).stdout).toMatch(/made-up +Made-up libraries +2\.0 +[\d.]+ MB +400 MB +MIT +no/)
})

it('leaves what was there where it is killed, and installs it the next time', async () => {
  mkdirSync(join(gpu, 'made-up@1.0'), { recursive: true })
  writeFileSync(join(gpu, 'made-up@1.0', 'one.so'), 'older')
  const child = spawn(process.execPath, [program, 'gpu', 'install', 'made-up'], { stdio: 'ignore' })
  const unfinished = join(gpu, 'made-up@2.0.unfinished')
  await vi.waitFor(
    () => {
      expect(existsSync(join(unfinished, 'large.so'))).toBe(true)
    },
    { timeout: 30_000, interval: 2 }
  )
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(readdirSync(gpu).toSorted()).toEqual(['downloads', 'made-up.lock', 'made-up@1.0', 'made-up@2.0.unfinished'])
  expect((await listed()).components).toMatchObject([{ state: 'outdated' }])

  const again = await runCli(['gpu', 'install', 'made-up'])
  expect(again.code).toBe(0)
  expect(again.stderr).toMatch(
    /Licence of Made-up libraries: MIT, https:\/\/example\.org\/licence\n.*[\d.]+ of [\d.]+ MB.*\nUnpacking …\n$/s
  )
  expect(readdirSync(gpu)).toEqual(['made-up@2.0'])
  expect(readFileSync(join(gpu, 'made-up@2.0', 'large.so')).equals(large)).toBe(true)
  expect((await listed()).components).toMatchObject([{ state: 'installed' }])
})

it('removes it, and refuses what there is not', async () => {
  expect((await runCli(['gpu', 'remove', 'made-up'])).code).toBe(0)
  expect(readdirSync(gpu)).toEqual([])
  const { code, stderr } = await runCli(['gpu', 'install', 'abacus'])
  expect([code, stderr]).toEqual([1, 'error: There is no component "abacus" of GPU support; there is made-up.\n'])
  const wrong = await runCli(['gpu', 'install', 'made-up', '--file', join(folder, 'catalogue.json')])
  expect(wrong.stderr).toMatch(
    /catalogue\.json" is no file of Made-up libraries: its size or content differ\. Expected is/
  )
})

it('takes another server by --from', async () => {
  useCatalogue(join(folder, 'catalogue.json'), [madeUp([{ 'one.so': Buffer.from('one') }]).component])
  const small = madeUp([{ 'one.so': Buffer.from('one') }])
  server.answer = sendingAll(small)
  expect((await runCli(['gpu', 'install', 'made-up', '--from', server.address])).code).toBe(0)
  expect(readdirSync(gpu)).toEqual(['made-up@1.0'])
})
