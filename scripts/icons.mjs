// Renders the app's icon from resources/icon.svg: `node scripts/icons.mjs` writes resources/icon.png, from which
// electron-builder makes the icons of Windows and macOS. Linux takes a picture per size, made when it is packaged.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { isStarted } from './is-started.mjs'

const resources = fileURLToPath(new URL('../resources', import.meta.url))

async function render(size, file) {
  // Drawn at the size wanted, so that edges stay sharp: at 72 dots per inch a unit of the drawing is a pixel.
  const drawing = sharp(join(resources, 'icon.svg'), { density: (72 * size) / 1024 })
  await drawing.resize(size, size).png({ compressionLevel: 9, palette: true }).toFile(file)
}

/** Writes SIZExSIZE.png for all sizes that Linux desktops look for. */
export async function renderIconSet(folder) {
  mkdirSync(folder, { recursive: true })
  for (const size of [16, 24, 32, 48, 64, 128, 256, 512]) await render(size, join(folder, `${size}x${size}.png`))
}

if (isStarted(import.meta.url)) await render(1024, join(resources, 'icon.png'))
