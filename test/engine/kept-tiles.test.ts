import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { makeImage } from '../../src/core/imaging/image'
import { KeptTiles, pictureKey } from '../../src/engine/kept-tiles'
import { readImage } from '../../src/formats/image-files'
import { temporaryFolder } from '../cli/run-cli'
import { testPicture } from '../pictures'

// Only to count what is looked at.
vi.mock('node:fs/promises', { spy: true })

const folder = temporaryFolder()
const noise = testPicture(64, 64)
let number = 0
let run = ''
beforeEach(() => {
  run = join(folder, String(++number))
  mkdirSync(run)
})

/** Names as digests end them: `a` is `aaaaaaaaaaaaaaaa`, `fp-1` is `fp-1111111111111111`. */
const named = (short: string): string => short.slice(0, -1) + (short.at(-1) ?? '').repeat(16)
const variants = (...short: readonly string[]): ReadonlySet<string> => new Set(short.map(named))
const output = (picture: string, variant = 'fp-1'): { run: string; picture: string; variant: string } => ({
  run,
  picture: named(picture),
  variant: named(variant)
})
const pictures = (): readonly string[] => readdirSync(join(run, 'views')).toSorted()
/** Makes a picture seem not to have been looked at for so many seconds. */
function age(picture: string, seconds: number): void {
  const then = new Date(Date.now() - 1000 * seconds)
  utimesSync(join(run, 'views', named(picture)), then, then)
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
    expect(kept.fileOf(output('a'), 12, 3)).toBe(join(run, 'views', named('a'), named('fp-1'), '12-3.png'))
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
    await kept.look(run, named('a'), variants('fp-1', 'dobi-4-8-1', 'dobi-4-2'))
    for (const picture of ['a', 'b']) {
      expect(readdirSync(join(run, 'views', named(picture))).toSorted()).toEqual(['dobi-4-8-1', 'fp-1'].map(named))
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
      await kept.look(run, named('b'), variants('fp-1'))
      expect(pictures()).toEqual(['a', 'b'].map(named))
      await kept.keep(output('c'), 0, 0, noise)
      // Looking at b made a the oldest.
      expect(pictures()).toEqual(['b', 'c'].map(named))
      for (const column of [1, 2, 3]) await kept.keep(output('c'), column, 0, noise)
      expect(pictures()).toEqual([named('c')])
      expect(await kept.places(output('c'))).toHaveLength(4)
      await kept.look(run, named('c'), variants('fp-1'))
      expect(await kept.places(output('c'))).toHaveLength(4)
    }
  )

  it('are each looked at once, however many there are and however much they take', async () => {
    const kept = new KeptTiles(1)
    for (const column of [0, 1, 2, 3]) await kept.keep(output('a'), column, 0, noise)
    vi.mocked(lstat).mockClear()
    vi.mocked(stat).mockClear()
    await kept.keep(output('a'), 4, 0, noise)
    const looked = [...vi.mocked(lstat).mock.calls, ...vi.mocked(stat).mock.calls].map(([path]) => String(path))
    expect(looked.filter((path) => path.endsWith('.png'))).toEqual([kept.fileOf(output('a'), 4, 0)])
    // Nor are there others that could make room.
    await kept.keep(output('b'), 0, 0, noise)
    expect(pictures()).toEqual([named('b')])
  })

  it('that were being written when a program was killed are removed', async () => {
    await new KeptTiles().keep(output('a'), 0, 0, noise)
    const tiles = join(run, 'views', named('a'), named('fp-1'))
    const [left, own] = ['.1-1.png.partial-3.png', `.1-1.png.partial-${process.pid}.png`]
    for (const name of [left, own, 'mine.txt']) writeFileSync(join(tiles, name), '')
    await new KeptTiles().look(run, named('b'), variants('fp-1'))
    expect(readdirSync(tiles).toSorted()).toEqual([own, '0-0.png', 'mine.txt'])
  })

  it('do not begin a run anew that is gone', async () => {
    const gone = join(folder, 'gone')
    await expect(new KeptTiles().keep({ ...output('a'), run: gone }, 0, 0, noise)).rejects.toMatchObject({
      code: 'missing'
    })
    expect(existsSync(gone)).toBe(false)
  })
})

