import type { Tile } from './tiles'

/** How pieces of a picture are cut that are enlarged one by one and stand side by side, none over another. */
export interface TileGrid {
  /** Pixels of a tile across; the last ones of a row or column have fewer. */
  readonly side: number
  readonly columns: number
  readonly rows: number
  /** What a tile covers. It must be one of the grid's. */
  tile(column: number, row: number): Tile
  /** What a network is shown of the picture to enlarge a tile: as much around it as it looks at, within the picture. */
  around(tile: Tile): Tile
}

/** What a network asks of the pieces it is shown. */
export interface GridRule {
  /** Pixels of a tile across at least. */
  readonly side: number
  /** Pixels around a tile that are shown as well. */
  readonly overlap: number
  /** What is shown begins, and but for the picture's border ends, at multiples of this, so that windows lie as in the whole. */
  readonly multiple: number
  /** The only size a network takes, or null. */
  readonly fixedSize: number | null
}

/** The grid of a picture. A picture no larger than a tile is one tile, shown whole. */
export function tileGrid(width: number, height: number, rule: GridRule): TileGrid {
  const { multiple, fixedSize } = rule
  const overlap = fixedSize === null ? rule.overlap : Math.min(rule.overlap, Math.floor(fixedSize / 4))
  const side = sideOf(width, height, overlap, rule)
  const [columns, rows] = [Math.ceil(width / side), Math.ceil(height / side)]

  /** Where what is shown begins and how long it is, along one side of the picture. */
  const shown = (from: number, length: number, total: number): readonly [start: number, length: number] => {
    if (fixedSize !== null) {
      return [Math.max(0, Math.min(from - overlap, total - fixedSize)), Math.min(fixedSize, total)]
    }
    const start = Math.max(0, Math.floor((from - overlap) / multiple) * multiple)
    return [start, Math.min(total, Math.ceil((from + length + overlap) / multiple) * multiple) - start]
  }

  return {
    side,
    columns,
    rows,
    tile: (column, row) => {
      if (column >= columns || row >= rows) {
        throw new RangeError(`Tile ${column}, ${row} is none of ${columns} × ${rows}`)
      }
      const [left, top] = [column * side, row * side]
      return { left, top, width: Math.min(side, width - left), height: Math.min(side, height - top) }
    },
    around: (tile) => {
      const [left, shownWidth] = shown(tile.left, tile.width, width)
      const [top, shownHeight] = shown(tile.top, tile.height, height)
      return { left, top, width: shownWidth, height: shownHeight }
    }
  }
}

/** What is shown of a network's only size without the overlap around it; all of it where the picture is of that size. */
function sideOf(width: number, height: number, overlap: number, { side, multiple, fixedSize }: GridRule): number {
  if (fixedSize === null) return Math.ceil(side / multiple) * multiple
  return width === fixedSize && height === fixedSize ? fixedSize : fixedSize - 2 * overlap
}
