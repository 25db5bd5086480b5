import type { Pane } from './scene'
import { splitFrame, type StageState } from './stage-drawing'
import type { StageLayout } from './stage-layout'
import type { Frame } from './view'

/** What tells in a corner of a picture which version is seen there. */
export interface PaneLabel {
  readonly pane: Pane
  /** What it is the corner of. */
  readonly frame: Frame
  readonly corner: 'left-top' | 'right-top' | 'left-bottom'
  readonly isLens: boolean
}

/** Labels of versions that are seen in one place; where each has its own, its head tells. */
export function paneLabels(
  { frames, pair, isSingle }: StageLayout,
  { mode, split }: Pick<StageState, 'mode' | 'split'>
): readonly PaneLabel[] {
  const [shown] = frames
  if (!isSingle || shown === undefined || pair === null) return []
  const { frame, panes } = shown
  switch (mode) {
    case 'split': {
      const [one, other] = splitFrame(frame, split)
      const corner = split.orientation === 'vertical' ? 'right-top' : 'left-bottom'
      return [
        { pane: pair.first, frame: one, corner: 'left-top', isLens: false },
        { pane: pair.second, frame: other, corner, isLens: false }
      ]
    }
    case 'lens':
      return [
        { pane: pair.first, frame, corner: 'left-top', isLens: false },
        { pane: pair.second, frame, corner: 'right-top', isLens: true }
      ]
    case 'flicker':
    case 'grid':
    case 'difference':
    case 'blind':
      return panes.map((pane) => ({ pane, frame, corner: 'left-top', isLens: false }))
  }
}
