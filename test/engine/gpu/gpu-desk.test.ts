import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { GpuEntry } from '../../../src/contract/gpu'
import { GpuDesk } from '../../../src/engine/gpu/gpu-desk'
import { temporaryFolder } from '../../cli/run-cli'
import { startFileServer, type FileServer } from '../zoo/file-server'
import { madeUp, sendingAll } from './made-up'

const root = temporaryFolder()
const never = new AbortController().signal
let server: FileServer

beforeAll(async () => {
  server = await startFileServer(() => undefined)
})
afterAll(() => {
  server.close()
})

it('tells how an installation goes, has one of each at a time, and goes on with what was broken off', async () => {
  const folder = join(root, 'one')
  const made = madeUp([{ 'one.so': Buffer.alloc(300_000, 'a much longer text than this') }], {}, server.address)
  const [archive = new Uint8Array()] = made.archives.values()
  const desk = await GpuDesk.open(folder, [made.component])
  const told: (GpuEntry | undefined)[] = []
  desk.feed.listen(([entry]) => told.push(entry))
  expect(desk.feed.state).toMatchObject([{ id: 'made-up', state: 'absent', step: null, received: 0 }])

  const stopping = new AbortController()
  server.answer = (_, response) => {
    response.writeHead(200, { 'content-length': archive.length })
    response.write(archive.subarray(0, 500))
  }
  const breaking = desk.install('made-up', [], stopping.signal)
  await vi.waitFor(() => {
    expect(desk.feed.state).toMatchObject([{ step: 'download', received: 500 }])
  })
  await expect(desk.install('made-up', [], never)).rejects.toThrow('Made-up libraries is being worked on already')
  await expect(desk.remove('made-up')).rejects.toThrow('being worked on already')
  stopping.abort()
  await expect(breaking).rejects.toThrow()
  expect(desk.feed.state).toMatchObject([{ state: 'absent', step: null, received: 500 }])

  server.answer = sendingAll(made)
  await desk.install('made-up', [], never)
  expect(desk.feed.state).toMatchObject([{ state: 'installed', step: null, received: 0 }])
  expect(told.some((entry) => entry?.step === 'download' && entry.received === 500)).toBe(true)
  await desk.remove('made-up')
  expect(desk.feed.state).toMatchObject([{ state: 'absent' }])
  await expect(desk.remove('abacus')).rejects.toThrow('There is no component "abacus"')
})

it('clears away at its start what a process that was killed has left', async () => {
  const folder = join(root, 'left')
  mkdirSync(join(folder, 'made-up@1.0.unfinished'), { recursive: true })
  writeFileSync(join(folder, 'made-up@1.0.unfinished', 'one.so'), 'half')
  const desk = await GpuDesk.open(folder, [madeUp([{ 'one.so': Buffer.from('one') }]).component])
  expect(desk.feed.state).toMatchObject([{ state: 'absent' }])
  expect(readdirSync(folder)).toEqual([])
})

it('leaves no folder where this system has nothing to install', async () => {
  expect((await GpuDesk.open(join(root, 'none'), [])).feed.state).toEqual([])
  expect(readdirSync(root)).not.toContain('none')
})
