import type { Page } from '@playwright/test'
import sharp from 'sharp'

/** Rows of red, green and blue. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

export interface Place {
  readonly x: number
  readonly y: number
}

/** A picture of noise, in which every place is to be told from every other, as a file. */
export async function noise(path: string, width: number, height: number, seed: number): Promise<Pixels> {
  let state = seed
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
  // Noise cannot be made smaller.
  await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 0 })
    .toFile(path)
  return { width, height, rgb }
}

/** Red, green and blue of a pixel as one number. */
export function colourAt({ rgb, width }: Pixels, x: number, y: number): number {
  const i = (y * width + x) * 3
  return ((rgb[i] ?? 0) << 16) | ((rgb[i + 1] ?? 0) << 8) | (rgb[i + 2] ?? 0)
}

/** A part of a picture. */
export function partOf(picture: Pixels, { x, y }: Place, width: number, height: number): Pixels {
  const rows = Array.from({ length: height }, (_, row) => {
    const begin = ((y + row) * picture.width + x) * 3
    return [...picture.rgb.subarray(begin, begin + 3 * width)]
  })
  return { width, height, rgb: Uint8Array.from(rows.flat()) }
}

/** Where a search looks: from this place on, so far to the right and below. */
export interface SearchedArea extends Place {
  readonly width: number
  readonly height: number
}

/**
 * The place in a picture, in device pixels at a zoom, where a piece of it was taken from, each pixel repeated; null where it is
 * no piece of it, or another place would do as well. Without an area, all of the picture is searched.
 */
export function placeOf(piece: Pixels, picture: Pixels, zoom: number, area?: SearchedArea): Place | null {
  const [lastX, lastY] = [picture.width * zoom - piece.width, picture.height * zoom - piece.height]
  const { x: left, y: top, width, height } = area ?? { x: 0, y: 0, width: lastX + 1, height: lastY + 1 }
  const isAt = (x: number, y: number): boolean => {
    for (let row = 0; row < piece.height; row++) {
      for (let column = 0; column < piece.width; column++) {
        const expected = colourAt(picture, Math.floor((x + column) / zoom), Math.floor((y + row) / zoom))
        if (colourAt(piece, column, row) !== expected) return false
      }
    }
    return true
  }
  const found: Place[] = []
  for (let y = Math.max(0, top); y <= Math.min(lastY, top + height - 1); y++) {
    for (let x = Math.max(0, left); x <= Math.min(lastX, left + width - 1); x++) {
      if (isAt(x, y)) found.push({ x, y })
    }
  }
  return found.length === 1 ? (found[0] ?? null) : null
}

/** Waits until all that the stage is to show is drawn. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frame = (): Promise<number> => new Promise(requestAnimationFrame)
    // What was just asked for has not been drawn before the next frame.
    await frame()
    await frame()
    while (document.querySelector<HTMLElement>('[data-testid=stage]')?.dataset['settled'] !== 'true') await frame()
    await frame()
  })
}
