import { contestantTitles, formatBits, type Bits, type Contestant } from '../../contract/bounds'
import type { SetScores } from '../../contract/results'
import type { EvaluationFile, Published } from '../../contract/runs'

/** What was measured of one contestant on one set. PSNR in dB on Y; null is infinite, as of equal pictures. */
export interface MatrixCell {
  readonly set: string
  readonly psnr: number | null
  readonly ssim: number | null
  /** Against full precision on the same set; null for full precision itself, and where it was not measured. */
  readonly psnrDifference: number | null
  readonly ssimDifference: number | null
  /** What the paper tells. */
  readonly published: { readonly psnr: number; readonly ssim: number } | null
  readonly images: SetScores['images']
}

export interface MatrixRow {
  readonly method: Contestant
  readonly bits: Bits | null
  /** Whether its bounds were changed by hand since. */
  readonly isOutdated: boolean
  readonly cells: readonly MatrixCell[]
}

/** All contestants by all sets. */
export interface Matrix {
  readonly sets: readonly {
    readonly name: string
    readonly reference: SetScores['reference']
    readonly pictures: number
  }[]
  readonly rows: readonly MatrixRow[]
}

export function matrixOf({ results, outdated }: EvaluationFile, published: Published | null): Matrix {
  const first = results.find(({ method }) => method === 'fp') ?? results[0]
  const sets = (first?.sets ?? []).map(({ name, reference, images }) => ({ name, reference, pictures: images.length }))
  const told = published?.kind === 'values' ? published.rows : []
  const rows = results.map(({ method, bits, sets: measured }): MatrixRow => {
    const cells = measured.map(({ name, mean, images }): MatrixCell => {
      const full = method === 'fp' ? undefined : first?.sets.find((set) => set.name === name)?.mean
      const isTold = (row: (typeof told)[number]): boolean =>
        row.set === name && row.method === method && (row.bits === null || formatBits(bits) === String(row.bits))
      const row = told.find(isTold)
      return {
        set: name,
        ...mean,
        psnrDifference: difference(mean.psnr, full?.psnr),
        ssimDifference: difference(mean.ssim, full?.ssim),
        published: row === undefined ? null : { psnr: row.psnr, ssim: row.ssim },
        images
      }
    })
    const isOutdated = outdated.some((each) => each.method === method && formatBits(each.bits) === formatBits(bits))
    return { method, bits, isOutdated, cells }
  })
  return { sets, rows }
}

function difference(value: number | null, from: number | null | undefined): number | null {
  return value === null || from === null || from === undefined ? null : value - from
}

/** What a contestant is called in a table, and its bits; bicubic has none. */
export function rowTitle({ method, bits }: Pick<MatrixRow, 'method' | 'bits'>): readonly [string, string] {
  return [contestantTitles[method], method === 'bicubic' ? '–' : formatBits(bits)]
}

/** Stands behind a name whose numbers are older than its bounds. */
const mark = '*'
const footnote = `${mark} Bounds were changed by hand after measuring.`
const hasOutdated = ({ rows }: Matrix): boolean => rows.some(({ isOutdated }) => isOutdated)
export const markedTitle = (row: MatrixRow): readonly [string, string] => {
  const [name, bits] = rowTitle(row)
  return [row.isOutdated ? `${name}${mark}` : name, bits]
}

const psnrText = (value: number | null): string => (value === null ? '∞' : value.toFixed(2))
const ssimText = (value: number | null): string => (value === null ? '–' : value.toFixed(4))

