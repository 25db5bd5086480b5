import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import { quantizeTo8Bit } from '../../src/core/imaging/image'
import { listImages, readImage, readImageSize, writeImage } from '../../src/formats/image-files'
import { temporaryFolder } from '../cli/run-cli'
import { testPicture } from '../pictures'

const folder = temporaryFolder()
const at = (name: string): string => join(folder, name)
const [width, height] = [7, 5]
const count = width * height

/** Samples (pixel, channel) as sharp takes them, and what channel c of the picture must then be. */
const bytes = (channels: number): Uint8Array =>
  Uint8Array.from({ length: count * channels }, (_, i) => (i * 89 + (i >> 3)) % 256)
const words = (channels: number): Uint16Array =>
  Uint16Array.from({ length: count * channels }, (_, i) => (i * 20_011 + 5) % 65_536)
const channel = (samples: Uint8Array | Uint16Array, channels: number, c: number, unit = 1): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround((samples[i * channels + c] ?? 0) / unit))
const raw = (samples: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4): Sharp =>
  sharp(samples, { raw: { width, height, channels } })

describe('readImage', () => {
  it.each(['png', 'webp', 'tiff'] as const)('reads colour %s sample for sample', async (format) => {
    const samples = bytes(3)
    const path = at(`colour.${format}`)
    await raw(samples, 3).toFormat(format, { lossless: true, compression: 'lzw' }).toFile(path)
    const { image, alpha, bitDepth, isGrey } = await readImage(path)
    expect([image.width, image.height, image.channels, bitDepth, isGrey, alpha]).toEqual([7, 5, 3, 8, false, null])
    expect([...image.data]).toEqual([0, 1, 2].flatMap((c) => channel(samples, 3, c)))
  })

  it('keeps the precision of 16 bits', async () => {
    const samples = words(3)
    await raw(samples, 3).toColourspace('rgb16').png().toFile(at('deep.png'))
    const { image, bitDepth } = await readImage(at('deep.png'))
    expect(bitDepth).toBe(16)
    expect([...image.data]).toEqual([0, 1, 2].flatMap((c) => channel(samples, 3, c, 257)))
  })

  it('reads grey of 8 and 16 bits as one channel', async () => {
    await raw(bytes(1), 1).toColourspace('b-w').png().toFile(at('grey8.png'))
    await raw(words(1), 1).toColourspace('grey16').png().toFile(at('grey16.png'))
    const shallow = await readImage(at('grey8.png'))
    const deep = await readImage(at('grey16.png'))
    expect([shallow.image.channels, shallow.bitDepth, shallow.isGrey]).toEqual([1, 8, true])
    expect([deep.image.channels, deep.bitDepth, deep.isGrey]).toEqual([1, 16, true])
    expect([...shallow.image.data]).toEqual(channel(bytes(1), 1, 0))
    expect([...deep.image.data]).toEqual(channel(words(1), 1, 0, 257))
  })

  it('keeps transparency apart', async () => {
    const samples = bytes(4)
    await raw(samples, 4).png().toFile(at('clear.png'))
    const { image, alpha } = await readImage(at('clear.png'))
    expect([...image.data]).toEqual([0, 1, 2].flatMap((c) => channel(samples, 4, c)))
    expect([...(alpha?.data ?? [])]).toEqual(channel(samples, 4, 3))
  })

  it('looks palettes up', async () => {
    const four = Uint8Array.from({ length: count * 3 }, (_, i) => (Math.floor(i / 3) % 4) * 60 + (i % 3))
    await raw(four, 3).png({ palette: true, colours: 4, dither: 0 }).toFile(at('palette.png'))
    expect((await sharp(at('palette.png')).metadata()).isPalette).toBe(true)
    const { image } = await readImage(at('palette.png'))
    for (const c of [0, 1, 2]) {
      const difference = channel(four, 3, c).map((value, i) => Math.abs(value - (image.data[c * count + i] ?? 0)))
      // The encoder may choose a colour one or two beside the original.
      expect(Math.max(...difference)).toBeLessThanOrEqual(3)
    }
  })

  it('turns photographs upright', async () => {
    const samples = new Uint8Array(count * 3)
    // The left column is white; turned a quarter clockwise (orientation 6) it becomes the top row.
    for (let y = 0; y < height; y++) samples.fill(255, y * width * 3, y * width * 3 + 3)
    await raw(samples, 3).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toFile(at('turned.jpg'))
    const { image } = await readImage(at('turned.jpg'))
    expect([image.width, image.height]).toEqual([height, width])
    expect(await readImageSize(at('turned.jpg'))).toEqual({ width: height, height: width })
    expect(Math.min(...image.data.subarray(0, height))).toBeGreaterThan(150)
    expect(Math.max(...image.data.subarray(height * 3, height * 4))).toBeLessThan(60)
  })

  it('takes samples as they are stored or as sRGB, as is asked, where the file has a colour profile', async () => {
    const samples = bytes(3)
    await raw(samples, 3).png().toFile(at('plain.png'))
    const profiled = await sharp(at('plain.png')).withIccProfile('p3').png().toBuffer()
    const stored = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer()
    writeFileSync(at('profiled.png'), profiled)
    expect((await sharp(profiled).metadata()).hasProfile).toBe(true)
    const { image } = await readImage(at('profiled.png'))
    expect([...image.data]).toEqual([0, 1, 2].flatMap((c) => channel(stored, 3, c)))
    expect([...stored]).not.toEqual([...samples])
    // Where sRGB can show a colour at all, applying the profile undoes what attaching it did, but for rounding.
    const applied = (await readImage(at('profiled.png'), 'apply')).image.data
    const original = [0, 1, 2].flatMap((c) => channel(samples, 3, c))
    const near = original.filter((value, i) => Math.abs(value - (applied[i] ?? NaN)) <= 4)
    expect(near.length).toBeGreaterThan(0.9 * original.length)
  })

  it.each([
    ['empty.png', new Uint8Array(0), /it is empty/],
    ['text.png', new TextEncoder().encode('no picture at all'), /damaged or no PNG/]
  ])('refuses %s in one sentence', async (name, content, says) => {
    writeFileSync(at(name), content)
    await expect(readImage(at(name))).rejects.toMatchObject({ code: 'unreadable' })
    await expect(readImage(at(name))).rejects.toThrow(says)
  })

  it('refuses a picture that ends early', async () => {
    await writeImage(at('whole.png'), testPicture(200, 200))
    const whole = await readFile(at('whole.png'))
    writeFileSync(at('half.png'), whole.subarray(0, whole.length / 2))
    await expect(readImage(at('half.png'))).rejects.toMatchObject({ code: 'unreadable' })
  })

  it('says what is missing, and that a folder is no picture', async () => {
    await expect(readImage(at('none.png'))).rejects.toMatchObject({ code: 'missing' })
    await expect(readImage(folder)).rejects.toThrow(/is a folder, not a picture/)
  })
})

