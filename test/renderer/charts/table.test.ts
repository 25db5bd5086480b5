import { describe, expect, test } from 'vitest'
import { csvOf, tableOf } from '../../../src/renderer/charts/table'
import { histogram, lines, words } from './plots'

describe('tableOf', () => {
  test('puts curves beside each other by their x', () => {
    const table = tableOf(lines, words)
    expect(table.columns).toEqual(['iteration', 'first', 'first, least', 'first, greatest', 'second'])
    expect(table.rows).toEqual([
      [1, 4, 3, 5, null],
      [2, 2, 1, 3, 7],
      [3, 1, 1, 2, null],
      [4, null, null, null, 8]
    ])
  })

  test('lists bins with their edges', () => {
    expect(tableOf(histogram, words)).toEqual({
      columns: ['value, from', 'value, to', 'share'],
      rows: [
        [-2, -1, 0.1],
        [-1, 0, 0.4],
        [0, 1, 0.4],
        [1, 2, 0.1]
      ]
    })
  })
})

test('csvOf quotes commas, quotes and line breaks, and leaves missing values empty', () => {
  const table = { columns: ['a', 'b, c', 'd'], rows: [[1.5, 'say "x"', null], [-2e-7, 'two\nlines', 'plain']] } // prettier-ignore
  expect(csvOf(table)).toBe('a,"b, c",d\r\n1.5,"say ""x""",\r\n-2e-7,"two\nlines",plain\r\n')
})
