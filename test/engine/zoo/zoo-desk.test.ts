import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { ZooEntry } from '../../../src/contract/zoo'
import { zooModels, type ZooModel } from '../../../src/engine/zoo/catalogue'
import { ZooDesk } from '../../../src/engine/zoo/zoo-desk'
import { temporaryFolder } from '../../cli/run-cli'
import { sendingOf, startFileServer, type FileServer } from './file-server'

const folder = temporaryFolder()
const content = Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * 13 + (i >> 7)) % 256))
const sha256 = createHash('sha256').update(content).digest('hex')
const models = zooModels.map((model, i): ZooModel => (i === 0 ? { ...model, bytes: content.length, sha256 } : model))
const [first] = models
if (first === undefined) throw new Error('The zoo is empty')
const { id, name } = first
const never = new AbortController().signal
let server: FileServer

beforeAll(async () => {
  server = await startFileServer(sendingOf(content))
})
afterAll(() => {
  server.close()
})

const entryOf = ({ feed }: ZooDesk): ZooEntry | undefined => feed.state.find((entry) => entry.id === id)

it('tells of what is not there, and refuses what is none of it', async () => {
  const desk = new ZooDesk(join(folder, 'empty'), models)
  await desk.look()
  expect(entryOf(desk)).toMatchObject({ path: null, received: 0, isDownloading: false })
  await expect(desk.get('edsr', null, never)).rejects.toThrow('no model "edsr"')
})

it('a download is told of, is the only one of its model, and can be broken off and gone on with', async () => {
  const kept = join(folder, 'downloads')
  const desk = new ZooDesk(kept, models)
  const told: ZooEntry[] = []
  desk.feed.listen((entries) => told.push(...entries.filter((entry) => entry.id === id)))
  const half = content.length / 2
  server.answer = (_, response) => {
    response.writeHead(200, { 'content-length': content.length })
    response.write(content.subarray(0, half))
  }
  const stopping = new AbortController()
  const breaking = desk.get(id, server.address, stopping.signal)
  await expect(desk.get(id, server.address, never)).rejects.toThrow('being downloaded already')
  await vi.waitFor(() => {
    expect(readFileSync(join(kept, `${name}.part`))).toHaveLength(half)
  })
  expect(entryOf(desk)).toMatchObject({ isDownloading: true, path: null })
  stopping.abort()
  await expect(breaking).rejects.toThrow()
  expect(entryOf(desk)).toMatchObject({ isDownloading: false, received: half, path: null })

  const asked: (string | undefined)[] = []
  server.answer = (request, response) => {
    asked.push(request.headers.range)
    sendingOf(content)(request, response)
  }
  const path = join(kept, name)
  expect(await desk.get(id, server.address, never)).toBe(path)
  expect(asked).toEqual([`bytes=${half}-`])
  expect(readFileSync(path).equals(content)).toBe(true)
  expect(entryOf(desk)).toMatchObject({ isDownloading: false, received: 0, path })
  expect(told.some(({ isDownloading }) => isDownloading)).toBe(true)
})

it('a file that the user has is taken under any name, and no other file', async () => {
  const kept = join(folder, 'taken')
  const desk = new ZooDesk(kept, models)
  const mine = join(folder, 'mine')
  mkdirSync(mine)
  const [wrong, right] = [join(mine, 'wrong.pth'), join(mine, 'right.bin')]
  writeFileSync(wrong, Buffer.alloc(content.length))
  writeFileSync(right, content)
  await expect(desk.take(wrong, never)).rejects.toThrow(/is none of these models.*choose it as your model/)
  expect(existsSync(kept)).toBe(false)
  expect(await desk.take(right, never)).toBe(join(kept, name))
  expect(entryOf(desk)?.path).toBe(join(kept, name))
})
