import { describe, expect, it } from 'vitest'
import { maskedPanes } from '../../../src/renderer/viewer/masked'
import type { Pane } from '../../../src/renderer/viewer/scene'

const fp: Pane = {
  id: 'fp 32',
  kind: 'fp',
  title: 'FP',
  source: { kind: 'file', path: '/runs/one/images/1/fp.png' },
  width: 400,
  height: 200,
  psnr: 34,
  ssim: 0.95,
  output: null
}
const output = { columns: 2, rows: 1, side: 200, done: new Set(['0-0', '1-0']), failure: null }
const variant: Pane = { ...fp, id: '2dquant 4', kind: 'variant', title: '2DQuant · 4 bits', psnr: 33, output }

/** All that a pane tells but for where its pixels come from. */
const told = (pane: Pane): object => ({ ...pane, source: null })

describe('versions of a blind test', () => {
  it('tell nothing but their place', () => {
    const masked = maskedPanes([fp, variant], ['Left', 'Right'])
    const swapped = maskedPanes([variant, fp], ['Left', 'Right'])
    expect(masked.map(told)).toEqual(swapped.map(told))
    expect(masked.map(({ source }) => source)).toEqual([fp.source, variant.source])
    expect(JSON.stringify(masked.map(told))).not.toMatch(/fp|2dquant|34|33/i)
  })

  it('are as far as the one that is less far', () => {
    const behind = { ...fp, output: { ...output, done: new Set(['1-0']), failure: 'no' } }
    for (const { output: shown } of maskedPanes([variant, behind], ['Left', 'Right'])) {
      expect(shown?.done).toEqual(new Set(['1-0']))
      expect(shown?.failure).toBe('no')
    }
  })
})
