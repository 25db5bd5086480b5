import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pixels, PixelSource, Rectangle } from '../../contract/pixels'
import { StudioError } from '../errors'
import type { LevelCache } from './level-cache'
import { nothingOf, pieceOfTiles, type Picture } from './picture'
import type { PictureFiles } from './picture-files'
import { TiledPicture } from './tiled-picture'

export type TilesSource = Extract<PixelSource, { readonly kind: 'tiles' }>

/** The output of a network as far as its tiles are there now. */
export async function openOutput(source: TilesSource, files: PictureFiles, cache: LevelCache): Promise<Picture> {
  const { folder, width, height, side } = source
  const names = await namesIn(folder)
  const tile = async (column: number, row: number, signal: AbortSignal): Promise<Pixels> => {
    const size = { width: Math.min(side, width - column * side), height: Math.min(side, height - row * side) }
    const name = nameOf(column, row)
    if (!names.has(name)) return nothingOf(size.width, size.height)
    const path = join(folder, name)
    const { picture } = await files.open(path)
    if (picture.width !== size.width || picture.height !== size.height) {
      const wanted = `${size.width}×${size.height}`
      const what = `"${path}" has ${picture.width}×${picture.height} pixels, and should have ${wanted}`
      throw new StudioError('unreadable', `${what}; delete it, and it is made anew.`)
    }
    return picture.piece(0, { left: 0, top: 0, ...size }, signal)
  }
  const base = {
    width,
    height,
    key: `tiles ${side} ${width} ${height} ${folder}`,
    read: (part: Rectangle, signal: AbortSignal) =>
      pieceOfTiles(part, side, (column, row) => tile(column, row, signal), signal),
    hasAnyOf: ({ left, top, width: across, height: down }: Rectangle) => {
      for (let row = Math.floor(top / side); row * side < top + down; row++) {
        for (let column = Math.floor(left / side); column * side < left + across; column++) {
          if (names.has(nameOf(column, row))) return true
        }
      }
      return false
    }
  }
  return new TiledPicture(base, cache)
}

function nameOf(column: number, row: number): string {
  return `${column}-${row}.png`
}

/** The folder is made with the first tile. */
async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(folder))
  } catch {
    return new Set()
  }
}
