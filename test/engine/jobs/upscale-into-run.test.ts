import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, expect, it } from 'vitest'
import { bitsSchema } from '../../../src/contract/bounds'
import type { RunDetails } from '../../../src/contract/runs'
import { settingsOf } from '../../../src/contract/presets'
import { readImage } from '../../../src/formats/image-files'
import { makeContext } from '../../../src/engine/job'
import { quantize } from '../../../src/engine/jobs/quantize'
import { upscale } from '../../../src/engine/jobs/upscale'
import { upscaleIntoRun } from '../../../src/engine/jobs/upscale-into-run'
import { describeRun, listRuns } from '../../../src/engine/service/run-list'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const run = join(folder, 'run')
const [here, there] = [join(folder, 'here', 'cat.png'), join(folder, 'there', 'cat.png')]
const bits = bitsSchema.parse({ weight: 4, activation: 8 })
const dobi = { method: 'dobi' as const, bits }
const context = await makeContext(() => undefined, new AbortController().signal)

const enlarge = (picture: string, variant: typeof dobi | null): Promise<void> =>
  upscaleIntoRun({ run, picture, variant, memoryCap: undefined }, context)
const listed = async (): Promise<RunDetails['upscaled']> => (await describeRun(run)).upscaled

beforeAll(async () => {
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  await writeTestPicture(here, 20, 16)
  await writeTestPicture(there, 16, 12, 9)
  const methods = ['minmax' as const, 'dobi' as const]
  const settings = { ...settingsOf('fast'), bits: [bits], methods, patches: 2, patchSize: 16, distillation: null }
  const config = { model: bundledModel, overrides: {}, scale: undefined, calibrationKind: undefined, settings }
  await quantize({ ...config, calibration: join(folder, 'pictures'), out: run, tellsTime: false }, context)
})

it('pictures that are enlarged are in the run, newest first, each as the command line makes it', async () => {
  expect(await listed()).toEqual([])
  await enlarge(here, null)
  await enlarge(here, dobi)
  const full = { file: 'upscaled/cat-fp_x4.png', name: 'cat', method: 'fp', bits: null, width: 80, height: 64 }
  const quantized = { ...full, file: 'upscaled/cat-dobi-4-8_x4.png', method: 'dobi', bits }
  expect(await listed()).toEqual([quantized, full])
  const out = join(folder, 'out')
  const shared = { subject: run, overrides: {}, inputs: [here], out, memoryCap: undefined }
  await upscale({ ...shared, filter: dobi }, context)
  expect(readFileSync(join(run, quantized.file)).equals(readFileSync(join(out, 'cat_x4.png')))).toBe(true)
  await upscale({ ...shared, filter: {}, subject: bundledModel }, context)
  expect(readFileSync(join(run, full.file)).equals(readFileSync(join(out, 'cat_x4.png')))).toBe(true)
})

it('another picture of one name gets a number; the same picture is replaced under a name that nothing had before', async () => {
  const before = readFileSync(join(run, 'upscaled/cat-dobi-4-8_x4.png'))
  await enlarge(there, dobi)
  expect((await listed())[0]).toMatchObject({ file: 'upscaled/cat (2)-dobi-4-8_x4.png', width: 64, height: 48 })
  expect(readFileSync(join(run, 'upscaled/cat-dobi-4-8_x4.png')).equals(before)).toBe(true)
  for (const number of [3, 4]) {
    await enlarge(here, dobi)
    const files = [`cat (${number})-dobi-4-8_x4.png`, 'cat (2)-dobi-4-8_x4.png', 'cat-fp_x4.png']
    expect((await listed()).map(({ file }) => file)).toEqual(files.map((file) => `upscaled/${file}`))
    expect(readdirSync(join(run, 'upscaled')).toSorted()).toEqual([...files, 'list.json'].toSorted())
    expect(readFileSync(join(run, `upscaled/${files[0] ?? ''}`)).equals(before)).toBe(true)
  }
  rmSync(join(run, 'upscaled/cat-fp_x4.png'))
  expect((await listed()).map(({ method }) => method)).toEqual(['dobi', 'dobi'])
})

it.each(['{"schema":1,"pictures":[{', '{"schema":2}'])(
  'a list that is damaged (%s) is empty and begun anew',
  async (text) => {
    const path = join(run, 'upscaled', 'list.json')
    const [before, files] = [readFileSync(path), readdirSync(join(run, 'upscaled'))]
    writeFileSync(path, text)
    expect((await listRuns(folder)).map(({ name }) => name)).toEqual(['run'])
    expect(await listed()).toEqual([])
    await enlarge(here, dobi)
    const [added, ...others] = await listed()
    expect(others).toEqual([])
    expect(added?.file).toMatch(/^upscaled\/cat( \(\d+\))?-dobi-4-8_x4\.png$/)
    expect(readdirSync(join(run, 'upscaled'))).toEqual(expect.arrayContaining(files))
    rmSync(join(run, added?.file ?? ''))
    writeFileSync(path, before)
  }
)

it('bit depth and transparency of the picture stay', async () => {
  const deep = join(folder, 'deep.png')
  const samples = Uint16Array.from({ length: 12 * 10 * 4 }, (_, i) =>
    i % 4 === 3 ? (i * 131) % 65536 : 20_000 + 40 * i
  )
  await sharp(samples, { raw: { width: 12, height: 10, channels: 4 } })
    .toColourspace('rgb16')
    .png()
    .toFile(deep)
  await enlarge(deep, dobi)
  const { image, alpha, bitDepth } = await readImage(join(run, 'upscaled/deep-dobi-4-8_x4.png'))
  expect([image.width, image.height, bitDepth, alpha?.width]).toEqual([48, 40, 16, 48])
})

it.each([
  ['a picture that is not there', '/nowhere.png', dobi, 'missing'],
  ['what is no picture', 'NONE', dobi, 'unreadable'],
  ['a variant that is not there', here, { method: 'percentile' as const, bits }, 'refused']
])('%s is refused, and the list is as it was', async (_, picture, variant, code) => {
  const none = join(folder, 'none.png')
  writeFileSync(none, 'none')
  const before = await listed()
  const work = { run, picture: picture === 'NONE' ? none : picture, variant, memoryCap: undefined }
  await expect(upscaleIntoRun(work, context)).rejects.toMatchObject({ code })
  expect(await listed()).toEqual(before)
  expect(existsSync(join(run, 'upscaled', 'none-dobi-4-8_x4.png'))).toBe(false)
})
