import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import { crop, quantizeTo8Bit, type Image } from '../../../src/core/imaging/image'
import { makeContext } from '../../../src/engine/job'
import { quantize } from '../../../src/engine/jobs/quantize'
import { TileReader, type TileConfig } from '../../../src/engine/jobs/tile'
import { openSubject } from '../../../src/engine/jobs/variants'
import { settingsOf } from '../../../src/contract/presets'
import { readImage } from '../../../src/formats/image-files'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const run = join(folder, 'run')
const picture = join(folder, 'lr.png')
const scale = 4
const [width, height] = [88, 72]
const bits = bitsSchema.parse({ weight: 4, activation: 4 })
const tiles = new TileReader(onnxruntimeCpu)
let whole: Image

const ask = (config: Partial<TileConfig>): ReturnType<TileReader['tile']> =>
  tiles.tile({ folder: run, picture, variant: null, left: 0, top: 0, width, height, ...config })

/** The largest difference of two pictures of 8 bits. */
async function farthest(webp: Uint8Array, expected: Image): Promise<number> {
  const { data, info } = await sharp(webp).raw().toBuffer({ resolveWithObject: true })
  expect([info.width, info.height, info.channels]).toEqual([expected.width, expected.height, expected.channels])
  const plane = expected.width * expected.height
  return data.reduce((most, value, i) => {
    const reference = expected.data[(i % 3) * plane + Math.floor(i / 3)] ?? NaN
    return Math.max(most, Math.abs(value - reference))
  }, 0)
}

beforeAll(async () => {
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(picture, width, height)
  const context = await makeContext(() => undefined, new AbortController().signal)
  const settings = { ...settingsOf('fast'), bits: [bits], methods: ['dobi' as const], patches: 2, distillation: null }
  await quantize(
    {
      model: bundledModel,
      overrides: {},
      scale: undefined,
      calibration: join(folder, 'pictures'),
      calibrationKind: undefined,
      settings: { ...settings, patchSize: 16 },
      out: run,
      tellsTime: false
    },
    context
  )
  const fp = await (await openSubject(run, {}, {})).loadFp(onnxruntimeCpu)
  const { image } = await readImage(picture)
  whole = quantizeTo8Bit(await fp.enlarge(image))
  await fp.dispose()
})
afterAll(() => tiles.dispose())

describe('a tile', () => {
  it('of the whole picture is the whole picture', async () => {
    const { webp, ...size } = await ask({})
    expect(size).toEqual({ width: scale * width, height: scale * height })
    expect(await farthest(webp, whole)).toBe(0)
  })

  it('of a piece is that piece of the whole, but for what lies farther than the network looks', async () => {
    const place = { left: 37, top: 29, width: 20, height: 11 }
    const { webp } = await ask(place)
    const expected = crop(whole, scale * 37, scale * 29, scale * 20, scale * 11)
    expect(await farthest(webp, expected)).toBeLessThanOrEqual(2)
  })

  it('of a variant is another picture', async () => {
    const [fp, dobi] = [await ask({}), await ask({ variant: { method: 'dobi', bits } })]
    const difference = await farthest(dobi.webp, whole)
    expect(difference).toBeGreaterThan(2)
    expect(difference).toBeLessThan(100)
    expect(await farthest((await ask({})).webp, whole)).toBe(await farthest(fp.webp, whole))
  })

  it('may be asked for while others are made', async () => {
    const variants = [null, { method: 'dobi' as const, bits }, null, { method: 'dobi' as const, bits }]
    const made = await Promise.all(variants.map((variant) => ask({ variant, width: 8, height: 8 })))
    expect(made[0]?.webp).toEqual(made[2]?.webp)
    expect(made[1]?.webp).toEqual(made[3]?.webp)
    expect(made[0]?.webp).not.toEqual(made[1]?.webp)
  })

  it.each([
    ['outside of the picture', { left: 80, width: 9 }, /does not lie in 88×72/],
    ['of a picture that is not there', { picture: '/none.png' }, /none\.png/],
    ['of a variant that is not there', { variant: { method: 'minmax' as const, bits } }, /no such variant/]
  ])('%s is refused, and the next one made', async (_, config, message) => {
    await expect(ask(config)).rejects.toThrow(message)
    expect((await ask({ width: 8, height: 8 })).width).toBe(32)
  })
})
