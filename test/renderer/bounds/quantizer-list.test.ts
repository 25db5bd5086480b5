import { describe, expect, it } from 'vitest'
import type { QuantizerRow } from '../../../src/contract/events'
import { blockOf, blocksOf, listed, usualFilter } from '../../../src/renderer/bounds/quantizer-list'

function row(name: string, sqnr: number | null | undefined, parts: Partial<QuantizerRow> = {}): QuantizerRow {
  const bounds = { lower: -1, upper: 1, belowLower: 0.01, belowUpper: 0.9, error: 0.1, found: null, frozen: false }
  return {
    name,
    kind: name.endsWith('weight') ? 'weight' : 'activation',
    bits: 4,
    min: -2,
    max: 2,
    shape: 'two-sided',
    bounds: sqnr === undefined ? null : { ...bounds, sqnr },
    ...parts
  }
}

const rows = [
  row('conv_first.weight', 20),
  row('layers.0.residual_group.blocks.0.attn.qkv.weight', 12),
  row('layers.0.residual_group.blocks.0.attn.qkv.input', null),
  row('layers.0.residual_group.blocks.1.mlp.fc1.input', undefined),
  row('layers.0.conv.input', 5)
]
const names = (found: readonly QuantizerRow[]): readonly number[] => found.map((each) => rows.indexOf(each))

describe('the list of quantizers', () => {
  it('is in the order of the network', () => {
    expect(names(listed(rows, usualFilter))).toEqual([0, 1, 2, 3, 4])
    expect(names(listed(rows, { ...usualFilter, isDescending: true }))).toEqual([4, 3, 2, 1, 0])
  })

  it('begins with the worst, and ends with what is not known, both ways', () => {
    expect(names(listed(rows, { ...usualFilter, sort: 'sqnr' }))).toEqual([4, 1, 0, 2, 3])
    expect(names(listed(rows, { ...usualFilter, sort: 'sqnr', isDescending: true }))).toEqual([0, 1, 4, 2, 3])
  })

  it('is filtered by all words, kind and block at once', () => {
    expect(names(listed(rows, { ...usualFilter, text: 'QKV input' }))).toEqual([2])
    expect(names(listed(rows, { ...usualFilter, kind: 'weight' }))).toEqual([0, 1])
    const block = 'layers.0.residual_group.blocks.0'
    expect(names(listed(rows, { ...usualFilter, block }))).toEqual([1, 2])
    expect(names(listed(rows, { ...usualFilter, block, kind: 'activation' }))).toEqual([2])
  })

  it('shows what was changed or frozen by hand', () => {
    const bounds = rows[0]?.bounds
    if (!bounds) throw new Error('there are no bounds')
    const changed = row('a', 1, { bounds: { ...bounds, found: { lower: -2, upper: 2 } } })
    const frozen = row('b', 1, { bounds: { ...bounds, frozen: true } })
    expect(listed([...rows, changed, frozen], { ...usualFilter, onlyManual: true })).toEqual([changed, frozen])
  })

  it('names blocks, and by their first words what is in none', () => {
    expect(blockOf('layers.0.residual_group.blocks.10.attn.qkv.weight')).toBe('layers.0.residual_group.blocks.10')
    expect(blockOf('layers.3.conv.weight')).toBe('layers.3')
    expect(blockOf('conv_first.weight')).toBe('conv_first')
    expect(blocksOf(rows)).toEqual([
      'conv_first',
      'layers.0.residual_group.blocks.0',
      'layers.0.residual_group.blocks.1',
      'layers.0'
    ])
  })
})
