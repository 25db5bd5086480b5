import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { gpuFolderVariable } from '../../../src/contract/gpu'
import { install, receivedBytes, remove, tidy, type InstallOptions } from '../../../src/engine/gpu/install'
import type { GpuComponent } from '../../../src/runtimes/gpu/components'
import { folderOf, stateOf } from '../../../src/runtimes/gpu/installed'
import { describeMachine } from '../../../src/runtimes/machine'
import { temporaryFolder } from '../../cli/run-cli'
import { sendingOf, startFileServer, type FileServer } from '../zoo/file-server'
import { madeUp, sendingAll, useCatalogue, type MadeUp } from './made-up'

const root = temporaryFolder()
const never = new AbortController().signal
const first = { 'one.so': randomBytes(300_000), 'two.so.9': Buffer.alloc(500_000, 'two') }
const second = { LICENSE: Buffer.from('Do as you like.') }
let server: FileServer
let count = 0
let folder = ''

beforeAll(async () => {
  server = await startFileServer(() => undefined)
})
afterAll(() => {
  server.close()
})
beforeEach(() => {
  folder = join(root, String(count++))
})

const from = (): InstallOptions => ({ signal: never, server: server.address, files: [], pause: 1 })
const filesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path).toSorted() : [])
const contentOf = (component: GpuComponent, name: string): Buffer =>
  readFileSync(join(folderOf(component, folder), name))

/** The files of a component, as a user has brought them from elsewhere. */
function brought({ archives }: MadeUp): readonly string[] {
  mkdirSync(join(folder, 'brought'), { recursive: true })
  return [...archives.values()].map((bytes, i) => {
    const path = join(folder, 'brought', `file-${i}`)
    writeFileSync(path, bytes)
    return path
  })
}

describe('installing', () => {
  it('keeps the members that are listed and nothing else', async () => {
    const made = madeUp([first, second])
    server.answer = sendingAll(made)
    const told: [string, number][] = []
    const { component } = made
    const path = await install(component, folder, {
      ...from(),
      onProgress: (step, bytes) => told.push([step, bytes])
    })
    expect(path).toBe(folderOf(component, folder))
    expect(filesIn(path)).toEqual(['LICENSE', 'installed.json', 'one.so', 'two.so.9'])
    for (const [name, bytes] of Object.entries({ ...first, ...second })) {
      expect(contentOf(component, name).equals(bytes)).toBe(true)
    }
    expect(filesIn(folder)).toEqual(['made-up@1.0'])
    expect(filesIn(root).filter((name) => !/^\d+$/.test(name))).toEqual([])
    expect(stateOf(component, folder)).toBe('installed')
    const downloaded = component.parts.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(told).toContainEqual(['download', downloaded])
    expect(told.at(-1)).toEqual(['unpack', 800_000 + second.LICENSE.length])
  })

  it('goes on where a connection was cut', async () => {
    const made = madeUp([first])
    const [archive = new Uint8Array()] = made.archives.values()
    const asked: (string | undefined)[] = []
    server.answer = (request, response) => {
      asked.push(request.headers.range)
      sendingOf(archive, asked.length === 1 ? 100_000 : Infinity)(request, response)
    }
    await install(made.component, folder, from())
    expect(asked).toEqual([undefined, 'bytes=100000-'])
    expect(contentOf(made.component, 'one.so').equals(first['one.so'])).toBe(true)
  })

  it('keeps what has come where it is cancelled, until it is removed', async () => {
    const made = madeUp([first])
    const [archive = new Uint8Array()] = made.archives.values()
    const stopping = new AbortController()
    server.answer = (_, response) => {
      response.writeHead(200, { 'content-length': archive.length })
      response.write(archive.subarray(0, 50_000))
    }
    const onProgress = (): void => {
      stopping.abort()
    }
    await expect(install(made.component, folder, { ...from(), signal: stopping.signal, onProgress })).rejects.toThrow()
    expect(await receivedBytes(made.component, folder)).toBe(50_000)
    expect(stateOf(made.component, folder)).toBe('absent')
    await remove(made.component, folder)
    expect(filesIn(folder)).toEqual([])
  })

  it('takes nothing whose digest is another', async () => {
    const made = madeUp([first])
    const [archive = new Uint8Array()] = made.archives.values()
    server.answer = sendingOf(archive.map((byte, i) => (i === 1000 ? byte ^ 1 : byte)))
    await expect(install(made.component, folder, from())).rejects.toThrow(/its bytes are others.*nothing was kept/)
    expect(await receivedBytes(made.component, folder)).toBe(0)
    expect(stateOf(made.component, folder)).toBe('absent')
  })

  it.each([
    ['lacks a member', { path: 'inside/other.so', name: 'one.so', bytes: 5 }],
    ['has a member of another size', { path: 'inside/one.so', name: 'one.so', bytes: 5 }]
  ])('keeps nothing of an archive that %s', async (_, member) => {
    const made = madeUp([first])
    const [part] = made.component.parts
    if (part === undefined) throw new Error('There is no part')
    const component = { ...made.component, parts: [{ ...part, members: [member] }] }
    const installing = install(component, folder, { ...from(), files: brought(made) })
    await expect(installing).rejects.toThrow(`has no "${member.path}" as this program expects it`)
    expect(filesIn(folder)).toEqual(['brought'])
  })

  it('is not begun where the disk has too little room', async () => {
    const { component } = madeUp([first])
    const [part] = component.parts
    if (part === undefined) throw new Error('There is no part')
    const large = { ...component, parts: [{ ...part, members: [{ path: 'x', name: 'x', bytes: 1e15 }] }] }
    const expected =
      /^Made-up libraries needs 1000000\d{3} MB on the disk of ".*", which has \d+ MB left; make room there/
    await expect(install(large, folder, from())).rejects.toThrow(expected)
    expect(filesIn(folder)).toEqual([])
  })
})

