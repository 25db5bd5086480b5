import type { ViewerMode } from '../stores/viewer'
import { layOutFrames } from './frames'
import { pairOf, type Pair } from './pair'
import type { Pane, Scene } from './scene'
import type { Frame, Size } from './view'

/** A frame, and which panes it shows: one, or two in modes that have both in one place. */
export interface ShownFrame {
  readonly frame: Frame
  readonly panes: readonly Pane[]
}

export interface StageLayout {
  readonly frames: readonly ShownFrame[]
  /** The two panes of modes of two. */
  readonly pair: Pair | null
  /** Whether all panes have their heads in a row above a single frame. */
  readonly isSingle: boolean
}

/** CSS pixels of a pane's head, between frames, and of the slider's strip. */
export const headHeight = 28
const gap = 4
export const sliderStrip = 24

export interface LaidOut {
  readonly scene: Scene
  readonly panes: readonly Pane[]
  readonly reference: Pane | null
  readonly mode: ViewerMode
  readonly active: string | null
  readonly previous: string | null
  readonly orientation: 'vertical' | 'horizontal'
  /** Whether flicker stands at the first of its two panes. */
  readonly isFlickered: boolean
  /** CSS pixels of the strip with the heads of all panes, above a single frame. */
  readonly headsHeight: number
}

/** Where panes are shown on a stage of so many device pixels. */
export function layOutStage(shown: LaidOut, stage: Size, scale: number): StageLayout {
  const { scene, panes, mode } = shown
  const pair = pairOf(panes, shown.active, shown.previous, shown.reference)
  if (pair === null) return { frames: [], pair, isSingle: false }
  const single = (shownPanes: readonly Pane[], room: Size = stage): StageLayout => ({
    frames: layOutFrames(1, scene, room, { gap: 0, head: Math.round(shown.headsHeight * scale) }).map((frame) => ({
      frame,
      panes: shownPanes
    })),
    pair,
    isSingle: true
  })
  const strip = Math.round(sliderStrip * scale)
  switch (mode) {
    case 'grid':
    case 'difference':
    case 'blind': {
      const spacing = { gap: Math.round(gap * scale), head: Math.round(headHeight * scale) }
      // Which of two is better is asked by left and right.
      const isBeside = mode === 'blind' && panes.length === 2
      const frames = layOutFrames(panes.length, scene, stage, isBeside ? { ...spacing, columns: 2 } : spacing)
      return {
        frames: frames.flatMap((frame, i) => {
          const pane = panes[i]
          return pane === undefined ? [] : [{ frame, panes: [pane] }]
        }),
        pair,
        isSingle: false
      }
    }
    case 'split':
      return single(
        [pair.first, pair.second],
        shown.orientation === 'vertical'
          ? { width: stage.width, height: stage.height - strip }
          : { width: stage.width - strip, height: stage.height }
      )
    case 'flicker':
      return single([shown.isFlickered ? pair.first : pair.second])
    case 'lens':
      return single([pair.first, pair.second])
  }
}
