import { expect, test } from 'vitest'
import { unlessSame } from '../../../src/renderer/charts/same-series'

const points = [[1, 2]] as const
const before = [{ name: 'a', points }]

test('curves that are told anew and are the same are those from before', () => {
  expect(unlessSame(before, [{ name: 'a', points }])).toBe(before)
})

test('curves that go on, have another name, or are more or fewer are taken', () => {
  for (const now of [
    [{ name: 'a', points: [...points] }],
    [{ name: 'b', points }],
    [...before, { name: 'b', points }],
    []
  ]) {
    expect(unlessSame(before, now)).toBe(now)
  }
  expect(unlessSame(undefined, before)).toBe(before)
})