describe('files of the user', () => {
  it('are known by their content, and nothing is downloaded', async () => {
    const made = madeUp([first, second])
    server.answer = () => {
      throw new Error('Something was asked for')
    }
    await install(made.component, folder, { ...from(), files: brought(made).toReversed() })
    expect(stateOf(made.component, folder)).toBe('installed')
    expect(filesIn(folder)).toEqual(['brought', 'made-up@1.0'])
    expect(filesIn(join(folder, 'brought'))).toHaveLength(2)
  })

  it('must be all, and the right ones', async () => {
    const made = madeUp([first, second])
    const [one = '', two = ''] = brought(made)
    const [, missing] = made.component.parts
    const some = install(made.component, folder, { ...from(), files: [one] })
    await expect(some).rejects.toThrow(`Made-up libraries also needs "${missing?.name}"`)
    const bytes = readFileSync(two)
    writeFileSync(two, bytes.fill(0, 0, 1))
    const wrong = install(made.component, folder, { ...from(), files: [one, two] })
    await expect(wrong).rejects.toThrow(
      new RegExp(
        `is no file of Made-up libraries: .* Expected is made-up-1.0-0.whl \\(\\d+ bytes, SHA-256 [0-9a-f]{64}\\) or`
      )
    )
    const absent = install(made.component, folder, { ...from(), files: ['/nowhere'] })
    await expect(absent).rejects.toThrow('There is no "/nowhere"')
    expect(stateOf(made.component, folder)).toBe('absent')
  })
})

describe('another version', () => {
  it('counts as outdated, and is gone once the program’s own is there', async () => {
    const [old, now] = [madeUp([first], { version: '0.9' }), madeUp([second])]
    await install(old.component, folder, { ...from(), files: brought(old) })
    expect(stateOf(old.component, folder)).toBe('installed')
    expect(stateOf(now.component, folder)).toBe('outdated')
    await install(now.component, folder, { ...from(), files: brought(now) })
    expect(filesIn(folder)).toEqual(['brought', 'made-up@1.0'])
    await remove(now.component, folder)
    expect(stateOf(now.component, folder)).toBe('absent')
    expect(filesIn(folder)).toEqual(['brought'])
  })

  it('is one whose parts are others under the same version, too', async () => {
    const [old, now] = [madeUp([first]), madeUp([{ ...first, 'one.so': randomBytes(300_000) }])]
    await install(old.component, folder, { ...from(), files: brought(old) })
    expect(stateOf(now.component, folder)).toBe('outdated')
    await install(now.component, folder, { ...from(), files: brought(now) })
    expect([stateOf(old.component, folder), stateOf(now.component, folder)]).toEqual(['outdated', 'installed'])
  })
})

describe('what was broken off', () => {
  it('is no installation, and is cleared away', async () => {
    const made = madeUp([first])
    const unfinished = join(folder, 'made-up@1.0.unfinished')
    mkdirSync(unfinished, { recursive: true })
    writeFileSync(join(unfinished, 'one.so'), 'half')
    // As of a process that was killed.
    writeFileSync(join(folder, 'made-up.lock'), '999999999')
    expect(stateOf(made.component, folder)).toBe('absent')
    await tidy(made.component, folder)
    expect(filesIn(folder)).toEqual([])
  })

  it('stays while another process is at work on it', async () => {
    const made = madeUp([first])
    mkdirSync(join(folder, 'made-up@1.0.unfinished'), { recursive: true })
    writeFileSync(join(folder, 'made-up.lock'), String(process.ppid))
    await tidy(made.component, folder)
    expect(filesIn(folder)).toEqual(['made-up.lock', 'made-up@1.0.unfinished'])
    await expect(install(made.component, folder, from())).rejects.toThrow(/Another process .* is at work on "Made-up/)
  })
})

describe('the machine', () => {
  it('is another one with every library that is installed or removed, and with other packages', async () => {
    const made = madeUp([first])
    mkdirSync(folder)
    useCatalogue(join(folder, 'catalogue.json'), [made.component])
    process.env[gpuFolderVariable] = folder
    const fingerprint = async (): Promise<string> =>
      (await describeMachine(() => Promise.reject(new Error('no GPU')))).fingerprint
    const before = await fingerprint()
    await install(made.component, folder, { ...from(), files: brought(made) })
    const after = await fingerprint()
    expect(after).not.toBe(before)
    await remove(made.component, folder)
    expect(await fingerprint()).toBe(before)
    process.env['STUDIO_TFJS_PATH'] = folder
    expect(await fingerprint()).not.toBe(before)
    delete process.env['STUDIO_TFJS_PATH']
  })
})
