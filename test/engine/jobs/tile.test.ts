import {
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import { outputsSchema, type Outputs } from '../../../src/contract/outputs'
import { settingsOf } from '../../../src/contract/presets'
import { estimateMemory } from '../../../src/core/evaluation/memory'
import { crop, quantizeTo8Bit, type Image } from '../../../src/core/imaging/image'
import { toGrey } from '../../../src/core/imaging/ycbcr'
import type { Runtime } from '../../../src/core/runtime'
import { makeContext } from '../../../src/engine/job'
import { editBounds } from '../../../src/engine/jobs/edit-bounds'
import { quantize } from '../../../src/engine/jobs/quantize'
import { TileReader, type TileConfig } from '../../../src/engine/jobs/tile'
import { openSubject } from '../../../src/engine/jobs/variants'
import { readImage } from '../../../src/formats/image-files'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const run = join(folder, 'run')
const picture = join(folder, 'lr.png')
const small = join(folder, 'small.png')
const model = join(folder, 'model.safetensors')
const scale = 4
const [width, height] = [150, 60]
const bits = bitsSchema.parse({ weight: 4, activation: 4 })
const dobi = { method: 'dobi' as const, bits }
const minmax = { method: 'minmax' as const, bits }
const weight = 'layers.0.residual_group.blocks.0.mlp.fc1.weight'

/** What was loaded and given back. */
const counts = { loaded: 0, disposed: 0 }
const runtime: Runtime = {
  ...onnxruntimeCpu,
  load: async (...args) => {
    counts.loaded++
    const session = await onnxruntimeCpu.load(...args)
    return {
      run: (...feeds) => session.run(...feeds),
      dispose: () => {
        counts.disposed++
        return session.dispose()
      }
    }
  }
}
let memoryCap: number | null = null
let isJobAtWork = false
const tiles = new TileReader(
  () => Promise.resolve(runtime),
  () => memoryCap,
  () => isJobAtWork
)

const at = { folder: run, picture, column: 0, row: 0 }
const make = (config: Partial<TileConfig> = {}, signal?: AbortSignal): Promise<void> =>
  tiles.tile({ ...at, variant: null, ...config }, signal)

function outputOf({ outputs }: Outputs, variant: TileConfig['variant']): Outputs['outputs'][number] {
  const found = outputs.find((output) => output.variant?.method === variant?.method)
  if (found === undefined) throw new Error('There is no such output')
  return found
}

/** A tile as it lies in the run. */
async function tileOf(outputs: Outputs, variant: TileConfig['variant'], place: string): Promise<Image> {
  return (await readImage(join(outputOf(outputs, variant).source.folder, `${place}.png`))).image
}

/** The largest difference of two pictures. */
function farthest(image: Image, expected: Image): number {
  expect([image.width, image.height, image.channels]).toEqual([expected.width, expected.height, expected.channels])
  return image.data.reduce((most, value, i) => Math.max(most, Math.abs(value - (expected.data[i] ?? NaN))), 0)
}

/** What full precision makes of a picture as a whole, from 0 to 255. */
async function enlarged(path: string): Promise<Image> {
  const fp = await (await openSubject(run, {}, {})).loadFp(onnxruntimeCpu)
  const whole = await fp.enlarge((await readImage(path)).image)
  await fp.dispose()
  return whole
}

beforeAll(async () => {
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(picture, width, height)
  await writeTestPicture(small, 20, 16)
  copyFileSync(bundledModel, model)
  const context = await makeContext(() => undefined, new AbortController().signal)
  const methods = ['minmax' as const, 'dobi' as const]
  const settings = { ...settingsOf('fast'), bits: [bits], methods, patches: 2, patchSize: 16, distillation: null }
  const config = { model, overrides: {}, scale: undefined, calibrationKind: undefined, settings, tellsTime: false }
  await quantize({ ...config, calibration: join(folder, 'pictures'), out: run }, context)
})
afterAll(() => tiles.dispose())

describe('outputs of a run for a picture', () => {
  it('are told before any of them is there', async () => {
    const outputs = await tiles.outputs(run, picture)
    expect(outputsSchema.parse(outputs)).toEqual(outputs)
    expect(outputs).toMatchObject({ width, height, scale, columns: 2, rows: 1 })
    expect(outputs.outputs.map(({ variant, done }) => [variant, done])).toEqual([
      [null, []],
      [minmax, []],
      [dobi, []]
    ])
    for (const { source } of outputs.outputs) {
      expect(source).toMatchObject({ kind: 'tiles', width: scale * width, height: scale * height, side: scale * 128 })
      expect(source.folder.startsWith(join(run, 'views'))).toBe(true)
    }
    expect(counts.loaded).toBe(0)
  })

  it('are, tile beside tile, what the network makes of the whole, but for what lies farther than it looks', async () => {
    await make({ column: 1 })
    await make()
    const outputs = await tiles.outputs(run, picture)
    expect(outputOf(outputs, null).done.toSorted()).toEqual(['0-0', '1-0'])
    const whole = quantizeTo8Bit(await enlarged(picture))
    const [left, right] = [scale * 128, scale * (width - 128)]
    expect(farthest(await tileOf(outputs, null, '0-0'), crop(whole, 0, 0, left, scale * height))).toBeLessThanOrEqual(2)
    expect(
      farthest(await tileOf(outputs, null, '1-0'), crop(whole, left, 0, right, scale * height))
    ).toBeLessThanOrEqual(2)
  })

  it('of a picture no larger than a tile are exactly what the network makes of it', async () => {
    await make({ picture: small })
    const outputs = await tiles.outputs(run, small)
    expect(outputs).toMatchObject({ columns: 1, rows: 1 })
    expect(farthest(await tileOf(outputs, null, '0-0'), quantizeTo8Bit(await enlarged(small)))).toBe(0)
  })

  it('of grey pictures of 16 bits with alpha are grey, of 8 bits, without', async () => {
    const deep = join(folder, 'deep.png')
    const samples = Uint16Array.from({ length: 24 * 18 * 2 }, (_, i) =>
      i % 2 === 1 ? (i * 131) % 65536 : 9000 + ((i * 977) % 40_000)
    )
    const raw = { width: 24, height: 18, channels: 2 as const }
    await sharp(samples, { raw }).toColourspace('grey16').png().toFile(deep)
    await make({ picture: deep })
    const outputs = await tiles.outputs(run, deep)
    const made = await readImage(join(outputOf(outputs, null).source.folder, '0-0.png'))
    expect([made.isGrey, made.alpha, made.bitDepth]).toEqual([true, null, 8])
    expect(farthest(made.image, quantizeTo8Bit(toGrey(await enlarged(deep))))).toBe(0)
  })

  it('are of the picture as it is now', async () => {
    const changing = join(folder, 'changing.png')
    await writeTestPicture(changing, 20, 16)
    await make({ picture: changing })
    expect(outputOf(await tiles.outputs(run, changing), null).done).toEqual(['0-0'])
    await writeTestPicture(changing, 20, 16, 5)
    utimesSync(changing, 1, 1)
    expect(outputOf(await tiles.outputs(run, changing), null).done).toEqual([])
    await make({ picture: changing })
    const outputs = await tiles.outputs(run, changing)
    expect(farthest(await tileOf(outputs, null, '0-0'), quantizeTo8Bit(await enlarged(changing)))).toBe(0)
  })

  it('are others once bounds are, and what was made by the old ones is gone', async () => {
    const edited = join(folder, 'edited')
    cpSync(run, edited, { recursive: true })
    for (const variant of [null, dobi]) await make({ folder: edited, picture: small, variant })
    const before = await tiles.outputs(edited, small)
    const first = await tileOf(before, dobi, '0-0')
    const { loaded } = counts
    await editBounds(edited, dobi, [{ name: weight, bounds: { lower: -0.01, upper: 0.01 }, frozen: false }])
    const after = await tiles.outputs(edited, small)
    expect(after.outputs.map(({ done }) => done)).toEqual([['0-0'], [], []])
    expect(outputOf(after, null)).toEqual(outputOf(before, null))
    expect(existsSync(outputOf(before, dobi).source.folder)).toBe(false)
    await make({ folder: edited, picture: small, variant: dobi })
    expect(farthest(await tileOf(after, dobi, '0-0'), first)).toBeGreaterThan(2)
    // The network is the same: bounds are given to it with the picture.
    expect(counts.loaded).toBe(loaded)
  })

  it('of a model that has changed since are refused', async () => {
    const bytes = readFileSync(model)
    try {
      writeFileSync(model, Buffer.concat([bytes, Buffer.from([0])]))
      await expect(tiles.outputs(run, picture)).rejects.toThrow()
      await expect(make({ picture: small, variant: dobi })).rejects.toThrow()
    } finally {
      writeFileSync(model, bytes)
    }
    expect((await tiles.outputs(run, picture)).columns).toBe(2)
  })
})

describe('a tile', () => {
  it('that is there is not made again', async () => {
    await make({ picture: small })
    const { folder: kept } = outputOf(await tiles.outputs(run, small), null).source
    const { mtimeMs } = statSync(join(kept, '0-0.png'))
    await Promise.all([make({ picture: small }), make({ picture: small })])
    expect([statSync(join(kept, '0-0.png')).mtimeMs, readdirSync(kept)]).toEqual([mtimeMs, ['0-0.png']])
  })

  it.each([
    ['full precision and variants share what is loaded', null, 2],
    ['with little memory one network is loaded at a time', 1, 3]
  ])('is made of networks that stay loaded: %s', async (_, cap, expected) => {
    onTestFinished(() => {
      memoryCap = null
    })
    memoryCap = cap
    await tiles.forget(run)
    const { loaded } = counts
    const fresh = join(folder, `fresh ${String(cap)}.png`)
    await writeTestPicture(fresh, 150, 16, 3)
    for (const [variant, column] of [
      [null, 0],
      [dobi, 0],
      [minmax, 0],
      [null, 1]
    ] as const) {
      await make({ picture: fresh, variant, column })
    }
    expect(counts.loaded - loaded).toBe(expected)
    const outputs = await tiles.outputs(run, fresh)
    expect(outputs.outputs.map(({ done }) => done.length)).toEqual([2, 1, 1])
    const [a, b] = [await tileOf(outputs, dobi, '0-0'), await tileOf(outputs, minmax, '0-0')]
    expect(farthest(a, b)).toBeGreaterThan(2)
  })

  it('is made of fewer networks while a job needs the memory, and those that were loaded before go', async () => {
    onTestFinished(() => {
      memoryCap = null
      isJobAtWork = false
    })
    const { model: network } = await openSubject(run, {}, {})
    // Room for four networks, and so for none beside a job: one is loaded at a time.
    memoryCap = 4 * estimateMemory(network.graph).peakBytes(128 + 48, 128 + 48)
    await tiles.forget(run)
    const beside = join(folder, 'beside.png')
    await writeTestPicture(beside, 150, 16, 4)
    for (const variant of [null, dobi]) await make({ picture: beside, variant })
    expect(counts.loaded - counts.disposed).toBe(2)
    isJobAtWork = true
    await make({ picture: beside, variant: minmax })
    expect(counts.loaded - counts.disposed).toBe(1)
    await make({ picture: beside, column: 1 })
    expect(counts.loaded - counts.disposed).toBe(1)
  })

  it('keeps nothing in memory once none was asked for for a minute', async () => {
    const resting = join(folder, 'resting.png')
    await writeTestPicture(resting, 150, 16, 6)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => {
      vi.useRealTimers()
    })
    await make({ picture: resting })
    vi.advanceTimersByTime(50_000)
    await make({ picture: resting, column: 1 })
    vi.advanceTimersByTime(50_000)
    // Waits for its turn.
    await tiles.forget('none')
    expect(counts.loaded).toBeGreaterThan(counts.disposed)
    vi.advanceTimersByTime(10_000)
    await tiles.forget('none')
    expect(counts.disposed).toBe(counts.loaded)
    const { loaded } = counts
    await make({ picture: resting, variant: dobi })
    expect(counts.loaded).toBe(loaded + 1)
  })

  it('that is given up before its turn costs nothing', async () => {
    const other = join(folder, 'other.png')
    await writeTestPicture(other, 20, 16, 9)
    const controller = new AbortController()
    const first = make({ picture: other, variant: dobi })
    const second = make({ picture: other, variant: minmax }, controller.signal)
    controller.abort(new Error('given up'))
    await expect(second).rejects.toThrow('given up')
    await first
    expect((await tiles.outputs(run, other)).outputs.map(({ done }) => done.length)).toEqual([0, 0, 1])
  })

  it.each([
    ['beside the picture', { column: 2 }, /2×1 tiles, and 2, 0 is none/],
    ['of a picture that is not there', { picture: '/none.png' }, /none\.png/],
    ['of what is no picture', { picture: import.meta.filename }, /cannot be read as a picture/],
    ['of a run that is not there', { folder: join(folder, 'none') }, /no run ".*none"/],
    ['of a variant that is not there', { variant: { method: 'percentile' as const, bits } }, /no percentile at 4 bits/]
  ])('%s is refused, and the next one made', async (what, config, message) => {
    await expect(make(config)).rejects.toThrow(message)
    const next = join(folder, `after ${what}.png`)
    await writeTestPicture(next, 8, 8)
    await make({ picture: next })
    expect(outputOf(await tiles.outputs(run, next), null).done).toEqual(['0-0'])
  })
})

it('what is loaded is given back', async () => {
  await make({ picture: join(folder, 'lr.png'), variant: minmax })
  await tiles.forget(run)
  await tiles.forget(join(folder, 'edited'))
  expect(counts.disposed).toBe(counts.loaded)
  const ending = new TileReader(() => Promise.resolve(runtime))
  await writeTestPicture(join(folder, 'last.png'), 8, 8)
  await ending.tile({ ...at, variant: dobi, picture: join(folder, 'last.png') })
  await ending.dispose()
  expect(counts.disposed).toBe(counts.loaded)
  await expect(ending.tile({ ...at, variant: null, picture: join(folder, 'last.png') })).rejects.toThrow('ends')
})