describe('writeImage', () => {
  it.each([8, 16] as const)('gives back the same samples at %d bits, transparency too', async (bitDepth) => {
    const unit = bitDepth === 16 ? 257 : 1
    const limit = bitDepth === 16 ? 65_536 : 256
    const data = Float32Array.from({ length: count * 3 }, (_, i) => ((i * 9973) % limit) / unit)
    const alpha = { width, height, channels: 1 as const, data: data.slice(0, count) }
    const image = { width, height, channels: 3 as const, data }
    await writeImage(at('written.png'), image, { bitDepth, alpha })
    const back = await readImage(at('written.png'))
    expect([...back.image.data]).toEqual([...data])
    expect([...(back.alpha?.data ?? [])]).toEqual([...alpha.data])
  })

  it('clamps and rounds, halves to even as metrics do', async () => {
    const data = Float32Array.of(-5, 0.4, 0.6, 142.5, 143.5, 254.6, 300)
    const image = { width: data.length, height: 1, channels: 1 as const, data }
    await writeImage(at('clamped.png'), image)
    const { data: written } = (await readImage(at('clamped.png'))).image
    expect([...written]).toEqual([0, 0, 1, 142, 144, 255, 255])
    expect(written).toEqual(quantizeTo8Bit(image).data)
  })

  it('says where a file could not be written', async () => {
    const nowhere = join(folder, 'no folder', 'a.png')
    await expect(writeImage(nowhere, testPicture(4, 4))).rejects.toMatchObject({ code: 'failed' })
  })
})

describe('listImages', () => {
  it('lists pictures by name, and nothing else, in folders of any name', async () => {
    const own = join(folder, 'own 自己 pictures')
    mkdirSync(join(own, 'inner.png'), { recursive: true })
    for (const name of ['b.PNG', 'a b.jpg', '图.webp', 'c.tif', 'notes.txt', '.hidden.png']) {
      writeFileSync(join(own, name), '')
    }
    const names = (await listImages(own)).map((path) => basename(path))
    expect(names).toEqual(['a b.jpg', 'b.PNG', 'c.tif', '图.webp'])
  })
})
