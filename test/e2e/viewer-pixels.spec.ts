import { join } from 'node:path'
import type { Page } from '@playwright/test'
import sharp from 'sharp'
import { chooseNext, endStudio, expect, focusStage, startStudio, test } from './studio'

/** Rows of red, green and blue. */
interface Pixels {
  readonly width: number
  readonly height: number
  readonly rgb: Uint8Array
}

/** A picture of noise, in which every place is to be told from every other. */
async function noise(path: string, width: number, height: number, seed: number): Promise<Pixels> {
  let state = seed
  const rgb = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  })
  await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(path)
  return { width, height, rgb }
}

/** What is seen below the head of a pane, in device pixels of the screen, without what is at its border. */
async function seen(page: Page, pane: number): Promise<Pixels> {
  const [head, stage] = [
    await page.getByTestId('pane').nth(pane).boundingBox(),
    await page.getByTestId('stage-canvas').boundingBox()
  ]
  if (head === null || stage === null) throw new Error(`There is no pane ${pane}`)
  const factor = await page.evaluate(() => window.devicePixelRatio)
  const top = head.y + head.height
  const [left, right, bottom] = [head.x + 8, head.x + head.width - 8, Math.min(stage.y + stage.height, top + 300) - 8]
  const [x, y] = [Math.ceil(left * factor), Math.ceil((top + 8) * factor)]
  const size = { width: Math.floor(right * factor) - x, height: Math.floor(bottom * factor) - y }
  // The whole screen: a piece of it could begin within a device pixel.
  const { data, info } = await sharp(await page.screenshot({ scale: 'device' }))
    .extract({ left: x, top: y, ...size })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, rgb: new Uint8Array(data) }
}

interface Place {
  readonly x: number
  readonly y: number
}

/** The place in a picture, in device pixels at a zoom, where a piece of it was taken from; null where it is no piece of it. */
function placeOf(piece: Pixels, picture: Pixels, zoom: number): Place | null {
  const at = ({ rgb, width }: Pixels, x: number, y: number): number => {
    const i = (y * width + x) * 3
    return ((rgb[i] ?? 0) << 16) | ((rgb[i + 1] ?? 0) << 8) | (rgb[i + 2] ?? 0)
  }
  const isAt = (x: number, y: number): boolean => {
    for (let row = 0; row < piece.height; row++) {
      for (let column = 0; column < piece.width; column++) {
        const expected = at(picture, Math.floor((x + column) / zoom), Math.floor((y + row) / zoom))
        if (at(piece, column, row) !== expected) return false
      }
    }
    return true
  }
  for (let y = 0; y <= picture.height * zoom - piece.height; y++) {
    for (let x = 0; x <= picture.width * zoom - piece.width; x++) {
      // Most places are ruled out by their first pixel.
      if (at(piece, 0, 0) === at(picture, Math.floor(x / zoom), Math.floor(y / zoom)) && isAt(x, y)) return { x, y }
    }
  }
  return null
}

/** The absolute difference of red, four times as bright, as grey. */
function differenceOfRed(a: Pixels, b: Pixels): Pixels {
  const rgb = Uint8Array.from(a.rgb, (_, i) => {
    const red = i - (i % 3)
    return Math.min(255, 4 * Math.abs((a.rgb[red] ?? 0) - (b.rgb[red] ?? 0)))
  })
  return { ...a, rgb }
}

/** The picture with every pixel repeated. */
function repeated({ width, rgb, height }: Pixels, times: number): Pixels {
  const wide = width * times
  const all = Uint8Array.from({ length: wide * height * times * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3)
    const [x, y] = [Math.floor((pixel % wide) / times), Math.floor(pixel / wide / times)]
    return rgb[(y * width + x) * 3 + (i % 3)] ?? 0
  })
  return { width: wide, height: height * times, rgb: all }
}

/** Where heads of panes begin within a device pixel, what is seen below them is one more or less. */
function expectSamePlace(place: Place, first: Place): void {
  expect(Math.abs(place.x - first.x)).toBeLessThanOrEqual(1)
  expect(Math.abs(place.y - first.y)).toBeLessThanOrEqual(1)
}

for (const factor of [1, 1.5, 2]) {
  test(`pixels and differences are exact at a scale factor of ${factor}`, async ({ data }) => {
    const studio = await startStudio({ data, args: [`--force-device-scale-factor=${factor}`] })
    const { app, page } = studio
    const paths = ['large', 'other', 'small'].map((name) => join(data, `${name}.png`))
    const [largePath = '', otherPath = '', smallPath = ''] = paths
    const large = await noise(largePath, 1200, 1600, 1)
    const other = await noise(otherPath, 1200, 1600, 2)
    const small = repeated(await noise(smallPath, 300, 400, 3), 4)
    await page.getByRole('link', { name: 'Compare' }).click()
    await chooseNext(app, ...paths)
    await page.getByRole('button', { name: 'Open pictures …' }).first().click()
    await expect(page.getByTestId('pane')).toHaveCount(3)
    await focusStage(page)
    // No lines between pixels; these are large.
    await page.keyboard.press('x')

    const expectPlaces = async (pictures: readonly Pixels[], zoom: number): Promise<void> => {
      const first = await expectPlace(0, pictures[0] ?? large, zoom)
      for (const [pane, picture] of pictures.entries()) {
        if (pane > 0) expectSamePlace(await expectPlace(pane, picture, zoom), first)
      }
    }
    const expectPlace = async (pane: number, picture: Pixels, zoom: number): Promise<Place> => {
      let place: Place | null = null
      // Tiles come one after the other.
      await expect
        .poll(async () => (place = placeOf(await seen(page, pane), picture, zoom)), { timeout: 20_000 })
        .not.toBeNull()
      if (place === null) throw new Error(`Pane ${pane} shows something else`)
      return place
    }
    const zooms = [
      { zoom: 1, keys: ['z'] },
      { zoom: 3, keys: ['+', '+'] },
      { zoom: 8, keys: ['+', '+', '+', '+'] }
    ]
    for (const { zoom, keys } of zooms) {
      for (const key of keys) await page.keyboard.press(key)
      await expectPlaces([large, other, small], zoom)
    }
    await page.keyboard.press('d')
    await page.getByRole('combobox', { name: 'Channel' }).click()
    await page.getByRole('option', { name: 'red' }).click()
    await page.getByRole('combobox', { name: 'Colour map' }).click()
    await page.getByRole('option', { name: 'grey' }).click()
    await focusStage(page)
    for (const { zoom, keys } of zooms) {
      for (const key of keys) await page.keyboard.press(key)
      await expectPlaces([large, differenceOfRed(other, large), differenceOfRed(small, large)], zoom)
    }
    await endStudio(studio)
  })
}
