import type { PixelSource, Rectangle } from '../../contract/pixels'

export type PaneKind = 'hr' | 'lr' | 'bicubic' | 'fp' | 'variant' | 'file'

/** One version of a picture. */
export interface Pane {
  /** Tells versions apart and is the same for every picture of a run: `hr`, `fp 32`, `2dquant 4`; a file's path. */
  readonly id: string
  readonly kind: PaneKind
  readonly title: string
  readonly source: PixelSource
  /** In its own pixels. */
  readonly width: number
  readonly height: number
  /** Against the high-resolution picture, where that was measured. */
  readonly psnr: number | null
  readonly ssim: number | null
  /** Another text once its file was replaced since it was seen first; absent while it was not. */
  readonly stamp?: string
  /** Tiles of an output that a network makes on demand; null where all is there from the beginning. */
  readonly output: PaneOutput | null
}

/** An output that comes tile by tile. */
export interface PaneOutput {
  readonly columns: number
  readonly rows: number
  /** Side of a tile in the pane's pixels; the last ones have less. */
  readonly side: number
  /** Places of tiles that are there, as `column-row`. */
  readonly done: ReadonlySet<string>
  /** Why no more will come; null while they can. */
  readonly failure: string | null
}

/** A picture in all its versions. Places are given in pixels of the largest. */
export interface Scene {
  readonly id: string
  readonly title: string
  readonly width: number
  readonly height: number
  readonly panes: readonly Pane[]
}

/** What of a region lies in a scene: it is kept from picture to picture, and they have different sizes. Null where nothing does. */
export function regionIn(
  { width, height }: Pick<Scene, 'width' | 'height'>,
  region: Rectangle | null
): Rectangle | null {
  if (region === null || region.left >= width || region.top >= height) return null
  const { left, top } = region
  return { left, top, width: Math.min(region.width, width - left), height: Math.min(region.height, height - top) }
}
