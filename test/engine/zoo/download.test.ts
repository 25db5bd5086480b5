import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { zooModels, type ZooModel } from '../../../src/engine/zoo/catalogue'
import { download, type Downloadable } from '../../../src/engine/zoo/download'
import { findModels, obtain } from '../../../src/engine/zoo/library'
import { json, runCli, temporaryFolder } from '../../cli/run-cli'
import { sendingOf, startFileServer, type Answer, type FileServer } from './file-server'

const folder = temporaryFolder()
const content = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) % 256))
const sha256 = createHash('sha256').update(content).digest('hex')
let ranges: (string | undefined)[] = []
let server: FileServer
let address = ''
/** Has the server do this from now on. */
function serve(does: Answer): void {
  server.answer = (request, response) => {
    ranges.push(request.headers.range)
    does(request, response)
  }
}
const sending = (most?: number, heedsRange?: boolean): Answer => sendingOf(content, most, heedsRange)

beforeAll(async () => {
  server = await startFileServer(sending())
  address = server.address
})
afterAll(() => {
  server.close()
})

const quick = { pause: 1, patience: 300 }
const fileOf = (more: Partial<Downloadable> = {}): Downloadable => {
  return { name: 'model.pth', url: `${address}/model.pth`, bytes: content.length, sha256, ...more }
}
let count = 0
async function fetched(
  does: Answer,
  { file = fileOf(), part = null as Buffer | null, signal = new AbortController().signal } = {}
): Promise<{ readonly target: string; readonly error: string }> {
  const target = join(folder, String(count++), 'model.pth')
  if (part !== null) {
    mkdirSync(join(target, '..'))
    writeFileSync(`${target}.part`, part)
  }
  serve(does)
  ranges = []
  try {
    await download(file, target, { ...quick, signal })
    return { target, error: '' }
  } catch (error) {
    return { target, error: error instanceof Error ? error.message : '' }
  }
}

function expectWhole({ target, error }: { readonly target: string; readonly error: string }): void {
  expect(error).toBe('')
  expect(readFileSync(target).equals(content)).toBe(true)
  expect(existsSync(`${target}.part`)).toBe(false)
}

