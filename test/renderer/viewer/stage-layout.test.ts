import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layOutStage } from '../../../src/renderer/viewer/stage-layout'
import { pane, sceneOf } from './panes'

const sizes = fc.record({ width: fc.integer({ min: 400, max: 3000 }), height: fc.integer({ min: 300, max: 2000 }) })
const chosen = { active: null, previous: null, orientation: 'vertical', isFlickered: false, headsHeight: 28 } as const

describe('the layout of a stage', () => {
  it('has the two versions of a blind test side by side, whatever their shape', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.constantFrom(1, 1.5, 2), (picture, stage, scale) => {
        const panes = ['blind 1', 'blind 2'].map((id) => pane(id, 'file', picture.width, picture.height))
        const shown = { scene: sceneOf(...panes), panes, reference: null, mode: 'blind', ...chosen } as const
        const [left, right] = layOutStage(shown, stage, scale).frames
        expect([left?.panes[0]?.id, right?.panes[0]?.id]).toEqual(['blind 1', 'blind 2'])
        expect(left?.frame.top).toBe(right?.frame.top)
        expect((left?.frame.left ?? 0) + (left?.frame.width ?? 0)).toBeLessThanOrEqual(right?.frame.left ?? 0)
      })
    )
  })

  it('leaves room for as many rows of heads as there are above a single frame', () => {
    const panes = ['hr', 'fp'].map((id) => pane(id, 'file', 800, 600))
    const shown = { scene: sceneOf(...panes), panes, reference: null, mode: 'flicker', ...chosen } as const
    const [frame] = layOutStage({ ...shown, headsHeight: 57 }, { width: 900, height: 700 }, 1.5).frames
    expect(frame?.frame).toEqual({ left: 0, top: 86, width: 900, height: 614 })
  })

  it('has no frames where nothing is shown', () => {
    const scene = sceneOf(pane('hr', 'hr', 800, 600))
    for (const mode of ['grid', 'split', 'blind'] as const) {
      const shown = { scene, panes: [], reference: null, mode, ...chosen }
      expect(layOutStage(shown, { width: 900, height: 700 }, 1).frames).toEqual([])
    }
  })
})
