import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeImage, type Image } from '../src/core/imaging/image'
import { writeImage } from '../src/formats/image-files'

/** A picture with edges and gradients in every direction, integer samples from 0 to 255. */
export function testPicture(width: number, height: number, phase = 0): Image {
  return makeImage(width, height, 3, (channel, y, x) => {
    const wave = 80 * Math.sin((x + phase) / (3 + channel)) * Math.cos(y / 5) + 40 * Math.sin((x + y) / 17)
    const edge = (x + 2 * y + phase) % 23 < 6 ? 50 : 0
    return Math.round(Math.min(Math.max(110 + wave + edge, 0), 255))
  })
}

/** Writes a test picture, with the folders it lies in. */
export async function writeTestPicture(path: string, width: number, height: number, phase = 0): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  await writeImage(path, testPicture(width, height, phase))
}