describe('what is not ours in a run folder', () => {
  /** A folder outside of the run that looks like one of pictures or of variants, with something in it. */
  function outside(): string {
    const documents = join(folder, `documents ${number}`)
    mkdirSync(join(documents, named('fp-9'), named('fp-9')), { recursive: true })
    writeFileSync(join(documents, named('fp-9'), named('fp-9'), '0-0.png'), 'dear')
    writeFileSync(join(documents, '0-0.png'), 'dear')
    return documents
  }
  const isWhole = (documents: string): boolean =>
    readFileSync(join(documents, named('fp-9'), named('fp-9'), '0-0.png'), 'utf8') === 'dear' &&
    readdirSync(documents).length === 2

  it.each([
    ['the folder of all', 'views'],
    ['the folder of a picture', `views/${named('a')}`],
    ['the folder of an output', `views/${named('a')}/${named('fp-1')}`]
  ])('%s is not gone through where it is a link', async (_, link) => {
    const documents = outside()
    mkdirSync(join(run, link, '..'), { recursive: true })
    symlinkSync(documents, join(run, link), 'junction')
    const kept = new KeptTiles(1)
    const refusal = { code: 'refused', message: expect.stringContaining('is a link') as string }
    await expect(kept.places(output('a'))).rejects.toMatchObject(refusal)
    await expect(kept.keep(output('a'), 7, 7, noise)).rejects.toMatchObject(refusal)
    if (!link.endsWith(named('fp-1'))) {
      await expect(kept.look(run, named('a'), variants('fp-1'))).rejects.toMatchObject(refusal)
    }
    expect(isWhole(documents)).toBe(true)
  })

  it('stays: links to folders, folders and files of other names', async () => {
    const documents = outside()
    const kept = new KeptTiles(1)
    await kept.keep(output('a'), 0, 0, noise)
    await kept.keep(output('b'), 0, 0, noise)
    await kept.keep(output('a'), 0, 0, noise)
    const views = join(run, 'views')
    for (const link of ['x', named('c'), join(named('a'), named('dobi-2'))]) {
      symlinkSync(documents, join(views, link), 'junction')
    }
    for (const mine of ['mine', join(named('a'), 'mine'), join(named('c').replace('c', 'd'), 'mine')]) {
      mkdirSync(join(views, mine), { recursive: true })
      writeFileSync(join(views, mine, 'a.txt'), 'mine')
    }
    writeFileSync(join(views, named('a'), 'a.txt'), 'mine')
    const before = readdirSync(views, { recursive: true }).toSorted()
    await new KeptTiles(1).look(run, named('b'), variants('dobi-9'))
    await new KeptTiles(1).keep(output('b'), 0, 0, noise)
    const gone = [named('fp-1'), join(named('fp-1'), '0-0.png')].map((name) => join(named('a'), name))
    const made = [named('b'), ...[named('fp-1'), join(named('fp-1'), '0-0.png')].map((name) => join(named('b'), name))]
    expect(readdirSync(views, { recursive: true }).toSorted()).toEqual(
      [...before.filter((name) => !gone.includes(String(name))), ...made].toSorted()
    )
    expect(isWhole(documents)).toBe(true)
  })

  it('is no tile: a link to a picture elsewhere is not told of', async () => {
    const kept = new KeptTiles()
    await kept.keep(output('a'), 0, 0, noise)
    const elsewhere = join(folder, `elsewhere ${number}.png`)
    writeFileSync(elsewhere, 'dear')
    symlinkSync(elsewhere, kept.fileOf(output('a'), 1, 0), 'file')
    expect(await kept.places(output('a'))).toEqual(['0-0'])
    expect(await kept.has(output('a'), 1, 0)).toBe(false)
    expect(await kept.has(output('a'), 0, 0)).toBe(true)
    await kept.keep(output('a'), 1, 0, noise)
    expect(readFileSync(elsewhere, 'utf8')).toBe('dear')
    expect(await kept.has(output('a'), 1, 0)).toBe(true)
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
