import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import type { JobEvent } from '../../../src/contract/events'
import { settingsOf } from '../../../src/contract/presets'
import { imresize } from '../../../src/core/imaging/imresize'
import { makeContext, type JobContext } from '../../../src/engine/job'
import { enlargeBatch, type BatchConfig } from '../../../src/engine/jobs/batch'
import { quantize } from '../../../src/engine/jobs/quantize'
import { expectRoom, upscale } from '../../../src/engine/jobs/upscale'
import { readImage } from '../../../src/formats/image-files'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { testPicture, writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const run = join(folder, 'run')
const bits = bitsSchema.parse({ weight: 4, activation: 8 })
const [dobi, fp, bicubic] = [
  { method: 'dobi' as const, bits },
  { method: 'fp' as const, bits: null },
  { method: 'bicubic' as const, bits: null }
]
const cat = join(folder, 'cat.png')
const album = join(folder, 'album')
const deep = join(album, 'deep.png')
const none = join(album, 'none.png')

let context: JobContext
let events: JobEvent[] = []
let number = 0
let out = ''
beforeEach(() => {
  events = []
  out = join(folder, 'out', String(++number))
})

const enlarge = (config: Partial<BatchConfig>, signal?: AbortSignal): Promise<void> => {
  const usual = { run, inputs: [cat], contestants: [fp, dobi], out, memoryCap: undefined }
  return enlargeBatch({ ...usual, ...config }, { ...context, ...(signal && { signal }) })
}
const written = (): readonly string[] => readdirSync(out).toSorted()
const warnings = (): readonly string[] => events.flatMap((event) => (event.kind === 'log' ? [event.message] : []))

beforeAll(async () => {
  context = await makeContext((event) => events.push(event), new AbortController().signal)
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(cat, 20, 16)
  await writeTestPicture(join(album, 'cat.png'), 12, 10, 5)
  const samples = Uint16Array.from({ length: 12 * 10 * 2 }, (_, i) =>
    i % 2 === 1 ? (i * 131) % 65536 : 20_000 + 40 * i
  )
  await sharp(samples, { raw: { width: 12, height: 10, channels: 2 } })
    .toColourspace('grey16')
    .png()
    .toFile(deep)
  writeFileSync(none, 'none')
  const settings = { ...settingsOf('fast'), bits: [bits], methods: ['dobi' as const], patches: 2, patchSize: 16 }
  const config = { model: bundledModel, overrides: {}, scale: undefined, calibrationKind: undefined, tellsTime: false }
  const calibration = join(folder, 'pictures')
  await quantize({ ...config, calibration, settings: { ...settings, distillation: null }, out: run }, context)
})

describe('a batch', () => {
  it('makes of each picture what the command line makes, by everyone that is asked', async () => {
    await enlarge({ contestants: [fp, dobi, bicubic, dobi] })
    expect(written()).toEqual(['cat-bicubic_x4.png', 'cat-dobi-4-8_x4.png', 'cat-fp_x4.png'])
    const single = join(folder, 'single')
    const shared = { overrides: {}, inputs: [cat], out: single, memoryCap: undefined }
    const byCommand = async (subject: string): Promise<Buffer> => {
      await upscale({ ...shared, subject, filter: {} }, context)
      return readFileSync(join(single, 'cat_x4.png'))
    }
    expect(readFileSync(join(out, 'cat-fp_x4.png')).equals(await byCommand(bundledModel))).toBe(true)
    expect(readFileSync(join(out, 'cat-dobi-4-8_x4.png')).equals(await byCommand(run))).toBe(true)
    const { image } = await readImage(cat)
    expect((await readImage(join(out, 'cat-bicubic_x4.png'))).image).toEqual(imresize(image, 4))
  })

  it('takes folders, leaves out what is no picture, and says so', async () => {
    await enlarge({ inputs: [album, '/nowhere', deep], contestants: [dobi, bicubic] })
    expect(written()).toEqual([
      'cat-bicubic_x4.png',
      'cat-dobi-4-8_x4.png',
      'deep-bicubic_x4.png',
      'deep-dobi-4-8_x4.png'
    ])
    expect(warnings()).toEqual([
      expect.stringContaining('/nowhere'),
      expect.stringContaining(none),
      expect.stringMatching(/^2 of the pictures and folders could not be enlarged/)
    ])
    const progress = events.flatMap((event) => (event.kind === 'progress' ? [[event.done, event.total]] : []))
    expect(progress).toEqual([1, 2, 3, 4, 5, 6].map((done) => [done, 6]))
  })

  it('refuses what would become too large before it is made, names it, and goes on', async () => {
    const large = join(folder, 'large.png')
    const size = { width: 4100, height: 4100 }
    const blank = sharp(new Uint8Array(size.width * size.height), { raw: { ...size, channels: 1 } })
    await blank.toColourspace('b-w').png({ compressionLevel: 1 }).toFile(large)
    await enlarge({ inputs: [large, none, cat], contestants: [bicubic, dobi] })
    expect(written()).toEqual(['cat-bicubic_x4.png', 'cat-dobi-4-8_x4.png'])
    expect(warnings()).toEqual([
      expect.stringMatching(/large\.png" would become 16400×16400 pixels, more than .* cut it into parts/),
      expect.stringContaining(none),
      expect.stringMatching(/^2 of the pictures and folders could not be enlarged \("large\.png", "none\.png"\)/)
    ])
  })

  it.each([
    ['a network', dobi, 'wide.png', [120, 16], 1],
    ['interpolation', bicubic, 'long.png', [300, 80], undefined]
  ] as const)(
    'tells how far it is within a picture that is made in parts, and can be cancelled there: %s',
    async (...row) => {
      const [, contestant, name, [width, height], memoryCap] = row
      const file = join(folder, 'parts', name)
      await writeTestPicture(file, width, height)
      await enlarge({ inputs: [file, cat], contestants: [contestant], memoryCap })
      const progress = events.flatMap((event) => (event.kind === 'progress' ? [event.done] : []))
      const within = progress.filter((done) => done < 1)
      expect(within.length).toBeGreaterThan(0)
      expect(progress).toEqual([...within.toSorted((a, b) => a - b), 1, 2])

      const [whole = ''] = written().filter((each) => !each.startsWith('cat'))
      const { image } = await readImage(join(out, whole))
      const expected = Buffer.from(imresize(testPicture(width, height), 4).data.buffer)
      if (contestant === bicubic) expect(expected.equals(Buffer.from(image.data.buffer))).toBe(true)
      out = `${out} cancelled`
      const controller = new AbortController()
      let told = 0
      const config = { run, inputs: [file], contestants: [contestant], out, memoryCap }
      const cancelled = enlargeBatch(config, {
        ...context,
        signal: controller.signal,
        emit: ({ kind }) => {
          if (kind !== 'progress') return
          told++
          controller.abort(new Error('cancelled'))
        }
      })
      await expect(cancelled).rejects.toThrow('cancelled')
      expect([told, written()]).toEqual([1, []])
    }
  )

  it.each([
    ['fits', 8000, 2000, 2 ** 40, null],
    ['is larger than pictures may be', 8000, 8000, 2 ** 40, /32000×32000 pixels, more than/],
    ['takes more than there is', 2000, 2000, 2 ** 31, /takes 2\.1 GiB of memory where 2\.0 GiB are free/]
  ])('knows beforehand what %s', (_, width, height, free, message) => {
    const expecting = (): void => {
      expectRoom('a.png', { width, height }, 4, free)
    }
    if (message === null) expect(expecting).not.toThrow()
    else expect(expecting).toThrow(message)
  })

  it.each([dobi, bicubic])('keeps bit depth, greyness and alpha ($method)', async (contestant) => {
    await enlarge({ inputs: [deep], contestants: [contestant] })
    const [file = ''] = written()
    const { isGrey, bitDepth, alpha, image } = await readImage(join(out, file))
    expect([isGrey, bitDepth, alpha?.width, image.width, image.height]).toEqual([true, 16, 48, 48, 40])
  })

  it('overwrites nothing, and gives all files of a picture one number', async () => {
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'cat-dobi-4-8_x4.png'), 'mine')
    await enlarge({ inputs: [cat, join(album, 'cat.png')] })
    const names = ['cat (2)', 'cat (3)'].flatMap((name) => [`${name}-dobi-4-8_x4.png`, `${name}-fp_x4.png`])
    expect(written()).toEqual([...names, 'cat-dobi-4-8_x4.png'].toSorted())
    expect(readFileSync(join(out, 'cat-dobi-4-8_x4.png'), 'utf8')).toBe('mine')
    expect((await readImage(join(out, 'cat (3)-fp_x4.png'))).image.width).toBe(48)
  })

  it('fails where nothing could be enlarged, and says why', async () => {
    await expect(enlarge({ inputs: [none, '/nowhere'] })).rejects.toMatchObject({
      code: 'unreadable',
      message: expect.stringMatching(/none\.png.*nowhere|nowhere.*none\.png/) as string
    })
    expect(written()).toEqual([])
  })

  it('begins nothing for a variant that is not there', async () => {
    const wrong = { method: 'dobi' as const, bits: bitsSchema.parse({ weight: 2, activation: 2 }) }
    await expect(enlarge({ contestants: [fp, wrong] })).rejects.toThrow(/no dobi at 2 bits/)
    expect(existsSync(out)).toBe(false)
  })

  it('that is cancelled leaves whole pictures alone', async () => {
    const controller = new AbortController()
    const stopping = { ...context, signal: controller.signal }
    const config = { run, inputs: [album], contestants: [bicubic, fp, dobi], out, memoryCap: undefined }
    const cancelled = enlargeBatch(config, {
      ...stopping,
      emit: (event) => {
        if (event.kind === 'progress' && event.done === 2) controller.abort(new Error('cancelled'))
      }
    })
    await expect(cancelled).rejects.toThrow('cancelled')
    expect(written()).toEqual(['cat-bicubic_x4.png', 'cat-fp_x4.png'])
    for (const name of written()) expect((await readImage(join(out, name))).image.width).toBe(48)
  })
})
