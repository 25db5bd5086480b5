import { describe, expect, it } from 'vitest'
import { bitsSchema } from '../../src/contract/bounds'
import type { EvaluateResult, SetScores } from '../../src/contract/results'
import type { Published } from '../../src/contract/runs'
import { publishedBeside } from '../../src/engine/published/beside'
import { officialFile, zooModels, type OfficialFile } from '../../src/engine/zoo/catalogue'
import { publishedSets, table3 } from '../../src/engine/published/table3'

const digest = 'a'.repeat(64)
/** What the table of files will hold once the digests are known. */
const files: readonly OfficialFile[] = [
  { sha256: digest, name: 'swinir.pth', table3: 4 },
  { sha256: 'b'.repeat(64), name: 'edsr.pth', table3: null }
]
const four = bitsSchema.parse({ weight: 4, activation: 4 })
const mixed = bitsSchema.parse({ weight: 4, activation: 8 })
const set5 = ['baby', 'bird', 'butterfly', 'head', 'woman']

function setOf(name: string, pictures: readonly string[], reference: SetScores['reference'] = 'hr'): SetScores {
  const mean = { psnr: 30, ssim: 0.9 }
  return { name, reference, mean, images: pictures.map((picture) => ({ name: picture, ...mean })) }
}

/** Full precision, bicubic, and two methods at 4 bits, one of them mixed, on the same sets. */
function measured(...sets: readonly SetScores[]): EvaluateResult['results'] {
  const keys = [
    { method: 'bicubic', bits: null },
    { method: 'fp', bits: null },
    { method: 'dobi', bits: four },
    { method: '2dquant', bits: four },
    { method: 'dobi', bits: mixed },
    { method: '2dquant+', bits: four }
  ] as const
  return keys.map((key) => ({ model: 'run', scale: 4, ...key, sets: [...sets] }))
}

/** Why nothing stands beside the first set; null where something does. */
function reasonOf(published: Published): string | null {
  if (published.kind === 'none') return published.reason
  return published.rows.length > 0 ? null : (published.reasons[0]?.reason ?? '')
}

describe('the table of the paper', () => {
  it('has every method at every width and scale, with plausible numbers that fall with the width', () => {
    expect(table3).toHaveLength(3 * (1 + 3 * 5))
    for (const [, , , scores] of table3) {
      expect(scores).toHaveLength(Object.keys(publishedSets).length)
      for (const [psnr, ssim] of scores) {
        expect(psnr > 17 && psnr < 40 && Math.round(psnr * 100) / 100 === psnr).toBe(true)
        expect(ssim > 0.2 && ssim < 1 && Math.round(ssim * 1e4) / 1e4 === ssim).toBe(true)
      }
    }
    for (const scale of [2, 3, 4]) {
      const ofMethod = (method: string): readonly (number | undefined)[] =>
        table3.filter((row) => row[0] === scale && row[1] === method).map(([, , , scores]) => scores[0]?.[0])
      const [fp = 0] = ofMethod('fp')
      const [at4 = 0, at3 = 0, at2 = 0] = ofMethod('2dquant')
      expect(fp > at4 && at4 > at3 && at3 > at2).toBe(true)
    }
  })

  it('holds what the abstract of the paper tells: 4.52 dB over the state of the art on Set5 at ×4 and 2 bits', () => {
    const psnrOf = (method: string): number =>
      table3.find((row) => row[0] === 4 && row[1] === method && row[2] === 2)?.[3][0]?.[0] ?? NaN
    expect(psnrOf('2dquant') - psnrOf('dbdc+pac')).toBeCloseTo(4.52, 9)
  })
})

describe('published values', () => {
  it('stand beside the very weights on a whole set, for what was measured', () => {
    const published = publishedBeside(measured(setOf('Set5', set5), setOf('mine', ['cat'])), digest, files)
    expect(published).toEqual({
      kind: 'values',
      rows: [
        { set: 'Set5', method: 'fp', bits: null, psnr: 32.45, ssim: 0.8976 },
        { set: 'Set5', method: 'dobi', bits: 4, psnr: 31.1, ssim: 0.877 },
        { set: 'Set5', method: '2dquant', bits: 4, psnr: 31.77, ssim: 0.8867 }
      ],
      reasons: [{ set: 'mine', reason: '"mine" is none of the paper\'s test sets.' }]
    })
  })

  it('do not stand beside other weights', () => {
    for (const sha256 of ['b'.repeat(64), 'c'.repeat(64)]) {
      expect(publishedBeside(measured(setOf('Set5', set5)), sha256, files).kind).toBe('none')
    }
    expect(publishedBeside(measured(setOf('Set5', set5)), digest).kind).toBe('none')
  })

  const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => String(3096 + i))
  const urban = Array.from({ length: 100 }, (_, i) => `img_${String(i + 1).padStart(3, '0')}`)
  it.each([
    ['a part of Set5', setOf('Set5', set5.slice(1)), /4 of its 5/],
    ['other pictures', setOf('Set5', [...set5.slice(1), 'cat']), /other pictures/],
    ['one picture twice', setOf('Set5', [...set5.slice(1), 'bird']), /other pictures/],
    ['no originals', setOf('Set5', set5, 'fp'), /full precision/],
    ['the small B100', setOf('B100', numbers(20)), /20 of its 100/],
    ['names instead of numbers', setOf('B100', urban), /other pictures/],
    ['numbers instead of names', setOf('Urban100', numbers(100)), /other pictures/]
  ])('do not stand beside %s', (_, set, reason) => {
    expect(reasonOf(publishedBeside(measured(set), digest, files))).toMatch(reason)
  })

  it.each([
    ['Set5', set5],
    ['set5', set5],
    ['B100', numbers(100)],
    ['Urban100', urban],
    ['Manga109', Array.from({ length: 109 }, (_, i) => `Title${i}`)]
  ])('stand beside the whole of %s', (name, pictures) => {
    const published = publishedBeside(measured(setOf(name, pictures)), digest, files)
    expect([reasonOf(published), published.kind === 'values' && published.rows.length]).toEqual([null, 3])
  })
})

it('a published file is known by its bytes alone, each once', () => {
  expect([officialFile(digest, files)?.name, officialFile('c'.repeat(64), files)]).toEqual(['swinir.pth', null])
  for (const { sha256 } of zooModels) expect(sha256).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set(zooModels.map(({ sha256 }) => sha256)).size).toBe(zooModels.length)
})
