import { join } from 'node:path'
import type { Page } from '@playwright/test'
import sharp from 'sharp'
import { noise, partOf, placeOf, repeated, settle, type Pixels, type Place } from './stage-pixels'
import { chooseNext, endStudio, expect, focusStage, startStudio, test } from './studio'

/** CSS pixels of a pane that are looked at. They lie around its middle, where tiles of the pictures meet. */
const side = 64

/** What of a pane is looked at: where it lies from the middle of the frame, in device pixels of the screen. */
interface Seen {
  readonly offset: Place
  readonly pixels: Pixels
}

/** The screen's pixels around the middle of every pane. */
async function seen(page: Page, count: number): Promise<readonly Seen[]> {
  const factor = await page.evaluate(() => window.devicePixelRatio)
  const stage = await page.getByTestId('stage-canvas').boundingBox()
  const heads = await Promise.all(
    Array.from({ length: count }, (_, i) => page.getByTestId('pane').nth(i).boundingBox())
  )
  const [first] = heads
  if (stage === null || first === undefined || first === null) throw new Error('Nothing is shown')
  // The whole screen: a piece of it could begin within a device pixel.
  const { data, info } = await sharp(await page.screenshot({ scale: 'device' }))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const screen = { width: info.width, height: info.height, rgb: new Uint8Array(data) }
  const length = side * factor
  return heads.map((head) => {
    if (head === null) throw new Error('A pane is missing')
    const middle = {
      x: (head.x + head.width / 2) * factor,
      y: ((first.y + first.height + stage.y + stage.height) / 2) * factor
    }
    const from = { x: Math.round(middle.x - length / 2), y: Math.round(middle.y - length / 2) }
    const offset = { x: from.x - middle.x, y: from.y - middle.y }
    return { offset, pixels: partOf(screen, from, length, length) }
  })
}

/** The absolute difference of red, four times as bright, as grey. */
function differenceOfRed(a: Pixels, b: Pixels): Pixels {
  const rgb = Uint8Array.from(a.rgb, (_, i) => {
    const red = i - (i % 3)
    return Math.min(255, 4 * Math.abs((a.rgb[red] ?? 0) - (b.rgb[red] ?? 0)))
  })
  return { ...a, rgb }
}

for (const factor of [1, 1.5, 2]) {
  test(`pixels and differences are exact at a scale factor of ${factor}`, async ({ data }) => {
    const studio = await startStudio({ data, args: [`--force-device-scale-factor=${factor}`] })
    const { app, page } = studio
    const paths = ['large', 'other', 'small'].map((name) => join(data, `${name}.png`))
    const [largePath = '', otherPath = '', smallPath = ''] = paths
    // Larger than what is seen at the largest scale factor; tiles of 256 meet near the middle.
    const [width, height] = [520, 1032]
    const large = await noise(largePath, width, height, 1)
    const other = await noise(otherPath, width, height, 2)
    const small = repeated(await noise(smallPath, width / 4, height / 4, 3), 4)
    await page.getByRole('link', { name: 'Compare' }).click()
    await chooseNext(app, ...paths)
    await page.getByRole('button', { name: 'Open pictures …' }).first().click()
    await expect(page.getByTestId('pane')).toHaveCount(3)
    await focusStage(page)
    // No lines between pixels; these are large.
    await page.keyboard.press('x')

    /** Expects every pane to show its picture around this place, in device pixels from the picture's middle. */
    const expectPictures = async (pictures: readonly Pixels[], zoom: number, moved: Place): Promise<void> => {
      await settle(page)
      const origins: Place[] = []
      for (const [pane, { offset, pixels }] of (await seen(page, pictures.length)).entries()) {
        const picture = pictures[pane] ?? large
        const x = Math.round((picture.width * zoom) / 2 + moved.x + offset.x)
        const y = Math.round((picture.height * zoom) / 2 + moved.y + offset.y)
        // Each zoom keeps what is in the middle to half a device pixel, which grows with the zooms after it.
        const slack = zoom + 2
        const area = { x: x - slack, y: y - slack, width: 2 * slack + 1, height: 2 * slack + 1 }
        const place = placeOf(pixels, picture, zoom, area)
        if (place === null) throw new Error(`Pane ${pane} shows something else at ${zoom}×`)
        origins.push({ x: place.x - offset.x, y: place.y - offset.y })
      }
      // Where heads of panes begin within a device pixel, what is seen below them is one more or less.
      const [first = { x: NaN, y: NaN }] = origins
      for (const { x, y } of origins) {
        expect(Math.abs(x - first.x)).toBeLessThanOrEqual(1)
        expect(Math.abs(y - first.y)).toBeLessThanOrEqual(1)
      }
    }
    /** Between two panes, the pointer is at none of their pixels, and keys zoom about their middles. */
    const pointBetween = async (): Promise<void> => {
      const head = await page.getByTestId('pane').first().boundingBox()
      if (head !== null) await page.mouse.move(head.x + head.width + 2, head.y + head.height + 100)
    }
    const expectAtAllZooms = async (pictures: readonly Pixels[]): Promise<void> => {
      const zooms = [
        { zoom: 1, keys: ['0', 'z'] },
        { zoom: 3, keys: ['+', '+'] },
        { zoom: 8, keys: ['+', '+', '+', '+'] }
      ]
      await pointBetween()
      for (const { zoom, keys } of zooms) {
        for (const key of keys) await page.keyboard.press(key)
        await expectPictures(pictures, zoom, { x: 0, y: 0 })
      }
    }
    await expectAtAllZooms([large, other, small])

    // Moved by an odd number of device pixels, pictures begin within a pixel of others, and of tiles.
    const by = { x: -Math.ceil(23 / factor), y: -Math.ceil(11 / factor) }
    const stage = await page.getByTestId('stage').boundingBox()
    if (stage === null) throw new Error('There is no stage')
    const from = { x: Math.round(stage.x + stage.width / 2), y: Math.round(stage.y + stage.height / 2) + 40 }
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(from.x + by.x, from.y + by.y, { steps: 2 })
    await page.mouse.up()
    await pointBetween()
    await expectPictures([large, other, small], 8, { x: -by.x * factor, y: -by.y * factor })

    for (const key of ['d', 'c', 'm', 'm']) await page.keyboard.press(key)
    await expect(page.getByRole('combobox', { name: 'Channel' })).toHaveText('red')
    await expect(page.getByRole('combobox', { name: 'Colour map' })).toHaveText('grey')
    await expectAtAllZooms([large, differenceOfRed(other, large), differenceOfRed(small, large)])
    await endStudio(studio)
  })
}
