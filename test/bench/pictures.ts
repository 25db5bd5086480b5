import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { pixelTileSide } from '../../src/contract/pixels'
import { levelSize } from '../../src/core/imaging/pyramid'
import { openPictures } from '../../src/engine/pixels/service'
import { compare, type Figure } from './figure'
import { writePhotograph } from './photograph'

const side = 8000

/** The level that shows all of it in a window of 1,280 × 800. */
const fitLevel = 3

/** How long until a large picture is seen whole, as a multiple of what decoding it takes. */
export async function pictureBenchmarks(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), '2dquant-pictures-'))
  const path = join(folder, 'large.png')
  try {
    await writePhotograph(path, side, side)
    const seconds = await compare({ decode: () => sharp(path).raw().toBuffer(), shown: () => firstTiles(path) }, 3)
    return [
      { name: `decoding a PNG of ${side}×${side}, s`, value: seconds.decode },
      { name: 'first pixels of it ÷ decoding', value: seconds.shown / seconds.decode, atMost: 1.5 }
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** All tiles of a picture that nothing is known of yet, as the window asks for them. */
async function firstTiles(path: string): Promise<void> {
  const pictures = openPictures()
  const source = { kind: 'file', path }
  const context = { signal: new AbortController().signal }
  await pictures.call('pictures.open', { source }, context)
  const count = Math.ceil(levelSize(side, fitLevel) / pixelTileSide)
  const tiles = Array.from({ length: count * count }, (_, i) => {
    const place = { level: fitLevel, column: i % count, row: Math.floor(i / count) }
    return pictures.call('pictures.tile', { source, difference: null, ...place }, context)
  })
  await Promise.all(tiles)
}
