import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { pictureCalls, type PictureCall, type Pixels, type PixelSource } from '../../../src/contract/pixels'
import { psnr } from '../../../src/core/evaluation/psnr'
import { ssim } from '../../../src/core/evaluation/ssim'
import { colourOf } from '../../../src/core/imaging/colour-map'
import { crop, makeImage, quantizeTo8Bit, toRgb, type Image } from '../../../src/core/imaging/image'
import { imresize } from '../../../src/core/imaging/imresize'
import { halve, type Samples } from '../../../src/core/imaging/pyramid'
import { BicubicPicture } from '../../../src/engine/pixels/bicubic-picture'
import { LevelCache } from '../../../src/engine/pixels/level-cache'
import { PictureFiles } from '../../../src/engine/pixels/picture-files'
import { openPictures } from '../../../src/engine/pixels/service'
import { readImage, writeImage } from '../../../src/formats/image-files'
import { temporaryFolder } from '../../cli/run-cli'
import { testPicture, writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const at = (name: string): string => join(folder, name)
const file = (path: string): PixelSource => ({ kind: 'file', path })

type Args<C extends PictureCall> = z.infer<(typeof pictureCalls)[C]['args']>
type Result<C extends PictureCall> = z.infer<(typeof pictureCalls)[C]['result']>
type Ask = <C extends PictureCall>(name: C, args: Args<C>, signal?: AbortSignal) => Promise<Result<C>>

/** What reads pictures; its answers are checked to be what the contract says. */
function studio(files?: PictureFiles): Ask {
  const pictures = openPictures(files)
  return async (name, args, signal = new AbortController().signal) =>
    pictureCalls[name].result.parse(await pictures.call(name, args, { signal })) as never
}
const ask = studio()

const tile = (source: PixelSource, level = 0, column = 0, row = 0): Promise<Pixels> =>
  ask('pictures.tile', { source, difference: null, level, column, row })

/** A picture as the bytes of its pixels. */
function rgbaOf(image: Image, alpha?: Image): number[] {
  const { data, width, height } = toRgb(quantizeTo8Bit(image))
  const plane = width * height
  return Array.from({ length: plane }, (_, i) => [
    data[i] ?? 0,
    data[plane + i] ?? 0,
    data[2 * plane + i] ?? 0,
    alpha?.data[i] ?? 255
  ]).flat()
}

/** All of a level of a picture, put together from its tiles. */
async function levelOf(source: PixelSource, width: number, height: number, level: number): Promise<Samples> {
  const [across, down] = [Math.ceil(width / 2 ** level), Math.ceil(height / 2 ** level)]
  const data = new Uint8Array(4 * across * down)
  for (let row = 0; row * 256 < down; row++) {
    for (let column = 0; column * 256 < across; column++) {
      const { rgba, ...size } = await tile(source, level, column, row)
      expect([size.width, size.height]).toEqual([Math.min(256, across - 256 * column), Math.min(256, down - 256 * row)])
      for (let y = 0; y < size.height; y++) {
        const from = rgba.subarray(4 * y * size.width, 4 * (y + 1) * size.width)
        data.set(from, 4 * ((256 * row + y) * across + 256 * column))
      }
    }
  }
  return { width: across, height: down, channels: 4, data }
}

const sameBytes = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0

describe('a picture file', () => {
  const raw = (channels: 1 | 2 | 3 | 4): Sharp => {
    const samples = Uint8Array.from({ length: 7 * 5 * channels }, (_, i) => (i * 89 + (i >> 3)) % 256)
    return sharp(samples, { raw: { width: 7, height: 5, channels } })
  }
  const deep = (channels: 1 | 3): Sharp => {
    const samples = Uint16Array.from({ length: 7 * 5 * channels }, (_, i) => (i * 20_011 + 5) % 65_536)
    return sharp(samples, { raw: { width: 7, height: 5, channels } })
  }
  const files: Readonly<Record<string, Sharp>> = {
    'colour.png': raw(3).png(),
    'grey.png': raw(1).toColourspace('b-w').png(),
    'clear.png': raw(4).png(),
    'grey-clear.png': raw(2).toColourspace('b-w').png(),
    'deep.png': deep(3).toColourspace('rgb16').png(),
    'deep-grey.png': deep(1).toColourspace('grey16').png(),
    'deep.tiff': deep(3).toColourspace('rgb16').tiff({ compression: 'lzw' }),
    'palette.png': raw(3).png({ palette: true, colours: 16 }),
    'profile.png': raw(3).withIccProfile('p3').png(),
    'turned.jpg': raw(3).withMetadata({ orientation: 6 }).jpeg({ quality: 90 }),
    'lossy.webp': raw(3).webp({ quality: 80 })
  }

  it.each(Object.keys(files))('has the pixels that the engine reads of %s', async (name) => {
    await files[name]?.toFile(at(name))
    const { image, alpha } = await readImage(at(name), 'apply')
    const { width, height } = image
    expect(await ask('pictures.open', { source: file(at(name)) })).toMatchObject({ width, height })
    const { rgba, isComplete } = await tile(file(at(name)))
    expect(isComplete).toBe(true)
    expect([...rgba]).toEqual(rgbaOf(image, alpha === null ? undefined : quantizeTo8Bit(alpha)))
  })

  it('has levels of means of 2 × 2 pixels, in tiles', async () => {
    const [width, height] = [601, 333]
    await writeTestPicture(at('large.png'), width, height)
    let expected: Samples = { width, height, channels: 4, data: Uint8Array.from(rgbaOf(testPicture(width, height))) }
    for (let level = 0; level < 11; level++) {
      const { data, ...size } = await levelOf(file(at('large.png')), width, height, level)
      expect(size).toEqual({ width: expected.width, height: expected.height, channels: 4 })
      expect(sameBytes(data, expected.data)).toBe(true)
      expected = halve(expected)
    }
    await expect(tile(file(at('large.png')), 0, 3, 0)).rejects.toMatchObject({ code: 'usage' })
  })

  it('is told piece by piece, and refused where it is too much or outside', async () => {
    await writeTestPicture(at('piece.png'), 60, 40)
    const rectangle = { left: 13, top: 7, width: 31, height: 33 }
    const { rgba } = await ask('pictures.piece', { source: file(at('piece.png')), rectangle })
    expect([...rgba]).toEqual(rgbaOf(crop(testPicture(60, 40), 13, 7, 31, 33)))
    const piece = (more: Partial<typeof rectangle>): Promise<Pixels> =>
      ask('pictures.piece', { source: file(at('piece.png')), rectangle: { ...rectangle, ...more } })
    await expect(piece({ left: 30 })).rejects.toMatchObject({ code: 'usage' })
    await expect(piece({ height: 4097 })).rejects.toMatchObject({ code: 'refused', message: /4096/ as unknown })
  })

  it('is read anew once it has changed', async () => {
    const source = file(at('changing.png'))
    const stamps = new Set<string>()
    for (const [i, grey] of [50, 60].entries()) {
      await writeImage(
        at('changing.png'),
        makeImage(4, 4, 1, () => grey)
      )
      utimesSync(at('changing.png'), 1e9 + i, 1e9 + i)
      expect((await tile(source)).rgba[0]).toBe(grey)
      // Whoever keeps pixels can tell, however it is enlarged.
      for (const each of [source, source, { kind: 'bicubic', path: at('changing.png'), scale: 2 } as const]) {
        stamps.add((await ask('pictures.open', { source: each })).stamp)
      }
      expect(stamps.size).toBe(i + 1)
    }
    expect(stamps).not.toContain('')
  })

  it('that is missing, a folder, empty or no picture is refused with what is wrong', async () => {
    writeFileSync(at('empty.png'), '')
    writeFileSync(at('text.png'), 'secret words')
    await writeTestPicture(at('cut.png'), 90, 90)
    writeFileSync(at('cut.png'), readFileSync(at('cut.png')).subarray(0, 3000))
    for (const [name, code] of [
      ['nowhere.png', 'missing'],
      ['', 'unreadable'],
      ['empty.png', 'unreadable'],
      ['text.png', 'unreadable'],
      ['cut.png', 'unreadable']
    ] as const) {
      await expect(tile(file(at(name))), name).rejects.toMatchObject({ code })
    }
    // Once it is there, it is read.
    await writeTestPicture(at('nowhere.png'), 3, 3)
    expect((await tile(file(at('nowhere.png')))).width).toBe(3)
  })
})

describe('pictures in memory', () => {
  it('are decoded once however many ask, and the ones asked for last stay', async () => {
    const names = ['a', 'b', 'c', 'd'].map((name) => at(`kept-${name}.png`))
    for (const name of names) await writeTestPicture(name, 100, 50)
    const files = new PictureFiles(3 * 100 * 50 * 3)
    const [a, b, c, d] = names as [string, string, string, string]
    const [first, again] = await Promise.all([files.open(a), files.open(a)])
    expect(again.picture).toBe(first.picture)
    const second = await files.open(b)
    await files.open(c)
    await files.open(a)
    await files.open(d)
    expect(files.bytes).toBe(3 * 100 * 50 * 3)
    expect((await files.open(a)).picture).toBe(first.picture)
    expect((await files.open(b)).picture).not.toBe(second.picture)
  })

  it('count with their levels, and however small, are but so many', async () => {
    const files = new PictureFiles(1e9, 5)
    for (let i = 0; i < 20; i++) {
      await writeTestPicture(at(`many-${i}.png`), 8, 8, i)
      const { picture } = await files.open(at(`many-${i}.png`))
      await picture.level(3, new AbortController().signal)
    }
    expect(files.bytes).toBe(5 * 3 * (64 + 16 + 4 + 1))
  })
})

describe('bicubic interpolation', () => {
  it.each([1, 2, 3, 4, 8])('by %d is that of the whole picture, whatever piece is asked for', async (scale) => {
    const low = testPicture(90, 50)
    await writeImage(at(`low-${scale}.png`), low)
    const source = { kind: 'bicubic', path: at(`low-${scale}.png`), scale } as const
    const whole = imresize(low, scale)
    const { width, height } = whole
    expect(await ask('pictures.open', { source })).toMatchObject({ width, height })
    const { data } = await levelOf(source, width, height, 0)
    expect(sameBytes(data, rgbaOf(whole))).toBe(true)
  })

  it('has the means of its own pixels at finer levels, and the file at those it has no more pixels of', async () => {
    const low = testPicture(201, 77)
    await writeImage(at('low.png'), low)
    const path = at('low.png')
    const [width, height] = [804, 308]
    const whole = { width, height, channels: 4, data: Uint8Array.from(rgbaOf(imresize(low, 4))) }
    const levels = [1, 2, 3].map((level) => levelOf({ kind: 'bicubic', path, scale: 4 }, width, height, level))
    const [first, second, third] = await Promise.all(levels)
    expect(sameBytes(first?.data ?? [], halve(whole).data)).toBe(true)
    expect(sameBytes(second?.data ?? [], rgbaOf(low))).toBe(true)
    expect(third).toEqual(await levelOf(file(path), 201, 77, 1))
  })
})

describe('coarse levels of bicubic interpolation', () => {
  it.each([3, 5, 6, 7])('by %d are near the means of its pixels, and made of the file', async (scale) => {
    const low = makeImage(150, 90, 3, (channel, y, x) =>
      Math.round(120 + 90 * Math.sin((x + channel) / 9) * Math.cos(y / 7))
    )
    await writeImage(at(`coarse-${scale}.png`), low)
    const [width, height] = [150 * scale, 90 * scale]
    const cache = new LevelCache(1e9)
    const never = new AbortController().signal
    const { picture, stamp } = await new PictureFiles().open(at(`coarse-${scale}.png`))
    const enlarged = new BicubicPicture(picture, stamp, scale, cache)
    let means: Samples = { width, height, channels: 4, data: Uint8Array.from(rgbaOf(imresize(low, scale))) }
    for (let level = 1; level < 7; level++) {
      means = halve(means)
      const part = { left: 0, top: 0, width: means.width, height: means.height }
      if (2 ** level < scale) continue
      const { rgba } = await enlarged.piece(level, part, never)
      expect(rgba).toHaveLength(means.data.length)
      const error = rgba.reduce((sum, value, i) => sum + Math.abs(value - (means.data[i] ?? NaN)), 0) / rgba.length
      expect(error).toBeLessThan(2.5)
      // Parts are parts of the whole.
      const [left, top] = [Math.floor(means.width / 3), Math.floor(means.height / 2)]
      const pixel = await enlarged.piece(level, { left, top, width: 1, height: 1 }, never)
      const at = 4 * (top * means.width + left)
      expect([...pixel.rgba]).toEqual([...rgba.subarray(at, at + 4)])
    }
    // Tiles of what is enlarged would be kept.
    expect(cache.bytes).toBe(0)
  })
})

describe('outputs that come tile by tile', () => {
  const [width, height, side] = [700, 300, 200]
  const picture = testPicture(width, height, 9)
  const source = (name: string): PixelSource => ({ kind: 'tiles', folder: at(name), width, height, side })
  const make = async (name: string, column: number, row: number): Promise<void> => {
    mkdirSync(at(name), { recursive: true })
    const [left, top] = [column * side, row * side]
    const part = crop(picture, left, top, Math.min(side, width - left), Math.min(side, height - top))
    await writeImage(join(at(name), `${column}-${row}.png`), part)
  }

  it('are transparent where nothing is there yet, and appear as they come', async () => {
    expect(await ask('pictures.open', { source: source('coming') })).toEqual({ width, height, stamp: '' })
    const before = await tile(source('coming'))
    expect([before.isComplete, new Set(before.rgba)]).toEqual([false, new Set([0])])
    await make('coming', 1, 0)
    const after = await tile(source('coming'))
    expect(after.isComplete).toBe(false)
    const expected = makeImage(256, 256, 1, (_, y, x) => (x >= 200 && y < 200 ? 255 : 0))
    expect(after.rgba.filter((_, i) => i % 4 === 3)).toEqual(Uint8Array.from(expected.data))
    const colours = rgbaOf(crop(picture, 200, 0, 56, 200))
    expect([...after.rgba.subarray(4 * 200, 4 * 256)]).toEqual(colours.slice(0, 4 * 56))
    const coarse = await tile(source('coming'), 2)
    expect([coarse.isComplete, coarse.rgba[4 * 50 + 3], coarse.rgba[4 * 49 + 3]]).toEqual([false, 255, 0])
  })

  it('are the picture at every level once all is there, whatever was asked for before', async () => {
    for (let row = 0; row < 2; row++) {
      for (let column = 0; column < 4; column++) {
        await tile(source('whole'), 3)
        await make('whole', column, row)
      }
    }
    let expected: Samples = { width, height, channels: 4, data: Uint8Array.from(rgbaOf(picture)) }
    for (let level = 0; level < 4; level++) {
      expect(sameBytes((await levelOf(source('whole'), width, height, level)).data, expected.data)).toBe(true)
      expect((await tile(source('whole'), level)).isComplete).toBe(true)
      expected = halve(expected)
    }
  })

  it('with a tile of another size are refused', async () => {
    mkdirSync(at('wrong'))
    await writeImage(at('wrong/0-0.png'), testPicture(20, 20))
    await expect(tile(source('wrong'))).rejects.toMatchObject({ code: 'unreadable' })
  })

  it('have neither colours nor measures where they are not there', async () => {
    await make('half', 0, 0)
    await writeImage(at('half.png'), picture)
    const sources = [source('half'), file(at('half.png'))]
    const [there, missing] = await Promise.all(
      [199, 200].map((x) => ask('pictures.at', { sources, width, height, x, y: 5 }))
    )
    expect(there?.[0]).toEqual(there?.[1])
    expect([missing?.[0], missing?.[1]?.length]).toEqual([null, 3])
    const region = { left: 150, top: 20, width: 60, height: 20 }
    const [half] = await ask('pictures.region', { reference: file(at('half.png')), sources, rectangle: region })
    expect(half).toBeNull()
    const turned = await ask('pictures.region', {
      reference: source('half'),
      sources: sources.slice(1),
      rectangle: region
    })
    expect(turned).toEqual([null])
  })
})

describe('a difference', () => {
  const difference = (reference: PixelSource): NonNullable<Args<'pictures.tile'>['difference']> => {
    return { reference, form: 'signed', channel: 'g', gain: 2, map: 'viridis' }
  }
  const drawn = (source: PixelSource, reference: PixelSource, level: number): Promise<Pixels> =>
    ask('pictures.tile', { source, difference: difference(reference), level, column: 0, row: 0 })

  it('of pictures of different sizes is that of the smaller one with its pixels repeated, whichever comes first', async () => {
    const [small, large] = [testPicture(40, 20), testPicture(120, 60, 4)]
    await writeImage(at('small.png'), small)
    await writeImage(at('triple.png'), large)
    const pixels = await drawn(file(at('triple.png')), file(at('small.png')), 0)
    const turned = await drawn(file(at('small.png')), file(at('triple.png')), 0)
    expect([pixels.width, pixels.height, turned.width, turned.height]).toEqual([120, 60, 120, 60])
    fc.assert(
      fc.property(fc.nat(119), fc.nat(59), (x, y) => {
        const green = (image: Image, column: number, row: number): number =>
          image.data[(image.height + row) * image.width + column] ?? NaN
        const value = green(large, x, y) - green(small, Math.floor(x / 3), Math.floor(y / 3))
        const i = 4 * (y * 120 + x)
        expect([...pixels.rgba.subarray(i, i + 3)]).toEqual(colourOf('diverging', 0.5 + value / 255))
        expect([...turned.rgba.subarray(i, i + 3)]).toEqual(colourOf('diverging', 0.5 - value / 255))
      })
    )
  })

  it('at a coarser level is the mean of all differences under a pixel: noise does not vanish', async () => {
    const board = (by: number): Image => makeImage(600, 300, 3, (_, y, x) => 128 + ((x + y) % 2 === 0 ? by : -by))
    await writeImage(at('plain.png'), board(0))
    await writeImage(at('board.png'), board(20))
    const absolute = { reference: file(at('plain.png')), form: 'absolute', channel: 'g', gain: 4, map: 'grey' } as const
    for (let level = 0; level < 6; level++) {
      const args = { source: file(at('board.png')), difference: absolute, level, column: 0, row: 0 }
      const { rgba, isComplete } = await ask('pictures.tile', args)
      expect(isComplete).toBe(true)
      const [red, green, blue] = colourOf('grey', (20 * 4) / 255)
      expect(new Set(new Uint32Array(rgba.buffer, rgba.byteOffset, rgba.length / 4))).toEqual(
        new Set(new Uint32Array(Uint8Array.of(red, green, blue, 255).buffer))
      )
    }
  })

  it('at a coarser level is of any tile what it is of the whole, of pictures of different sizes too', async () => {
    const [small, large] = [testPicture(220, 150), testPicture(660, 450, 4)]
    await writeImage(at('third-size.png'), small)
    await writeImage(at('full-size.png'), large)
    const coarse = await ask('pictures.tile', {
      source: file(at('full-size.png')),
      difference: difference(file(at('third-size.png'))),
      level: 1,
      column: 1,
      row: 0
    })
    expect([coarse.width, coarse.height]).toEqual([74, 225])
    const green = (image: Image, x: number, y: number): number =>
      image.data[(image.height + y) * image.width + x] ?? NaN
    for (const [x, y] of [
      [0, 0],
      [73, 224],
      [31, 130]
    ] as const) {
      let sum = 0
      for (let i = 0; i < 4; i++) {
        const [column, row] = [2 * (256 + x) + (i % 2), 2 * y + (i >> 1)]
        sum += green(large, column, row) - green(small, Math.floor(column / 3), Math.floor(row / 3))
      }
      const place = 4 * (y * 74 + x)
      // Quarters may lie between two entries; sums in another order then round otherwise.
      const colours = [-1e-9, 1e-9].map((near) => colourOf('diverging', 0.5 + sum / 4 / 255 + near))
      expect(colours).toContainEqual([...coarse.rgba.subarray(place, place + 3)])
    }
  })

  it('of a large picture is at coarse levels that of the finest level with 2^24 pixels at most', async () => {
    const size = { width: 4352, height: 4096 }
    /** Columns of 2^24 pixels and more, in pairs that are dark and bright by turns. */
    const columns = (by: number) => async (path: string) => {
      const row = Uint8Array.from({ length: size.width }, (_, x) => 128 + (x % 4 < 2 ? by : -by))
      const data = new Uint8Array(size.width * size.height)
      for (let y = 0; y < size.height; y++) data.set(row, y * size.width)
      await sharp(data, { raw: { ...size, channels: 1 } })
        .toColourspace('b-w')
        .png({ compressionLevel: 1 })
        .toFile(path)
    }
    await columns(0)(at('huge-plain.png'))
    await columns(20)(at('huge.png'))
    const absolute = {
      reference: file(at('huge-plain.png')),
      form: 'absolute',
      channel: 'g',
      gain: 1,
      map: 'grey'
    } as const
    const args = { source: file(at('huge.png')), difference: absolute, level: 5, column: 0, row: 0 }
    const { rgba } = await ask('pictures.tile', args)
    expect(new Set(rgba.filter((_, i) => i % 4 === 1))).toEqual(new Set([colourOf('grey', 20 / 255)[1]]))
  })

  it('given up is left undone', async () => {
    const controller = new AbortController()
    const asked = ask(
      'pictures.tile',
      { source: file(at('huge.png')), difference: difference(file(at('huge-plain.png'))), level: 4, column: 0, row: 0 },
      controller.signal
    )
    setTimeout(() => {
      controller.abort(new Error('given up'))
    }, 5)
    await expect(asked).rejects.toThrow('given up')
  })

  it('of pictures that are no multiples of each other is refused', async () => {
    await writeTestPicture(at('odd-a.png'), 30, 20)
    await writeTestPicture(at('odd-b.png'), 60, 41)
    await expect(drawn(file(at('odd-a.png')), file(at('odd-b.png')), 0)).rejects.toMatchObject({ code: 'refused' })
  })
})

describe('a region', () => {
  it('is measured as evaluations measure pictures, to six decimals', async () => {
    // Tall enough that it is measured in several strips.
    const [truth, image] = [testPicture(480, 330), testPicture(480, 330, 2)]
    await writeImage(at('truth.png'), truth)
    await writeImage(at('image.png'), image)
    await writeTestPicture(at('other.png'), 240, 165)
    const border = 4
    const rectangle = { left: border, top: border, width: 480 - 2 * border, height: 330 - 2 * border }
    const sources = ['image.png', 'truth.png', 'other.png'].map((name) => file(at(name)))
    const measured = await ask('pictures.region', { reference: file(at('truth.png')), sources, rectangle })
    expect(measured[0]?.psnr).toBeCloseTo(psnr(truth, image, border), 8)
    expect(measured[0]?.ssim).toBeCloseTo(ssim(truth, image, border), 8)
    expect(measured[1]).toEqual({ psnr: null, ssim: expect.closeTo(1, 8) as unknown })
    expect(measured[2]).toBeNull()
  })

  it('of files of 16 bits is measured as they are', async () => {
    const noise = (seed: number): Image =>
      makeImage(
        64,
        48,
        3,
        (channel, y, x) => ((((x * 7919 + y * 104_729 + channel * 31 + seed) * 48_271) >>> 3) % 512) / 257 + 100
      )
    await writeImage(at('deep-a.png'), noise(1), { bitDepth: 16 })
    await writeImage(at('shallow-b.png'), quantizeTo8Bit(noise(2)))
    const rectangle = { left: 4, top: 4, width: 56, height: 40 }
    const [a, b] = [file(at('deep-a.png')), file(at('shallow-b.png'))]
    const [measured] = await ask('pictures.region', { reference: a, sources: [b], rectangle })
    const [x, y] = [(await readImage(at('deep-a.png'))).image, quantizeTo8Bit(noise(2))]
    expect(measured?.psnr).toBeCloseTo(psnr(x, y, 4), 8)
    expect(measured?.ssim).toBeCloseTo(ssim(x, y, 4), 8)
    expect(Math.abs(psnr(x, y, 4) - psnr(quantizeTo8Bit(x), y, 4))).toBeGreaterThan(0.01)
  })

  it('smaller than a window has no SSIM, and none outside of the picture is measured', async () => {
    const [truth, image] = [testPicture(30, 30), testPicture(30, 30, 5)]
    await writeImage(at('t.png'), truth)
    await writeImage(at('i.png'), image)
    const region = (width: number, height: number): Promise<Result<'pictures.region'>> => {
      const rectangle = { left: 3, top: 2, width, height }
      return ask('pictures.region', { reference: file(at('t.png')), sources: [file(at('i.png'))], rectangle })
    }
    const cut = (picture: Image, width: number, height: number): Image => crop(picture, 3, 2, width, height)
    expect(await region(10, 20)).toEqual([
      { psnr: expect.closeTo(psnr(cut(truth, 10, 20), cut(image, 10, 20), 0), 8) as unknown, ssim: null }
    ])
    const [least] = await region(11, 11)
    expect(least?.ssim).toBeCloseTo(ssim(cut(truth, 11, 11), cut(image, 11, 11), 0), 8)
    await expect(region(28, 5)).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('what is known of many pictures', () => {
  it('is null for those that are not there or damaged; the others are told', async () => {
    await writeTestPicture(at('sound.png'), 40, 30)
    await writeTestPicture(at('sound-too.png'), 40, 30, 3)
    writeFileSync(at('damaged.png'), readFileSync(at('sound.png')).subarray(0, 900))
    const broken = { kind: 'tiles', folder: at('broken'), width: 40, height: 30, side: 40 } as const
    mkdirSync(at('broken'))
    writeFileSync(at('broken/0-0.png'), 'no picture')
    const sources = [file(at('absent.png')), file(at('sound-too.png')), file(at('damaged.png')), broken]
    const place = await ask('pictures.at', { sources, width: 40, height: 30, x: 7, y: 9 })
    expect(place).toEqual([null, rgbaOf(crop(testPicture(40, 30, 3), 7, 9, 1, 1)).slice(0, 3), null, null])
    const rectangle = { left: 2, top: 3, width: 30, height: 20 }
    const reference = file(at('sound.png'))
    const region = await ask('pictures.region', { reference, sources, rectangle })
    const cut = (phase: number): Image => crop(testPicture(40, 30, phase), 2, 3, 30, 20)
    expect(region.map((each) => each?.psnr)).toEqual([undefined, psnr(cut(0), cut(3), 0), undefined, undefined])
    await expect(
      ask('pictures.region', { reference: file(at('absent.png')), sources: [reference], rectangle })
    ).rejects.toMatchObject({ code: 'missing' })
  })
})

describe('the worst regions', () => {
  it('are where a picture is farther from the truth than full precision', async () => {
    const [width, height] = [300, 200]
    const truth = testPicture(width, height)
    const dot = (left: number, top: number, by: number) => (image: Image) =>
      makeImage(width, height, 3, (channel, y, x) => {
        const value = image.data[(channel * height + y) * width + x] ?? 0
        const isWithin = x >= left && x < left + 16 && y >= top && y < top + 16
        return isWithin ? value + (value > 128 ? -by : by) : value
      })
    const fp = dot(200, 30, 60)(truth)
    const quantized = dot(64, 120, 30)(dot(220, 150, 50)(fp))
    await writeImage(at('worst-truth.png'), truth)
    await writeImage(at('worst-fp.png'), fp)
    await writeImage(at('worst-q.png'), quantized)
    const [source, full, right] = ['worst-q.png', 'worst-fp.png', 'worst-truth.png'].map((name) => file(at(name))) as [
      PixelSource,
      PixelSource,
      PixelSource
    ]
    for (const truthOrNot of [right, null]) {
      const found = await ask('pictures.worst', { source, fp: full, truth: truthOrNot, side: 16, count: 2 })
      const places = found.map(({ rectangle }) => rectangle)
      expect(places).toEqual([
        { left: 220, top: 150, width: 16, height: 16 },
        { left: 64, top: 120, width: 16, height: 16 }
      ])
      const cut = (image: Image): Image => crop(image, 220, 150, 16, 16)
      expect(10 * Math.log10(255 ** 2 / (found[0]?.error ?? 0))).toBeCloseTo(psnr(cut(quantized), cut(truth), 0), 6)
      expect(found[0]?.errorOfFp).toBeCloseTo(0, 9)
    }
  })

  it('of pictures of different sizes are not looked for', async () => {
    await writeTestPicture(at('w1.png'), 30, 30)
    await writeTestPicture(at('w2.png'), 60, 60)
    const [a, b] = [file(at('w1.png')), file(at('w2.png'))]
    const asked = ask('pictures.worst', { source: a, fp: b, truth: null, side: 8, count: 1 })
    await expect(asked).rejects.toMatchObject({ code: 'refused' })
  })
})

describe('a place', () => {
  it('is told of pictures of all sizes', async () => {
    const [small, large] = [testPicture(20, 10), testPicture(80, 40, 3)]
    await writeImage(at('s.png'), small)
    await writeImage(at('l.png'), large)
    const sources = [file(at('s.png')), file(at('l.png')), { kind: 'bicubic', path: at('s.png'), scale: 4 } as const]
    const wanted = [
      [small, 16, 7],
      [large, 67, 31],
      [imresize(small, 4), 67, 31]
    ] as const
    expect(await ask('pictures.at', { sources, width: 80, height: 40, x: 67, y: 31 })).toEqual(
      wanted.map(([image, x, y]) => rgbaOf(crop(image, x, y, 1, 1)).slice(0, 3))
    )
    await expect(ask('pictures.at', { sources, width: 80, height: 40, x: 80, y: 0 })).rejects.toMatchObject({
      code: 'usage'
    })
  })
})

describe('what is asked for', () => {
  it('is not answered where it was given up, is unknown, or makes no sense', async () => {
    await writeTestPicture(at('signal.png'), 9, 9)
    const args = { source: file(at('signal.png')), difference: null, level: 0, column: 0, row: 0 }
    await expect(ask('pictures.tile', args, AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up')
    const context = { signal: new AbortController().signal }
    expect(() => openPictures().call('pictures.steal', args, context)).toThrow('pictures.steal')
    expect(() => openPictures().feed('runs', '')).toThrow('runs')
    await expect(ask('pictures.tile', { ...args, level: 17 })).rejects.toMatchObject({ name: 'ZodError' })
  })
})
