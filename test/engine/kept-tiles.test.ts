import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { makeImage } from '../../src/core/imaging/image'
import { KeptTiles, pictureKey } from '../../src/engine/kept-tiles'
import { readImage } from '../../src/formats/image-files'
import { temporaryFolder } from '../cli/run-cli'
import { testPicture } from '../pictures'

const folder = temporaryFolder()
const noise = testPicture(64, 64)
let number = 0
let run = ''
beforeEach(() => {
  run = join(folder, String(++number))
  mkdirSync(run)
})

const output = (picture: string, variant = 'fp-1'): { run: string; picture: string; variant: string } => ({
  run,
  picture,
  variant
})
const pictures = (): readonly string[] => readdirSync(join(run, 'views')).toSorted()
/** Makes a picture seem not to have been looked at for so many seconds. */
function age(picture: string, seconds: number): void {
  const then = new Date(Date.now() - 1000 * seconds)
  utimesSync(join(run, 'views', picture), then, then)
}

describe('tiles that are kept', () => {
  it('are files of their places, and are found again', async () => {
    const kept = new KeptTiles()
    expect(await kept.places(output('a'))).toEqual([])
    await kept.keep(output('a'), 12, 3, noise)
    await kept.keep(
      output('a'),
      0,
      0,
      makeImage(2, 3, 1, () => 7)
    )
    expect((await kept.places(output('a'))).toSorted()).toEqual(['0-0', '12-3'])
    expect(kept.fileOf(output('a'), 12, 3)).toBe(join(run, 'views', 'a', 'fp-1', '12-3.png'))
    expect((await readImage(kept.fileOf(output('a'), 12, 3))).image).toEqual(noise)
    // What a process left that was killed is no tile.
    writeFileSync(join(kept.folderOf(output('a')), '.1-1.png.partial-3.png'), '')
    expect((await new KeptTiles().places(output('a'))).toSorted()).toEqual(['0-0', '12-3'])
  })

  it('of variants that are others now go, of all pictures', async () => {
    const kept = new KeptTiles()
    for (const picture of ['a', 'b']) {
      for (const variant of ['fp-1', 'dobi-4-1', 'dobi-4-8-1']) await kept.keep(output(picture, variant), 0, 0, noise)
    }
    await kept.look(run, 'a', new Set(['fp-1', 'dobi-4-8-1', 'dobi-4-2']))
    for (const picture of ['a', 'b']) {
      expect(readdirSync(join(run, 'views', picture)).toSorted()).toEqual(['dobi-4-8-1', 'fp-1'])
    }
  })

  it.each(['in one process', 'after a restart'])(
    'make room where they are too many: what was not looked at for longest goes, never what is looked at (%s)',
    async (when) => {
      let kept = new KeptTiles()
      await kept.keep(output('a'), 0, 0, noise)
      const { size } = statSync(kept.fileOf(output('a'), 0, 0))
      kept = new KeptTiles(2.5 * size)
      await kept.keep(output('b'), 0, 0, noise)
      age('a', 20)
      age('b', 30)
      if (when === 'after a restart') kept = new KeptTiles(2.5 * size)
      await kept.look(run, 'b', new Set(['fp-1']))
      expect(pictures()).toEqual(['a', 'b'])
      await kept.keep(output('c'), 0, 0, noise)
      // Looking at b made a the oldest.
      expect(pictures()).toEqual(['b', 'c'])
      for (const column of [1, 2, 3]) await kept.keep(output('c'), column, 0, noise)
      expect(pictures()).toEqual(['c'])
      expect(await kept.places(output('c'))).toHaveLength(4)
      await kept.look(run, 'c', new Set(['fp-1']))
      expect(await kept.places(output('c'))).toHaveLength(4)
    }
  )

  it('do not begin a run anew that is gone', async () => {
    const gone = join(folder, 'gone')
    await expect(new KeptTiles().keep({ ...output('a'), run: gone }, 0, 0, noise)).rejects.toMatchObject({
      code: 'missing'
    })
    expect(existsSync(gone)).toBe(false)
  })
})

describe('what stands for a picture', () => {
  it('is the same as long as its file is, wherever it is spelled from', async () => {
    const path = join(run, 'a.png')
    writeFileSync(path, 'a')
    utimesSync(path, 1, 1)
    const key = await pictureKey(path)
    expect(await pictureKey(join(run, 'x', '..', 'a.png'))).toBe(key)
    writeFileSync(path, 'b')
    utimesSync(path, 2, 2)
    expect(await pictureKey(path)).not.toBe(key)
    await expect(pictureKey(join(run, 'b.png'))).rejects.toMatchObject({ code: 'missing' })
  })
})
