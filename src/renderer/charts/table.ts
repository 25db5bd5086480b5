import type { Plot } from './plot'

/** A chart's data as rows below named columns. Null is a cell without a value. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}

/** What columns are called that no axis names. */
export interface TableWords {
  readonly least: string
  readonly greatest: string
  readonly from: string
  readonly to: string
  readonly number: string
  readonly name: string
  readonly kind: string
}

/** The data of a chart as a table. */
export function tableOf(plot: Plot, words: TableWords): Table {
  switch (plot.kind) {
    case 'lines': {
      const { series, x } = plot
      const isBanded = series.map(({ points }) => points.some(([, , least]) => least !== undefined))
      const bandOf = (name: string): readonly string[] => [`${name}, ${words.least}`, `${name}, ${words.greatest}`]
      const columns = series.flatMap(({ name }, i) => [name, ...(isBanded[i] === true ? bandOf(name) : [])])
      const rows = new Map<number, (number | null)[]>()
      let column = 0
      for (const [i, { points }] of series.entries()) {
        const width = isBanded[i] === true ? 3 : 1
        for (const [at, ...values] of points) {
          const row = rows.get(at) ?? columns.map(() => null)
          for (let j = 0; j < width; j++) row[column + j] = values[j] ?? null
          rows.set(at, row)
        }
        column += width
      }
      return {
        columns: [x.title, ...columns],
        rows: [...rows].toSorted(([a], [b]) => a - b).map(([at, values]) => [at, ...values])
      }
    }
    case 'histogram': {
      const { min, max, shares, x, y } = plot
      const edge = (i: number): number => min + (i * (max - min)) / shares.length
      return {
        columns: [`${x.title}, ${words.from}`, `${x.title}, ${words.to}`, y.title],
        rows: shares.map((share, i) => [edge(i), edge(i + 1), share])
      }
    }
    case 'bars':
      return {
        columns: [words.number, words.name, words.kind, plot.y.title],
        rows: plot.bars.map(({ name, group, value }, i) => [plot.first + i, name, plot.groups[group], value])
      }
    case 'boxes':
      return {
        columns: [
          words.number,
          words.name,
          words.kind,
          words.least,
          '1 %',
          '25 %',
          '50 %',
          '75 %',
          '99 %',
          words.greatest
        ],
        rows: plot.boxes.map(({ name, group, least, quantiles, greatest }, i) => [
          plot.first + i,
          name,
          plot.groups[group],
          least,
          ...quantiles,
          greatest
        ])
      }
  }
}

/** A table as CSV (RFC 4180): commas, lines ended by CR and LF, quotes where they are needed. */
export function csvOf({ columns, rows }: Table): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('')
}

function field(value: string | number | null): string {
  if (value === null) return ''
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
