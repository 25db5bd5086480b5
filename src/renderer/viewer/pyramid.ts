import { pixelTileSide, type Difference, type PixelSource, type Rectangle } from '../../contract/pixels'
import { levelSize as sideOfLevel } from '../../core/imaging/pyramid'
import type { Frame, Placement, Size } from './view'

/** A picture, or the difference of one to another, as it comes: in levels of half the size each, in tiles. */
export interface PyramidPicture extends Size {
  /** Tells pictures apart. */
  readonly key: string
  readonly source: PixelSource
  readonly difference: Difference | null
  /** Pixels of the scene that one of its pixels takes. */
  readonly factor: number
}

export interface TilePlace {
  readonly level: number
  readonly column: number
  readonly row: number
}

/** A rectangle of pixels of a level, `right` and `bottom` not within. */
export interface Extent {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

const lastLevel = 16

/** @param stamps of the files it is made of: those of files that were replaced make it another picture */
export function makePicture(
  source: PixelSource,
  difference: Difference | null,
  size: Size,
  scene: Size,
  stamps: readonly (string | undefined)[] = []
): PyramidPicture {
  return {
    key: JSON.stringify([source, difference, ...stamps]),
    source,
    difference,
    width: size.width,
    height: size.height,
    factor: scene.width / size.width
  }
}

/**
 * The level that is drawn where a pixel of the picture takes so many device pixels: the coarsest whose pixels take no more than
 * one, so that nothing that could be seen is left out.
 */
export function levelFor(pixelZoom: number): number {
  return pixelZoom >= 1 ? 0 : Math.min(lastLevel, Math.floor(-Math.log2(pixelZoom) + 1e-9))
}

export function levelSize({ width, height }: Size, level: number): Size {
  return { width: sideOfLevel(width, level), height: sideOfLevel(height, level) }
}

/** The first level that is a single tile. */
export function overviewLevel({ width, height }: Size): number {
  return Math.min(lastLevel, Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / pixelTileSide))))
}

/** How a picture is drawn in a frame: by which level, and how many device pixels one of the level's pixels takes. */
export function levelIn(
  picture: PyramidPicture,
  placement: Placement
): { readonly level: number; readonly step: number } {
  const pixelZoom = placement.zoom * picture.factor
  const level = levelFor(pixelZoom)
  return { level, step: pixelZoom * 2 ** level }
}

/** The pixels of a level that are seen in a frame, and so many around it; null where none is. */
export function extentIn(
  picture: PyramidPicture,
  { level, step }: { readonly level: number; readonly step: number },
  placement: Placement,
  frame: Frame,
  margin = 0
): Extent | null {
  const { width, height } = levelSize(picture, level)
  const extent = {
    left: Math.max(0, Math.floor((frame.left - placement.left) / step) - margin),
    top: Math.max(0, Math.floor((frame.top - placement.top) / step) - margin),
    right: Math.min(width, Math.ceil((frame.left + frame.width - placement.left) / step) + margin),
    bottom: Math.min(height, Math.ceil((frame.top + frame.height - placement.top) / step) + margin)
  }
  return extent.left < extent.right && extent.top < extent.bottom ? extent : null
}

/** The tiles that an extent lies in, row by row. */
export function tilesIn(level: number, { left, top, right, bottom }: Extent): readonly TilePlace[] {
  const places: TilePlace[] = []
  for (let row = Math.floor(top / pixelTileSide); row * pixelTileSide < bottom; row++) {
    for (let column = Math.floor(left / pixelTileSide); column * pixelTileSide < right; column++) {
      places.push({ level, column, row })
    }
  }
  return places
}

/** Tiles from the middle of an extent outward. */
export function fromTheMiddle(level: number, extent: Extent): readonly TilePlace[] {
  const x = (extent.left + extent.right) / 2 / pixelTileSide - 0.5
  const y = (extent.top + extent.bottom) / 2 / pixelTileSide - 0.5
  const distance = ({ column, row }: TilePlace): number => (column - x) ** 2 + (row - y) ** 2
  return tilesIn(level, extent).toSorted((a, b) => distance(a) - distance(b))
}

/** The pixels of a picture of level 0 that a tile is made of. */
export function pixelsUnder(picture: Size, { level, column, row }: TilePlace): Rectangle {
  const side = pixelTileSide * 2 ** level
  const left = column * side
  const top = row * side
  return {
    left,
    top,
    width: Math.max(1, Math.min(picture.width, left + side) - left),
    height: Math.max(1, Math.min(picture.height, top + side) - top)
  }
}
