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

/** The picture with every pixel repeated. */
export function repeated({ width, rgb, height }: Pixels, times: number): Pixels {
  const wide = width * times
  const all = Uint8Array.from({ length: wide * height * times * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3)
    const [x, y] = [Math.floor((pixel % wide) / times), Math.floor(pixel / wide / times)]
    return rgb[(y * width + x) * 3 + (i % 3)] ?? 0
  })
  return { width: wide, height: height * times, rgb: all }
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
  const isAt = ({ x, y }: Place): boolean => {
    if (x < 0 || y < 0 || x + piece.width > picture.width * zoom || y + piece.height > picture.height * zoom)
      return false
    for (let row = 0; row < piece.height; row++) {
      for (let column = 0; column < piece.width; column++) {
        const expected = colourAt(picture, Math.floor((x + column) / zoom), Math.floor((y + row) / zoom))
        if (colourAt(piece, column, row) !== expected) return false
      }
    }
    return true
  }
  const areas =
    area === undefined
      ? placesOf(picture, colourAt(piece, 0, 0)).map(({ x, y }) => ({
          x: x * zoom,
          y: y * zoom,
          width: zoom,
          height: zoom
        }))
      : [area]
  const found = areas.flatMap(placesIn).filter(isAt)
  return found.length === 1 ? (found[0] ?? null) : null
}

function placesIn({ x, y, width, height }: SearchedArea): readonly Place[] {
  return Array.from({ length: width * height }, (_, i) => ({ x: x + (i % width), y: y + Math.floor(i / width) }))
}

/** Where a picture has a colour. */
function placesOf(picture: Pixels, colour: number): readonly Place[] {
  const found: Place[] = []
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < picture.width; x++) if (colourAt(picture, x, y) === colour) found.push({ x, y })
  }
  return found
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

/** What is drawn on the stage from a place of the page on, in the canvas' own pixels; at a scale factor of 1. */
export async function drawnAt(page: Page, { x, y }: Place, width: number, height: number): Promise<Pixels> {
  // As text: a list of numbers takes far longer on its way.
  const text = await page.getByTestId('stage-canvas').evaluate(
    (element, { x, y, width, height }) => {
      const { left, top } = element.getBoundingClientRect()
      const context = (element as HTMLCanvasElement).getContext('2d')
      const rgba = context?.getImageData(x - left, y - top, width, height).data ?? []
      let text = ''
      for (let i = 0; i < rgba.length; i++) if (i % 4 < 3) text += String.fromCharCode(rgba[i] ?? 0)
      return text
    },
    { x, y, width, height }
  )
  return { width, height, rgb: Uint8Array.from(text, (letter) => letter.charCodeAt(0)) }
}

/** Left, top, width and height in CSS pixels of the page. */
export interface Box extends Place {
  readonly width: number
  readonly height: number
}

/** Where panes are shown on the page: below their heads, each in a frame of its own, or all in one below a strip of heads. */
export async function framesOf(page: Page): Promise<readonly Box[]> {
  return page.evaluate(() => {
    const heads = [...document.querySelectorAll('[data-testid=pane]')]
    const stage = document.querySelector('[data-testid=stage-canvas]')?.getBoundingClientRect()
    if (stage === undefined) return []
    const mode = document.querySelector('[role=toolbar] [aria-pressed=true]')?.textContent.trim() ?? ''
    const boxes = heads.map((head) => head.getBoundingClientRect())
    if (['Split', 'Flicker', 'Lens'].includes(mode)) {
      const top = Math.max(...boxes.map(({ bottom }) => bottom))
      return boxes.map(() => ({ x: stage.left, y: top, width: stage.width, height: stage.bottom - top }))
    }
    return boxes.map(({ left, bottom, width }) => {
      const below = boxes.filter((other) => other.left === left && other.top > bottom).map(({ top }) => top)
      return { x: left, y: bottom, width, height: Math.min(stage.bottom, ...below) - bottom }
    })
  })
}
