import { describe, expect, it } from 'vitest'
import { paneLabels } from '../../../src/renderer/viewer/pane-labels'
import { layOutStage } from '../../../src/renderer/viewer/stage-layout'
import type { ViewerMode } from '../../../src/renderer/stores/viewer'
import { pane, sceneOf } from './panes'

const hr = pane('hr', 'hr', 800, 600)
const fp = pane('fp', 'fp', 800, 600)
const two = pane('two', 'variant', 800, 600)
const scene = sceneOf(hr, fp, two)

function labels(mode: ViewerMode, position = 0.25, orientation: 'vertical' | 'horizontal' = 'vertical') {
  const chosen = { active: 'two', previous: 'fp', isFlickered: false, headsHeight: 57, orientation }
  const layout = layOutStage(
    { scene, panes: scene.panes, reference: hr, mode, ...chosen },
    { width: 1000, height: 781 },
    1
  )
  return paneLabels(layout, { mode, split: { orientation, position } }).map((label) => ({
    ...label,
    pane: label.pane.id
  }))
}

describe('labels in the corners of a picture', () => {
  it('lie on the side of the split where their version is seen, below the heads', () => {
    expect(labels('split')).toEqual([
      { pane: 'fp', frame: { left: 0, top: 57, width: 250, height: 700 }, corner: 'left-top', isLens: false },
      { pane: 'two', frame: { left: 250, top: 57, width: 750, height: 700 }, corner: 'right-top', isLens: false }
    ])
    expect(labels('split', 0.5, 'horizontal').map(({ corner, frame }) => [corner, frame.top, frame.height])).toEqual([
      ['left-top', 57, 362],
      ['left-bottom', 419, 362]
    ])
  })

  it('tell what is in the lens, and what stands while pictures flicker', () => {
    expect(labels('lens').map((label) => [label.pane, label.corner, label.isLens])).toEqual([
      ['fp', 'left-top', false],
      ['two', 'right-top', true]
    ])
    expect(labels('flicker').map((label) => label.pane)).toEqual(['two'])
  })

  it('are none where every version has its own head', () => {
    for (const mode of ['grid', 'difference', 'blind'] as const) expect(labels(mode)).toEqual([])
  })
})
