import type { Rectangle } from '../../contract/pixels'
import type { PyramidPicture } from './pyramid'
import type { Frame, Place, Placement } from './view'

/** A picture as it lies on the canvas. All places are in device pixels of the canvas. */
export interface Layer {
  readonly picture: PyramidPicture
  /** Keys of pictures of the same size that stand in for tiles that are not there yet. */
  readonly standIns: readonly string[]
  readonly placement: Placement
  /** The part of the canvas that it is seen in. */
  readonly clip: Frame
  /** Whether it is seen in the ellipse within `clip` alone, as through a lens. */
  readonly isRound: boolean
  /** Whether it stands in for another picture, and is to be told from it. */
  readonly isDimmed: boolean
}

export interface Outline {
  readonly frame: Frame
  readonly placement: Placement
  /** In pixels of the scene. */
  readonly rectangle: Rectangle
  readonly kind: 'region' | 'mark'
}

/** The pixel of the scene that is pointed at, where another frame has the pointer. */
export interface Crosshair {
  readonly frame: Frame
  readonly placement: Placement
  readonly pixel: Place
}

/** All that is seen on the canvas. */
export interface StageDrawing {
  readonly width: number
  readonly height: number
  readonly background: string
  /** Device pixels of a CSS pixel: how thick lines are. */
  readonly scale: number
  /** From the bottom to the top. */
  readonly layers: readonly Layer[]
  readonly isSmooth: boolean
  readonly hasPixelGrid: boolean
  /** Where two pictures meet. */
  readonly splitLine: Frame | null
  readonly outlines: readonly Outline[]
  readonly crosshairs: readonly Crosshair[]
}
