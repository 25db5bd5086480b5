import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { patchSheetSchema } from '../../../src/contract/preparation'
import { crop, quantizeTo8Bit, fromTensor } from '../../../src/core/imaging/image'
import { checkSets, patchSheet } from '../../../src/engine/jobs/preparation'
import { loadModel } from '../../../src/engine/model-file'
import { draw, readByPicture } from '../../../src/engine/patches'
import { findPictures } from '../../../src/engine/picture-sets'
import { readImage } from '../../../src/formats/image-files'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const going = new AbortController().signal
const config = { model: bundledModel, calibration: { folder: pictures }, patches: 7, patchSize: 16, seed: 3 }

beforeAll(async () => {
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(pictures, 'HR', 'two.png'), 101, 90, 7)
})

async function pixelsOf(webp: Uint8Array): Promise<Awaited<ReturnType<typeof readImage>>['image']> {
  const file = join(folder, 'sheet.webp')
  writeFileSync(file, webp)
  return (await readImage(file)).image
}

describe('the sheet of patches', () => {
  it('has what the network will be shown, pixel by pixel, in the order of drawing', async () => {
    const sheet = patchSheetSchema.parse(await patchSheet(config, going))
    expect(sheet).toMatchObject({ kind: 'hr', pictures: 2, count: 7, side: 16, columns: 3 })
    const { model } = await loadModel(bundledModel)
    const found = await findPictures(pictures, 4, undefined, '')
    const drawn = await draw(found.entries, 4, { count: 7, size: 16, seed: 3 })
    expect(new Set(drawn.map(({ picture }) => picture)).size).toBe(2)
    expect(sheet.patches).toEqual(
      drawn.map(({ picture, left, top }) => ({ picture: ['one', 'two'][picture], left, top }))
    )
    const image = await pixelsOf(sheet.webp)
    expect([image.width, image.height]).toEqual([48, 48])
    let compared = 0
    for (const [i, patch] of drawn.entries()) {
      for await (const values of readByPicture(found, model, [patch])) {
        const wanted = quantizeTo8Bit(fromTensor(values, 16, 16, 3))
        expect(crop(image, 16 * (i % 3), 16 * Math.floor(i / 3), 16, 16)).toEqual(wanted)
        compared++
      }
    }
    expect(compared).toBe(7)
  })

  it('shows a hundred patches at most', async () => {
    const sheet = await patchSheet({ ...config, patches: 130 }, going)
    expect([sheet.count, sheet.patches.length, sheet.columns]).toEqual([130, 100, 10])
    const more = await patchSheet({ ...config, patches: 100 }, going)
    expect(sheet.webp).toEqual(more.webp)
  })

  it('is refused where the run would be, and ends when nobody waits for it', async () => {
    await expect(patchSheet({ ...config, patchSize: 64 }, going)).rejects.toMatchObject({ code: 'refused' })
    const nowhere = { ...config, calibration: { folder: join(folder, 'nowhere') } }
    await expect(patchSheet(nowhere, going)).rejects.toMatchObject({ code: 'missing' })
    await expect(patchSheet(config, AbortSignal.abort(new Error('closed')))).rejects.toThrow('closed')
  })
})

describe('sets of pictures', () => {
  it('are counted, or say why they cannot be used', async () => {
    const [empty, flat, damaged] = ['empty', 'flat', 'damaged'].map((name) => join(folder, name))
    mkdirSync(empty ?? '')
    mkdirSync(damaged ?? '')
    await writeTestPicture(join(flat ?? '', 'a.png'), 30, 20)
    writeFileSync(join(damaged ?? '', 'x4.png'), 'no picture')
    const sets = [pictures, empty, flat, join(folder, 'nowhere'), damaged].map((each) => ({ folder: each ?? '' }))
    const checks = await checkSets(4, [...sets, { folder: flat ?? '', kind: 'lr' as const }], going)
    expect(checks.map(({ name, kind }) => [name, kind])).toEqual([
      ['pictures', 'hr'],
      ['empty', null],
      ['flat', null],
      ['nowhere', null],
      ['damaged', null],
      ['flat', 'lr']
    ])
    expect(checks[0]).toMatchObject({ folder: pictures, pictures: 2, pixels: 24 * 18 + 25 * 22, failure: null })
    expect(checks[5]).toMatchObject({ pictures: 1, pixels: 600, failure: null })
    const failures = ['no pictures', 'high- or low-resolution', 'no folder', 'cannot be read as a picture']
    failures.forEach((failure, i) => {
      expect(checks[i + 1]?.failure).toContain(failure)
    })
  })
})
