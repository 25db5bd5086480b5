import { describe, expect, it } from 'vitest'
import type { EvaluationFile, Published } from '../../../src/contract/runs'
import {
  matrixAsCsv,
  matrixAsLatex,
  matrixAsMarkdown,
  matrixOf,
  worstFirst
} from '../../../src/renderer/evaluation/matrix'

const image = (
  name: string,
  psnr: number | null
): EvaluationFile['results'][number]['sets'][number]['images'][number] => ({
  name,
  psnr,
  ssim: 0.9
})
const set = (name: string, psnr: number | null, ssim: number): EvaluationFile['results'][number]['sets'][number] => ({
  name,
  reference: 'hr',
  mean: { psnr, ssim },
  images: [image('b', 31), image('c', null), image('a', 29)]
})
const two = { weight: 2, activation: 2 } as const
const evaluation: EvaluationFile = {
  schema: 1,
  pictures: [],
  outdated: [{ method: 'dobi', bits: two }],
  results: [
    {
      model: 'm',
      method: 'bicubic',
      bits: null,
      scale: 2,
      sets: [set('Set5', 30, 0.8), set('a, "b" & c_d|', 28, 0.7)]
    },
    { model: 'm', method: 'fp', bits: null, scale: 2, sets: [set('Set5', 38, 0.96), set('a, "b" & c_d|', 33, 0.9)] },
    { model: 'm', method: 'dobi', bits: two, scale: 2, sets: [set('Set5', 35, 0.92), set('a, "b" & c_d|', 31, 0.85)] },
    {
      model: 'm',
      method: '2dquant',
      bits: two,
      scale: 2,
      sets: [set('Set5', 36.5, 0.94), set('a, "b" & c_d|', null, 1)]
    }
  ]
}
const published: Published = {
  kind: 'values',
  rows: [
    { set: 'Set5', method: 'dobi', bits: 2, psnr: 35.25, ssim: 0.9361 },
    { set: 'Set5', method: 'dobi', bits: 3, psnr: 36.37, ssim: 0.9496 },
    { set: 'Set5', method: 'fp', bits: null, psnr: 38.15, ssim: 0.9611 }
  ],
  reasons: []
}

describe('the table of results', () => {
  const matrix = matrixOf(evaluation, published)
  const cell = (row: number, column: number): (typeof matrix.rows)[number]['cells'][number] => {
    const found = matrix.rows[row]?.cells[column]
    if (found === undefined) throw new Error('there is no such cell')
    return found
  }

  it('has differences to full precision, which has none to itself', () => {
    expect(cell(2, 0).psnrDifference).toBe(-3)
    expect(cell(2, 0).ssimDifference).toBeCloseTo(-0.04, 12)
    expect(cell(1, 0).psnrDifference).toBeNull()
    expect(cell(3, 1).psnrDifference).toBeNull()
  })

  it('has the paper’s values beside the same method, bits and set alone', () => {
    expect(cell(2, 0).published).toEqual({ psnr: 35.25, ssim: 0.9361 })
    expect(cell(1, 0).published).toEqual({ psnr: 38.15, ssim: 0.9611 })
    expect(cell(3, 0).published).toBeNull()
    expect(cell(2, 1).published).toBeNull()
  })

  it('knows what was changed since', () => {
    expect(matrix.rows.map(({ isOutdated }) => isOutdated)).toEqual([false, false, true, false])
  })

  it('lists the worst pictures first, equal ones last', () => {
    expect(worstFirst(cell(2, 0)).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
  })

  it('is CSV with quotes where they are needed, and says which numbers are older than their bounds', () => {
    const lines = matrixAsCsv(matrixOf(evaluation, null)).split('\r\n')
    const of = (set: string): readonly string[] => [
      `${set} PSNR (dB)`,
      `${set} SSIM`,
      `${set} ΔPSNR (dB)`,
      `${set} ΔSSIM`
    ]
    const quoted = of('a, ""b"" & c_d|').map((name) => `"${name}"`)
    expect(lines[0]).toBe(['Method', 'Bits', ...of('Set5'), ...quoted].join(','))
    expect(lines[1]).toBe('bicubic,–,30.00,0.8000,-8.00,-0.1600,28.00,0.7000,-5.00,-0.2000')
    expect(lines[2]).toBe('FP,32,38.00,0.9600,,,33.00,0.9000,,')
    expect(lines[3]).toMatch(/^DOBI\*,2,35\.00,/)
    expect(lines[4]).toBe('2DQuant,2,36.50,0.9400,-1.50,-0.0200,∞,1.0000,,0.1000')
    expect(lines[5]).toMatch(/^\* Bounds were changed/)
    expect(lines).toHaveLength(7)
  })

  it('tells the paper’s values in columns of their own', () => {
    expect(matrixAsCsv(matrix).split('\r\n')[3]).toBe(
      'DOBI*,2,35.00,0.9200,-3.00,-0.0400,35.25,0.9361,31.00,0.8500,-2.00,-0.0500,,'
    )
  })

  it('is Markdown whose lines have equally many cells', () => {
    const lines = matrixAsMarkdown(matrixOf(evaluation, null)).trim().split('\n')
    const table = lines.slice(0, -2)
    expect(table[1]).toBe(`| --- |${' ---: |'.repeat(9)}`)
    const cells = table.map((line) => line.split(/(?<!\\)\|/).length)
    expect(new Set(cells)).toEqual(new Set([12]))
    expect(lines.at(-1)).toMatch(/^\\\* Bounds were changed/)
  })

  it('is LaTeX with its own letters escaped, and the best of each width in bold', () => {
    const latex = matrixAsLatex(matrixOf(evaluation, null))
    expect(latex).toContain(String.raw`\multicolumn{2}{c}{a, "b" \& c\_d|}`)
    expect(latex).toContain(String.raw`2DQuant & 2 & \textbf{36.50} & \textbf{0.9400} & $\infty$ & \textbf{1.0000} \\`)
    expect(latex).toContain(String.raw`DOBI* & 2 & 35.00 & 0.9200 & 31.00 & 0.8500 \\`)
    expect(latex).toContain(String.raw`FP & 32 & 38.00 & 0.9600 & 33.00 & 0.9000 \\`)
  })
})
