import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { imresize } from '../../src/core/imaging/imresize'
import { findPictures, readPair } from '../../src/engine/picture-sets'
import { readImage, writeImage } from '../../src/formats/image-files'
import { temporaryFolder } from '../cli/run-cli'
import { testPicture, writeTestPicture } from '../pictures'
import { describeWithSharedData, sharedData } from '../shared-data'

const folder = temporaryFolder()
const kindOption = '--set-kind'

beforeAll(async () => {
  await writeTestPicture(join(folder, 'both', 'HR', 'a.png'), 41, 30)
  await writeTestPicture(join(folder, 'both', 'HR', 'b.png'), 40, 32)
  await writeTestPicture(join(folder, 'both', 'LR_bicubic', 'X2', 'bx2.png'), 20, 16, 5)
  await writeTestPicture(join(folder, 'lr', 'LR_bicubic', 'X2', 'c_LRBI_x2.png'), 20, 16)
  await writeTestPicture(join(folder, 'flat', 'd.png'), 20, 16)
  await writeTestPicture(join(folder, 'X2', 'e.png'), 20, 16)
  await writeTestPicture(join(folder, 'tiny', 'HR', 'f.png'), 3, 1)
  mkdirSync(join(folder, 'empty'))
})

describe('a folder of pictures', () => {
  it('with HR and LR_bicubic pairs what belongs together and makes what is missing', async () => {
    const { kind, entries } = await findPictures(join(folder, 'both'), 2, undefined, kindOption)
    expect(kind).toBe('hr')
    expect(entries.map(({ name, lr }) => [name, lr !== null])).toEqual([
      ['a', false],
      ['b', true]
    ])
    const made = await readPair(entries[0], 2)
    const { data } = testPicture(41, 30)
    expect(made.hr).toMatchObject({ width: 40, height: 30 })
    const whole = { width: 40, height: 30, channels: 3 as const, data: data.filter((_, i) => i % 41 < 40) }
    expect(made.lr).toEqual(imresize(whole, 0.5))
    const second = entries[1]
    if (second === undefined) throw new Error('no second picture')
    expect((await readPair(second, 2)).lr).toEqual(testPicture(20, 16, 5))
  })

  it('tells how fine its files are; what is made of them has 8 bits', async () => {
    const deep = join(folder, 'deep', 'HR')
    mkdirSync(deep, { recursive: true })
    await writeImage(join(deep, 'a.png'), testPicture(8, 8), { bitDepth: 16 })
    await writeTestPicture(join(deep, 'b.png'), 8, 8)
    const { entries } = await findPictures(join(folder, 'deep'), 2, undefined, kindOption)
    const pairs = await Promise.all(entries.map((entry) => readPair(entry, 2)))
    expect(pairs.map(({ lrDepth, hrDepth }) => [lrDepth, hrDepth])).toEqual([
      [8, 16],
      [8, 8]
    ])
    const low = await readPair({ name: 'c', hr: null, lr: join(deep, 'a.png') }, 2)
    expect(low.lrDepth).toBe(16)
  })

  it('with LR_bicubic alone has no originals', async () => {
    const { kind, entries } = await findPictures(join(folder, 'lr'), 2, undefined, kindOption)
    expect([kind, entries[0].name]).toEqual(['lr', 'c'])
    expect((await readPair(entries[0], 2)).hr).toBeNull()
  })

  it('that is flat is what it is said to be, or what its name tells', async () => {
    expect((await findPictures(join(folder, 'flat'), 2, 'hr', kindOption)).kind).toBe('hr')
    expect((await findPictures(join(folder, 'flat'), 2, 'lr', kindOption)).kind).toBe('lr')
    expect((await findPictures(join(folder, 'X2'), 2, undefined, kindOption)).kind).toBe('lr')
    const asked = findPictures(join(folder, 'flat'), 2, undefined, kindOption)
    await expect(asked).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(kindOption) as string })
  })

  it('without pictures is told so, with what is expected', async () => {
    const empty = findPictures(join(folder, 'empty'), 4, undefined, kindOption)
    await expect(empty).rejects.toThrow(/it is empty; expected are .*LR_bicubic\/X4/)
  })

  it('whose picture vanishes when made smaller is refused', async () => {
    const { entries } = await findPictures(join(folder, 'tiny'), 4, undefined, kindOption)
    await expect(readPair(entries[0], 4)).rejects.toThrow(/3×1.* too small/)
  })
})

describeWithSharedData('the calibration pictures', () => {
  it('give the LR pictures beside them when these are made from HR', async () => {
    const { entries } = await findPictures(sharedData('calibration'), 4, undefined, kindOption)
    expect(entries.length).toBeGreaterThan(10)
    for (const entry of entries.slice(0, 12)) {
      const { lr } = await readPair({ ...entry, lr: null }, 4)
      expect(lr, entry.name).toEqual((await readImage(entry.lr ?? '')).image)
    }
  })
})
