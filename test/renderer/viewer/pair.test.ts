import { describe, expect, it } from 'vitest'
import { pairOf } from '../../../src/renderer/viewer/pair'
import { pane } from './panes'

const hr = pane('hr', 'hr', 4, 4)
const fp = pane('fp', 'fp', 4, 4)
const two = pane('two', 'variant', 4, 4)
const four = pane('four', 'variant', 4, 4)
const all = [hr, fp, two, four]

function ids(...args: Parameters<typeof pairOf>): readonly (string | undefined)[] {
  const pair = pairOf(...args)
  return [pair?.first.id, pair?.second.id]
}

describe('the two panes of modes of two', () => {
  it('are the reference and a variant where nothing was chosen', () => {
    expect(ids(all, null, null, hr)).toEqual(['hr', 'two'])
    expect(ids([hr, fp], null, null, hr)).toEqual(['hr', 'fp'])
  })

  it('are the last two that were chosen', () => {
    expect(ids(all, 'four', 'fp', hr)).toEqual(['fp', 'four'])
    expect(ids(all, 'fp', 'four', hr)).toEqual(['four', 'fp'])
  })

  it('are others where what was chosen is not shown, and never one twice where there are two', () => {
    expect(ids([hr, fp, two], 'four', 'fp', hr)).toEqual(['fp', 'two'])
    expect(ids(all, 'hr', 'hr', hr)).toEqual(['fp', 'hr'])
    expect(ids([two, four], 'two', null, hr)).toEqual(['four', 'two'])
  })

  it('are one pane twice where there is one, and none where there is none', () => {
    expect(ids([hr], null, null, hr)).toEqual(['hr', 'hr'])
    expect(pairOf([], null, null, null)).toBeNull()
  })
})
