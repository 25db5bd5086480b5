import type { QuantizerRow } from '../../contract/events'

/** Columns that quantizers can be sorted by. `order` is that of the network. */
export const sortKeys = [
  'order',
  'name',
  'kind',
  'bits',
  'min',
  'max',
  'lower',
  'upper',
  'kept',
  'sqnr',
  'shape'
] as const
export type SortKey = (typeof sortKeys)[number]

/** What is shown of all quantizers, and in which order. */
export interface QuantizerFilter {
  readonly text: string
  readonly kind: 'all' | QuantizerRow['kind']
  /** As `blockOf` names it; empty shows all. */
  readonly block: string
  readonly onlyManual: boolean
  readonly sort: SortKey
  readonly isDescending: boolean
}

export const usualFilter: QuantizerFilter = {
  text: '',
  kind: 'all',
  block: '',
  onlyManual: false,
  sort: 'order',
  isDescending: false
}

/** The share of the values that bounds keep, 0 to 1; null without bounds. */
export function keptShare({ bounds }: QuantizerRow): number | null {
  return bounds === null ? null : bounds.belowUpper - bounds.belowLower
}

/** The block that a quantizer is in; outside of blocks, the first words of its name. */
export function blockOf(name: string): string {
  return /^(.*?blocks\.\d+|[^.]+(\.\d+)?)/.exec(name)?.[0] ?? name
}

/** All blocks of a network, in its order. */
export function blocksOf(rows: readonly QuantizerRow[]): readonly string[] {
  return [...new Set(rows.map(({ name }) => blockOf(name)))]
}

/** Whether a user changed or froze a quantizer's bounds. */
export function isManual({ bounds }: QuantizerRow): boolean {
  return bounds !== null && (bounds.found !== null || bounds.frozen)
}

/** Quantizers that pass a filter, sorted. What is not known comes last, whichever way is sorted. */
export function listed(rows: readonly QuantizerRow[], filter: QuantizerFilter): readonly QuantizerRow[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  const kept = rows.filter(
    (row) =>
      (filter.kind === 'all' || row.kind === filter.kind) &&
      (filter.block === '' || blockOf(row.name) === filter.block) &&
      (!filter.onlyManual || isManual(row)) &&
      words.every((word) => row.name.toLowerCase().includes(word))
  )
  const { sort } = filter
  if (sort === 'order') return filter.isDescending ? kept.toReversed() : kept
  const sign = filter.isDescending ? -1 : 1
  const keyed = kept.map((row) => ({ row, key: keyOf(row, sort) }))
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null)
    return sign * (a.key < b.key ? -1 : Number(a.key > b.key))
  })
  return keyed.map(({ row }) => row)
}

function keyOf(row: QuantizerRow, sort: Exclude<SortKey, 'order'>): string | number | null {
  switch (sort) {
    case 'name':
    case 'kind':
    case 'bits':
    case 'min':
    case 'max':
    case 'shape':
      return row[sort]
    case 'lower':
    case 'upper':
    case 'sqnr':
      return row.bounds?.[sort] ?? null
    case 'kept':
      return keptShare(row)
  }
}