/** Cells of a table as text: a head and rows of equal length. */
function textTable({ sets, rows }: Matrix): {
  readonly head: readonly string[]
  readonly body: readonly (readonly string[])[]
} {
  const hasPublished = rows.some(({ cells }) => cells.some(({ published }) => published !== null))
  const head = [
    'Method',
    'Bits',
    ...sets.flatMap(({ name }) => [
      `${name} PSNR (dB)`,
      `${name} SSIM`,
      `${name} ΔPSNR (dB)`,
      `${name} ΔSSIM`,
      ...(hasPublished ? [`${name} PSNR, paper (dB)`, `${name} SSIM, paper`] : [])
    ])
  ]
  const body = rows.map((row) => [
    ...markedTitle(row),
    ...row.cells.flatMap(({ psnr, ssim, psnrDifference, ssimDifference, published }) => [
      psnrText(psnr),
      ssimText(ssim),
      psnrDifference?.toFixed(2) ?? '',
      ssimDifference?.toFixed(4) ?? '',
      ...(hasPublished ? [published?.psnr.toFixed(2) ?? '', published?.ssim.toFixed(4) ?? ''] : [])
    ])
  ])
  return { head, body }
}

/** A table as RFC 4180 has it. Differences are to full precision on the same set. */
export function matrixAsCsv(matrix: Matrix): string {
  const { head, body } = textTable(matrix)
  const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const lines = [head, ...body, ...(hasOutdated(matrix) ? [[footnote]] : [])]
  return lines.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** A table as GitHub's Markdown has it. */
export function matrixAsMarkdown(matrix: Matrix): string {
  const { head, body } = textTable(matrix)
  const line = (row: readonly string[]): string =>
    `| ${row.map((text) => text.replace(/[|*]/g, (letter) => `\\${letter}`)).join(' | ')} |`
  const rule = `| ${head.map((_, i) => (i === 0 ? '---' : '---:')).join(' | ')} |`
  const table = [line(head), rule, ...body.map(line)].join('\n')
  return hasOutdated(matrix) ? `${table}\n\n\\${footnote}\n` : `${table}\n`
}

/** A table for LaTeX with booktabs; the best quantized value of a bit width is bold. */
export function matrixAsLatex(matrix: Matrix): string {
  const { sets, rows } = matrix
  const escaped = (text: string): string =>
    text
      .replaceAll('\\', '\\textbackslash{}')
      .replace(/[&%$#_{}]/g, (letter) => `\\${letter}`)
      .replaceAll('∞', '$\\infty$')
  const bestOf = (column: number, pick: 'psnr' | 'ssim', bits: string): number =>
    Math.max(
      ...rows
        .filter((row) => row.bits !== null && formatBits(row.bits) === bits)
        .map(({ cells }) => cells[column]?.[pick] ?? Infinity)
    )
  const value = (row: MatrixRow, column: number, pick: 'psnr' | 'ssim'): string => {
    const found = row.cells[column]?.[pick] ?? null
    const text = escaped(pick === 'psnr' ? psnrText(found) : ssimText(found))
    const isBest = row.bits !== null && found !== null && found === bestOf(column, pick, formatBits(row.bits))
    return isBest ? `\\textbf{${text}}` : text
  }
  const columns = sets.map((_, column) => column)
  const lines = rows.map((row, i) => {
    const before = rows[i - 1]
    const rule = before !== undefined && formatBits(before.bits) !== formatBits(row.bits) ? '\\midrule\n' : ''
    const titles = markedTitle(row).map((text) => escaped(text.replace('–', '--')))
    const cells = columns.flatMap((column) => [value(row, column, 'psnr'), value(row, column, 'ssim')])
    return `${rule}${[...titles, ...cells].join(' & ')} \\\\`
  })
  const heads = sets.map(({ name }) => `\\multicolumn{2}{c}{${escaped(name)}}`)
  return [
    `\\begin{tabular}{ll${'rr'.repeat(sets.length)}}`,
    '\\toprule',
    `& & ${heads.join(' & ')} \\\\`,
    `Method & Bits & ${sets.map(() => 'PSNR & SSIM').join(' & ')} \\\\`,
    '\\midrule',
    ...lines,
    '\\bottomrule',
    '\\end{tabular}',
    ...(hasOutdated(matrix) ? [`% ${footnote}`] : []),
    ''
  ].join('\n')
}

/** The pictures of a cell, the worst first. */
export function worstFirst({ images }: MatrixCell): SetScores['images'] {
  return images.toSorted((a, b) => (a.psnr ?? Infinity) - (b.psnr ?? Infinity))
}