describe('a download', () => {
  it('brings the file, and tells how much of it is there', async () => {
    serve(sending())
    const told: number[] = []
    const target = join(folder, 'whole', 'model.pth')
    const signal = new AbortController().signal
    await download(fileOf(), target, { ...quick, signal, onProgress: (bytes) => void told.push(bytes) })
    expectWhole({ target, error: '' })
    expect(told.at(-1)).toBe(content.length)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
  })

  it('goes on where the connection was cut', async () => {
    let times = 0
    expectWhole(
      await fetched((request, response) => {
        sending(times++ < 2 ? 100_000 : Infinity)(request, response)
      })
    )
    expect(ranges).toHaveLength(3)
    const [first, ...others] = ranges
    expect(first).toBeUndefined()
    for (const range of others) expect(range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('goes on from what an earlier one left', async () => {
    expectWhole(await fetched(sending(), { part: content.subarray(0, 12_345) }))
    expect(ranges).toEqual(['bytes=12345-'])
  })

  it('begins anew where the server knows no ranges', async () => {
    expectWhole(await fetched(sending(Infinity, false), { part: content.subarray(0, 12_345) }))
  })

  it('begins anew where what was left is too long', async () => {
    expectWhole(await fetched(sending(), { part: Buffer.concat([content, content]) }))
  })

  it('begins anew where the server has nothing from there on', async () => {
    const answers: Answer = (request, response) => {
      if (request.headers.range === undefined) sending()(request, response)
      else response.writeHead(416).end()
    }
    expectWhole(await fetched(answers, { part: content.subarray(0, 12_345) }))
    expect(ranges).toEqual(['bytes=12345-', undefined])
  })

  it('is of one process at a time, and of none that is gone', async () => {
    const target = join(folder, 'held', 'model.pth')
    mkdirSync(join(target, '..'))
    serve((request, response) => {
      setTimeout(() => {
        sending()(request, response)
      }, 50)
    })
    const both = [1, 2].map(() => download(fileOf(), target, { ...quick, signal: new AbortController().signal }))
    const outcomes = await Promise.allSettled(both)
    expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    expect(String(refused?.reason)).toMatch(/is at work on ".*model\.pth"; wait for it, or remove ".*model\.pth\.lock"/)
    expectWhole({ target, error: '' })

    const left = join(folder, 'left', 'model.pth')
    mkdirSync(join(left, '..'))
    writeFileSync(`${left}.lock`, String(spawnSync(process.execPath, ['--version']).pid))
    await download(fileOf(), left, { ...quick, signal: new AbortController().signal })
    expectWhole({ target: left, error: '' })
    expect(existsSync(`${left}.lock`)).toBe(false)
  })

  it('tells in one sentence that the disk does not take it', async () => {
    writeFileSync(join(folder, 'a file'), '')
    const target = join(folder, 'a file', 'model.pth')
    const stored = download(fileOf(), target, { ...quick, signal: new AbortController().signal })
    await expect(stored).rejects.toThrow(/could not be written: part of the path is a file; choose another place/)
  })

  it('is given up after some attempts, and keeps what has come', async () => {
    const { error, target } = await fetched(sending(0), { part: content.subarray(0, 500) })
    expect(error).toMatch(/could not be downloaded from 127\.0\.0\.1:\d+ \(.+\); what has come is kept/)
    expect(ranges).toHaveLength(5)
    expect(readFileSync(`${target}.part`)).toHaveLength(500)
    expect(existsSync(target)).toBe(false)
  })

  it('does not wait for a server that says nothing', async () => {
    const { error } = await fetched(() => undefined)
    expect(error).toMatch(/nothing came for 0\.3 s/)
  })

  it.each([
    ['other bytes', { sha256: 'a'.repeat(64) }],
    ['too many bytes', { bytes: 200_000 }]
  ])('of %s is thrown away', async (_, more) => {
    const { error, target } = await fetched(sending(), { file: fileOf(more) })
    expect(error).toMatch(/is not "model\.pth".*nothing was kept/)
    expect([existsSync(target), existsSync(`${target}.part`)]).toEqual([false, false])
  })

  it('of too few bytes is not used', async () => {
    const { error, target } = await fetched(sending(), { file: fileOf({ bytes: content.length + 1 }) })
    expect(error).not.toBe('')
    expect(existsSync(target)).toBe(false)
  })

  it.each([
    [404, {}, /answers 404 for \/model\.pth.*--from/],
    [302, { location: 'file:///etc/passwd' }, /unprotected/],
    [302, { location: '/model.pth' }, /from one address to another/]
  ])('that is answered %d %o is refused', async (status, headers, says) => {
    const { error } = await fetched((_, response) => response.writeHead(status, headers).end())
    expect(error).toMatch(says)
  })

  it('can be stopped, and keeps what has come', async () => {
    const controller = new AbortController()
    const { error, target } = await fetched(
      (_, response) => {
        response.write(content.subarray(0, 1000))
        setTimeout(() => {
          controller.abort()
        }, 50)
      },
      { signal: controller.signal }
    )
    expect(error).toMatch(/abort/i)
    expect(readFileSync(`${target}.part`)).toHaveLength(1000)
  })
})

describe('a model of the zoo', () => {
  const [first] = zooModels
  if (first === undefined) throw new Error('The zoo is empty')
  const model: ZooModel = { ...first, bytes: content.length, sha256 }
  const kept = join(folder, 'kept')
  const other = join(folder, 'other')

  beforeAll(() => {
    for (const each of [kept, other]) mkdirSync(each)
    writeFileSync(join(other, 'of the same size'), Buffer.alloc(content.length))
    writeFileSync(join(other, 'renamed.bin'), content)
  })

  it('is known by its bytes under any name', async () => {
    expect((await findModels([model], [kept, join(folder, 'nowhere')])).size).toBe(0)
    expect((await findModels([model], [kept, other])).get(model)).toBe(join(other, 'renamed.bin'))
  })

  it('is copied from where it is instead of downloaded, and then there', async () => {
    serve((_, response) => response.writeHead(500).end())
    const options = { ...quick, signal: new AbortController().signal }
    const path = join(kept, model.name)
    expect(await obtain(model, kept, [other], options)).toEqual({ path, how: 'copied' })
    expect(readFileSync(path).equals(content)).toBe(true)
    expect(await obtain(model, kept, [], options)).toEqual({ path, how: 'was there' })
    writeFileSync(path, 'mine')
    await expect(obtain(model, kept, [], options)).rejects.toThrow(/is another file than the published one/)
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })
})

describe('on the command line', () => {
  it('the zoo is listed without a network', async () => {
    const { models } = json(await runCli(['zoo', 'list', '--json'])) as { models: { id: string; sha256: string }[] }
    expect(models.map(({ id }) => id)).toEqual(zooModels.map(({ id }) => id))
    expect((await runCli(['zoo', 'list'])).stdout).toContain('Apache-2.0')
  })

  it('what another server sends is refused unless it is the file', async () => {
    serve((request, response) => {
      expect(request.url).toBe('/models/002_lightweightSR_DIV2K_s64w8_SwinIR-S_x2.pth')
      sending(100)(request, response)
      response.destroy()
      serve((_, next) => next.writeHead(404).end())
    })
    const out = join(folder, 'got')
    const get = ['zoo', 'get', 'swinir-light-x2', '--from', `${address}/models`, '--out', out]
    const { code, stderr } = await runCli(get)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/error: .*answers 404/)])
    const unknown = await runCli(['zoo', 'get', 'edsr'])
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/no model "edsr".*swinir-light-x4/)])
  })
})
