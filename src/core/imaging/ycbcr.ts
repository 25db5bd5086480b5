import type { Image } from './image'

/**
 * Y of ITU-R BT.601 in studio range, 16 to 235, unrounded, from samples 0 to 255; what the literature measures PSNR and
 * SSIM on. Grey pictures count as RGB with equal channels.
 *
 *     Y = (65.481 R + 128.553 G + 24.966 B) / 255 + 16
 *
 * @returns height × width values
 */
export function studioLuma({ width, height, channels, data }: Image): Float64Array {
  const plane = width * height
  const [green, blue] = channels === 3 ? [plane, 2 * plane] : [0, 0]
  const y = new Float64Array(plane)
  for (let i = 0; i < plane; i++) {
    y[i] = (65.481 * (data[i] ?? 0) + 128.553 * (data[green + i] ?? 0) + 24.966 * (data[blue + i] ?? 0)) / 255 + 16
  }
  return y
}

/** Luma over the full range 0 to 255: 0.299 R + 0.587 G + 0.114 B (BT.601). */
function luma(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue
}

/** One channel: BT.601 luma over the full range 0 to 255; grey pictures as they are. */
export function toGrey(image: Image): Image {
  if (image.channels === 1) return image
  const plane = image.width * image.height
  const data = new Float32Array(plane)
  for (let i = 0; i < plane; i++) {
    data[i] = luma(image.data[i] ?? 0, image.data[plane + i] ?? 0, image.data[2 * plane + i] ?? 0)
  }
  return { ...image, channels: 1, data }
}
