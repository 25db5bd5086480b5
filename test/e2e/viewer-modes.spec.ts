import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import sharp from 'sharp'
import { colourOf } from '../../src/core/imaging/colour-map'
import {
  colourAt,
  drawnAt,
  framesOf,
  noise,
  partOf,
  placeOf,
  repeated,
  settle,
  type Box,
  type Pixels,
  type Place
} from './stage-pixels'
import { chooseNext, expect, focusStage, isFallback, saveNextAs, test } from './studio'

const names = ['one.png', 'two.png', 'three.png'] as const

/** Three pictures of noise in the viewer, at 8×, and what tests ask about what is seen of them. */
class Looked {
  readonly pictures: readonly Pixels[]
  readonly #page: Page

  constructor(page: Page, pictures: readonly Pixels[]) {
    this.#page = page
    this.pictures = pictures
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#page.keyboard.press(key)
    await settle(this.#page)
  }

  /** The frame of a pane; in modes of one frame, the frame from its left end on. */
  async frame(pane = 0): Promise<Box> {
    const frame = (await framesOf(this.#page))[pane]
    if (frame === undefined) throw new Error(`There is no pane ${pane}`)
    return frame
  }

  /** The frame of modes of one frame. */
  async single(): Promise<Box> {
    const all = await framesOf(this.#page)
    const [first] = all
    if (first === undefined) throw new Error('Nothing is shown')
    const right = Math.max(...all.map(({ x, width }) => x + width))
    const bottom = first.y + first.height
    const slider = this.#page.getByTestId('split-slider')
    const strip = (await slider.count()) === 0 ? null : await slider.boundingBox()
    if (strip === null) return { ...first, width: right - first.x }
    // The slider's strip lies below the frame, or at its right.
    return strip.height > strip.width
      ? { ...first, width: strip.x - first.x }
      : { ...first, width: right - first.x, height: Math.min(bottom, strip.y) - first.y }
  }

  /** Which picture is seen from a place of the page on, and where on the page its corner lies. */
  async at(place: Place, zoom: number): Promise<{ readonly picture: number; readonly origin: Place }> {
    await settle(this.#page)
    const from = { x: Math.round(place.x), y: Math.round(place.y) }
    // Several pixels, so that it is a piece of one place alone.
    const side = 2 * zoom + 2
    const piece = await drawnAt(this.#page, from, side, side)
    for (const [picture, pixels] of this.pictures.entries()) {
      const found = placeOf(piece, pixels, zoom)
      if (found !== null) return { picture, origin: { x: from.x - found.x, y: from.y - found.y } }
    }
    throw new Error(`No picture is seen at ${from.x}, ${from.y} at ${zoom}×`)
  }

  /** The colour at a place of the page. */
  async colour(place: Place): Promise<number> {
    return colourAt(await drawnAt(this.#page, { x: Math.round(place.x), y: Math.round(place.y) }, 1, 1), 0, 0)
  }

  /** The zoom that the stage says it has: `8×`, `50 %`. */
  async zoom(): Promise<string> {
    const label = await this.#page.getByTestId('stage').getByRole('application').getAttribute('aria-label')
    return /zoom (.+)$/.exec(label ?? '')?.[1] ?? ''
  }

  /** The pointer's pixel as it is read out, and red, green and blue of a version there. */
  async readOut(name: string): Promise<{ readonly place: string; readonly colour: number }> {
    const panel = this.#page.getByTestId('panel')
    const place = /x \d+, y \d+/.exec(await panel.getByTestId('read-out').innerText())?.[0] ?? ''
    const values = panel.getByTestId('pane-list').getByRole('listitem').filter({ hasText: name }).getByTestId('values')
    const samples = (await values.innerText()).split(/\s+/).filter((text) => /^\d+$/.test(text))
    const [red = NaN, green = NaN, blue = NaN] = samples.map(Number)
    return { place, colour: (red << 16) | (green << 8) | blue }
  }

  /** Moves the pointer to where nothing is pointed at. */
  async pointAway(): Promise<void> {
    const stage = await this.#page.getByTestId('stage').boundingBox()
    if (stage !== null) await this.#page.mouse.move(stage.x + stage.width / 2, stage.y - 8)
  }

  /** Shows the middle of the pictures at 8×. */
  async centre(): Promise<void> {
    await this.pointAway()
    await this.press('0', 'z', '+', '+', '+', '+', '+', '+')
    expect(await this.zoom()).toBe('8×')
  }
}

/** Opens the viewer with three pictures. */
async function look(
  { app, page }: { readonly app: Parameters<typeof chooseNext>[0]; readonly page: Page },
  data: string
): Promise<Looked> {
  const paths = names.map((name) => join(data, name))
  const pictures = await Promise.all(paths.map((path, i) => noise(path, 480, 480, i + 1)))
  await page.getByRole('link', { name: 'Compare' }).click()
  await chooseNext(app, ...paths)
  await page.getByRole('button', { name: 'Open pictures …' }).first().click()
  await expect(page.getByTestId('pane')).toHaveCount(3)
  await focusStage(page)
  // No lines between pixels.
  await page.keyboard.press('x')
  const looked = new Looked(page, pictures)
  await looked.centre()
  return looked
}

/** The colour of a difference, as docs/viewer.md has it. */
function differenceColour(
  a: number,
  b: number,
  how: { readonly form: string; readonly channel: string; readonly gain: number; readonly map: string }
): number {
  const of = (colour: number): readonly number[] => [colour >> 16, (colour >> 8) & 255, colour & 255]
  const [red = 0, green = 0, blue = 0] = of(a).map((sample, i) => sample - (of(b)[i] ?? 0))
  const position = (d: number): number => {
    if (how.form === 'signed') return 0.5 + (d * how.gain) / 510
    return how.form === 'absolute' ? (Math.abs(d) * how.gain) / 255 : (d / 255) ** 2 * how.gain
  }
  const positions: Readonly<Record<string, number>> = {
    'mean of RGB': (position(red) + position(green) + position(blue)) / 3,
    red: position(red),
    green: position(green),
    blue: position(blue),
    'luma (Y)': position((65.481 * red + 128.553 * green + 24.966 * blue) / 255)
  }
  const map = how.form === 'signed' ? 'diverging' : how.map
  const [r, g, b2] = colourOf(map as Parameters<typeof colourOf>[0], positions[how.channel] ?? NaN)
  return (r << 16) | (g << 8) | b2
}

test('every mode shows what it is to show, by keyboard and by mouse', async ({ studio, data }) => {
  const { page } = studio
  const looked = await look(studio, data)
  const mode = (name: string) => page.getByRole('toolbar').getByRole('button', { name, exact: true })
  const choose = async (name: string, option: string): Promise<void> => {
    await page.getByRole('combobox', { name, exact: true }).click()
    await page.getByRole('option', { name: option, exact: true }).click()
    // As long as it closes, the pointer is kept from the picture.
    await expect(page.getByRole('listbox')).toHaveCount(0)
    await looked.pointAway()
    await settle(page)
  }
  const by = async (how: 'key' | 'mouse', key: string, name: string): Promise<void> => {
    if (how === 'key') await looked.press(key)
    else {
      await mode(name).click()
      await looked.pointAway()
    }
    await expect(mode(name)).toHaveAttribute('aria-pressed', 'true')
    await settle(page)
  }

  for (const how of ['key', 'mouse'] as const) {
    await test.step(`grid, by ${how}`, async () => {
      await by(how, 's', 'Split slider')
      await by(how, 'g', 'Grid')
      const frames = await framesOf(page)
      expect(frames).toHaveLength(3)
      const [first] = frames
      for (const [pane, { x, y }] of frames.entries()) {
        const { picture, origin } = await looked.at({ x: x + 10, y: y + 10 }, 8)
        const { origin: ofFirst } = await looked.at({ x: (first?.x ?? 0) + 10, y: (first?.y ?? 0) + 10 }, 8)
        expect(picture).toBe(pane)
        expect([origin.x - x, origin.y - y]).toEqual([ofFirst.x - (first?.x ?? 0), ofFirst.y - (first?.y ?? 0)])
      }
    })

    await test.step(`split, by ${how}`, async () => {
      await by(how, 'g', 'Grid')
      await looked.press('1', '2')
      await by(how, 's', 'Split slider')
      const slider = page.getByTestId('split-slider')
      const position = async (): Promise<number> => Number(await slider.inputValue())
      /** Expects the first picture before the line, and the second behind it, at the same place. */
      const expectSplit = async (orientation: 'vertical' | 'horizontal', at: number): Promise<void> => {
        expect(await position()).toBeCloseTo(at, 2)
        const { x, y, width, height } = await looked.single()
        const sides =
          orientation === 'vertical'
            ? ([-30, 8] as const).map((offset) => ({ x: x + at * width + offset, y: y + 40 }))
            : ([-30, 8] as const).map((offset) => ({ x: x + 40, y: y + at * height + offset }))
        const [before, behind] = [await looked.at(sides[0] ?? { x, y }, 8), await looked.at(sides[1] ?? { x, y }, 8)]
        expect([before.picture, behind.picture]).toEqual([0, 1])
        expect(before.origin).toEqual(behind.origin)
      }
      const drag = async (from: Place, to: Place): Promise<void> => {
        await page.mouse.move(from.x, from.y)
        await page.mouse.down()
        await page.mouse.move(to.x, to.y, { steps: 3 })
        await page.mouse.up()
        await looked.pointAway()
      }
      const start = await position()
      await expectSplit('vertical', start)
      const frame = await looked.single()
      if (how === 'mouse') {
        const y = frame.y + 100
        await drag({ x: frame.x + start * frame.width, y }, { x: frame.x + 0.3 * frame.width, y })
        await expectSplit('vertical', 0.3)
        await page.getByRole('button', { name: 'Side by side' }).click()
        await looked.pointAway()
        const lying = await looked.single()
        const x = lying.x + 100
        await drag({ x, y: lying.y + 0.3 * lying.height }, { x, y: lying.y + 0.6 * lying.height })
        await expectSplit('horizontal', 0.6)
        await page.getByRole('button', { name: 'One above the other' }).click()
        await page.getByRole('button', { name: 'Swap' }).click()
        await looked.pointAway()
        const turned = await looked.single()
        expect((await looked.at({ x: turned.x + 10, y: turned.y + 40 }, 8)).picture).toBe(1)
        await page.getByRole('button', { name: 'Swap' }).click()
      } else {
        await looked.press(']', ']')
        await expectSplit('vertical', start + 0.1)
        await looked.press('[')
        await expectSplit('vertical', start + 0.05)
        // The slider is a real one: it is reached by Tab, and arrows move it by its step.
        await expect(slider).toHaveAttribute('type', 'range')
        await slider.focus()
        for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowLeft')
        await expectSplit('vertical', start)
        await expect(slider).toHaveAttribute('aria-valuetext', /one\.png 50 %, two\.png 50 %/)
        await focusStage(page)
        await looked.press('o')
        await expectSplit('horizontal', start)
        await looked.press(' ')
        const { x, y } = await looked.single()
        expect((await looked.at({ x: x + 40, y: y + 10 }, 8)).picture).toBe(1)
        await looked.press(' ', 'o')
      }
    })

    await test.step(`flicker, by ${how}`, async () => {
      await by(how, 'f', 'Flicker')
      const pane = (i: number) => page.getByTestId('pane').nth(i).getByRole('button')
      const shown = async (): Promise<number> => {
        const { x, y } = await looked.single()
        return (await looked.at({ x: x + 10, y: y + 10 }, 8)).picture
      }
      for (const i of [2, 0, 1]) {
        if (how === 'key') await looked.press(String(i + 1))
        else await pane(i).click()
        expect(await shown()).toBe(i)
        await expect(pane(i)).toHaveAttribute('aria-pressed', 'true')
      }
      if (how === 'key') await looked.press(' ')
      else await page.getByRole('button', { name: 'Swap' }).click()
      expect(await shown()).toBe(0)
      if (how === 'key') await looked.press('p', ']', ']')
      else await page.getByRole('button', { name: 'Play' }).click()
      await expect(page.getByRole('combobox', { name: 'How long each picture stands' })).toHaveText('200 ms')
      for (const i of [1, 0, 1]) await expect.poll(shown, { intervals: [30] }).toBe(i)
      if (how === 'key') await looked.press('p')
      else await page.getByRole('button', { name: 'Stop' }).click()
      const still = new Set<number>()
      for (let i = 0; i < 5; i++) {
        still.add(await shown())
        await page.waitForTimeout(100)
      }
      expect([...still]).toEqual([0])
    })

    await test.step(`difference, by ${how}`, async () => {
      await by(how, 'd', 'Difference')
      const chosen = async (): Promise<Parameters<typeof differenceColour>[2]> => {
        const text = (name: string): Promise<string> => page.getByRole('combobox', { name, exact: true }).innerText()
        const [form, channel, gain, map] = await Promise.all(
          ['Form of the difference', 'Channel', 'Gain', 'Colour map'].map(text)
        )
        return { form: form ?? '', channel: channel ?? '', gain: parseInt(gain ?? '', 10), map: map ?? '' }
      }
      const seen = new Set<string>()
      /** Expects the differences of some pixels to the reference, which is shown as it is. */
      const expectDifferences = async (reference: number): Promise<void> => {
        await settle(page)
        const now = await chosen()
        seen.add(now.form).add(now.channel).add(now.map).add(`${now.gain}`)
        const frames = await framesOf(page)
        const of = frames[reference] ?? { x: 0, y: 0 }
        const { picture, origin } = await looked.at({ x: of.x + 10, y: of.y + 10 }, 8)
        expect(picture).toBe(reference)
        for (const [pane, { x, y }] of frames.entries()) {
          if (pane === reference) continue
          const expected: number[] = []
          const drawn: number[] = []
          const drawnPane = await drawnAt(page, { x, y }, 120, 100)
          for (const [column, row] of [
            [3, 4],
            [7, 9],
            [12, 5]
          ] as const) {
            const at = { x: Math.floor((of.x - origin.x) / 8) + column, y: Math.floor((of.y - origin.y) / 8) + row }
            const [a, b] = [looked.pictures[pane], looked.pictures[reference]]
            if (a === undefined || b === undefined) throw new Error('There is no such picture')
            expected.push(differenceColour(colourAt(a, at.x, at.y), colourAt(b, at.x, at.y), now))
            const corner = { x: origin.x - of.x + x + 8 * at.x, y: origin.y - of.y + y + 8 * at.y }
            drawn.push(colourAt(drawnPane, corner.x + 3 - x, corner.y + 3 - y))
          }
          expect(drawn, JSON.stringify(now)).toEqual(expected)
        }
      }
      await expectDifferences(0)
      if (how === 'key') {
        for (const key of ['v', 'v', 'v', 'c', 'c', 'c', 'c', 'c', 'm', 'm', 'm', '[', '[', ']', ']', ']']) {
          await looked.press(key)
          await expectDifferences(0)
        }
        const all = ['signed', 'absolute', 'squared', 'mean of RGB', 'red', 'green', 'blue', 'luma (Y)']
        for (const each of [...all, 'viridis', 'cividis', 'grey', '1', '2', '4', '8']) expect(seen).toContain(each)
        await looked.press('3', 'r')
        await expectDifferences(2)
        await looked.press('1', 'r')
      } else {
        await choose('Form of the difference', 'squared')
        await choose('Channel', 'green')
        await choose('Gain', '16×')
        await choose('Colour map', 'cividis')
        await choose('Difference to', 'two.png')
        expect(await chosen()).toEqual({ form: 'squared', channel: 'green', gain: 16, map: 'cividis' })
        await expectDifferences(1)
        await choose('Difference to', 'one.png')
      }
    })

    await test.step(`lens, by ${how}`, async () => {
      await focusStage(page)
      await looked.press('1', '2')
      await by(how, 'l', 'Lens')
      const { x, y, width, height } = await looked.single()
      // By keyboard the lens is in the middle, else where the pointer is; the middle itself is marked.
      const at =
        how === 'key'
          ? { x: Math.round(x + width / 2), y: Math.round(y + height / 2) }
          : { x: Math.round(x + 200), y: Math.round(y + 180) }
      if (how === 'mouse') await page.mouse.move(at.x, at.y)
      const outside = await looked.at({ x: at.x + 130, y: at.y }, 8)
      expect(outside.picture).toBe(0)
      const inside = { x: at.x + 20, y: at.y + 24 }
      expect(await looked.at(inside, 8)).toEqual({ picture: 1, origin: outside.origin })
      if (how === 'key') await looked.press(']')
      else {
        await choose('Magnification of the lens', '2×')
        await page.mouse.move(at.x, at.y)
      }
      const enlarged = await looked.at(inside, 16)
      expect(enlarged.picture).toBe(1)
      // What the lens is over stays where it is.
      expect(Math.abs(enlarged.origin.x - (at.x - 2 * (at.x - outside.origin.x)))).toBeLessThanOrEqual(1)
      expect(Math.abs(enlarged.origin.y - (at.y - 2 * (at.y - outside.origin.y)))).toBeLessThanOrEqual(1)
      if (how === 'key') await looked.press('[')
      else await choose('Magnification of the lens', '1×')
      await looked.pointAway()
    })
  }
})

test('the pointer moves, zooms, reads and measures, and a figure shows the very pixels', async ({ studio, data }) => {
  const { app, page } = studio
  const looked = await look(studio, data)
  const [one] = looked.pictures
  if (one === undefined) throw new Error('There is no picture')
  const region = page.getByTestId('region')
  const { x, y, width, height } = await looked.frame()
  /** Where a pixel of the first picture has its middle on the page. */
  const middleOf = (origin: Place, column: number, row: number, zoom: number): Place => ({
    x: Math.round(origin.x + (column + 0.5) * zoom),
    y: Math.round(origin.y + (row + 0.5) * zoom)
  })
  const corner = { x: x + 6, y: y + 6 }

  await test.step('what is read out are the pixels of the files', async () => {
    const { origin } = await looked.at(corner, 8)
    const [left, top] = [Math.ceil((x - origin.x) / 8), Math.ceil((y - origin.y) / 8)]
    for (const [column, row] of [
      [left + 2, top + 3],
      [left + 17, top + 20]
    ] as const) {
      const at = middleOf(origin, column, row, 8)
      await page.mouse.move(at.x, at.y)
      for (const [i, name] of names.entries()) {
        const colour = colourAt(looked.pictures[i] ?? one, column, row)
        await expect.poll(() => looked.readOut(name)).toEqual({ place: `x ${column}, y ${row}`, colour })
      }
    }
  })

  await test.step('the wheel zooms about the pointer', async () => {
    const { origin } = await looked.at(corner, 8)
    const [column, row] = [Math.ceil((x - origin.x) / 8) + 15, Math.ceil((y - origin.y) / 8) + 18]
    const at = middleOf(origin, column, row, 8)
    await page.mouse.move(at.x, at.y)
    for (const [turn, zoom] of [
      [-120, 10],
      [-120, 12],
      [120, 10],
      [120, 8],
      [120, 6]
    ] as const) {
      await page.mouse.wheel(0, turn)
      await expect.poll(() => looked.zoom()).toBe(`${zoom}×`)
      const { origin: now } = await looked.at(corner, zoom)
      expect([Math.floor((at.x - now.x) / zoom), Math.floor((at.y - now.y) / zoom)]).toEqual([column, row])
    }
  })

  await test.step('a double click shows all, and pixels', async () => {
    await looked.centre()
    // Near the middle, so that the picture does not have to be kept in its frame.
    const at = { x: Math.round(x + width / 2 - 31), y: Math.round(y + height / 2 + 23) }
    await page.mouse.dblclick(at.x, at.y)
    const fit = page.getByRole('button', { name: 'Fit to window' })
    await expect(fit).toHaveAttribute('aria-pressed', 'true')
    await settle(page)
    // What is pointed at now is there afterwards, too, to half a device pixel.
    const { place } = await looked.readOut('one.png')
    await page.mouse.dblclick(at.x, at.y)
    await expect(fit).toHaveAttribute('aria-pressed', 'false')
    expect(await looked.zoom()).toBe('1×')
    const { origin: now } = await looked.at(corner, 1)
    const [column = NaN, row = NaN] = /^x (\d+), y (\d+)$/.exec(place)?.slice(1).map(Number) ?? []
    expect(Math.abs(at.x - now.x - column)).toBeLessThanOrEqual(1)
    expect(Math.abs(at.y - now.y - row)).toBeLessThanOrEqual(1)
  })

  await test.step('dragging moves by as much as the pointer', async () => {
    await looked.centre()
    const before = await looked.at(corner, 8)
    await page.mouse.move(x + 150, y + 150)
    await page.mouse.down()
    await page.mouse.move(x + 113, y + 171, { steps: 3 })
    await page.mouse.up()
    const after = await looked.at(corner, 8)
    expect(after).toEqual({ picture: 0, origin: { x: before.origin.x - 37, y: before.origin.y + 21 } })
  })

  await test.step('Shift and dragging draw the region, Escape breaks it off and clears it', async () => {
    const { origin } = await looked.at(corner, 8)
    const first = { column: Math.ceil((x - origin.x) / 8) + 2, row: Math.ceil((y - origin.y) / 8) + 3 }
    const [from, to] = [
      middleOf(origin, first.column, first.row, 8),
      middleOf(origin, first.column + 19, first.row + 11, 8)
    ]
    await page.keyboard.down('Shift')
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(to.x, to.y, { steps: 3 })
    await page.mouse.up()
    await page.keyboard.up('Shift')
    const told = `20×12 at ${first.column}, ${first.row}`
    await expect(region).toContainText(told)
    // By the button, without Shift; broken off, it is as before.
    await page.getByRole('button', { name: 'Draw a region' }).click()
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(from.x + 50, from.y + 50, { steps: 2 })
    await expect(region).not.toContainText(told)
    await page.keyboard.press('Escape')
    await page.mouse.up()
    await expect(region).toContainText(told)
    await looked.press('Escape')
    await expect(region).toContainText('Hold Shift and draw')
    await looked.press('a')
    const seen = (begin: number, length: number): number => Math.ceil((begin + length) / 8) - Math.floor(begin / 8)
    const [across, down] = [seen(x - origin.x, width), seen(y - origin.y, height)]
    const [, wide, high, left, top] = /(\d+)×(\d+) at (\d+), (\d+)/.exec(await region.innerText())?.map(Number) ?? []
    expect([left, top]).toEqual([Math.floor((x - origin.x) / 8), Math.floor((y - origin.y) / 8)])
    // Frames end at whole device pixels, heads of panes need not: a pixel of which less than one is seen is not counted.
    expect(Math.abs((wide ?? NaN) - across)).toBeLessThanOrEqual(1)
    expect(Math.abs((high ?? NaN) - down)).toBeLessThanOrEqual(1)
    await looked.press('Escape')
  })

  await test.step('what is hidden is neither shown nor counted', async () => {
    const shown = page.getByRole('checkbox', { name: 'Show two.png' })
    await shown.click()
    await looked.pointAway()
    await expect(page.getByTestId('pane')).toHaveCount(2)
    const second = await looked.frame(1)
    await looked.press('0', 'z')
    expect((await looked.at({ x: second.x + second.width / 2, y: second.y + second.height / 2 + 20 }, 1)).picture).toBe(
      2
    )
    await shown.click()
    await expect(page.getByTestId('pane')).toHaveCount(3)
  })

  await test.step('a figure repeats the pixels of the region, and looks as it did', async () => {
    await looked.centre()
    await focusStage(page)
    const { origin } = await looked.at(corner, 8)
    const box = { left: 228, top: 232, width: 24, height: 16 }
    const from = middleOf(origin, box.left, box.top, 8)
    await page.keyboard.down('Shift')
    await page.mouse.move(from.x, from.y)
    await page.mouse.down()
    await page.mouse.move(from.x + 8 * (box.width - 1), from.y + 8 * (box.height - 1), { steps: 3 })
    await page.mouse.up()
    await page.keyboard.up('Shift')
    await expect(region).toContainText('24×16 at 228, 232')
    await expect(page.getByTestId('region-numbers')).toContainText(/\d\.\d\d/)
    await looked.press('e')
    await expect(page.getByTestId('figure').locator('svg').first()).toBeVisible()
    const [svgPath, pngPath] = [join(data, 'figure.svg'), join(data, 'figure.png')]
    await saveNextAs(app, svgPath)
    await page.getByRole('button', { name: 'Save SVG' }).click()
    await expect.poll(() => existsSync(svgPath)).toBe(true)
    await saveNextAs(app, pngPath)
    await page.getByRole('button', { name: 'Save PNG' }).click()
    await expect.poll(() => existsSync(pngPath)).toBe(true)
    const crops = [...readFileSync(svgPath, 'utf8').matchAll(/<svg class="crop" x="(\d+)" y="(\d+)" width="(\d+)"/g)]
    expect(crops).toHaveLength(3)
    const file = readFileSync(pngPath)
    const { data: rgb, info } = await sharp(file).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    const figure = { width: info.width, height: info.height, rgb: new Uint8Array(rgb) }
    for (const [i, [, left, top, width]] of crops.entries()) {
      const scale = Number(width) / box.width
      expect(Number.isInteger(scale)).toBe(true)
      const crop = partOf(figure, { x: Number(left), y: Number(top) }, box.width * scale, box.height * scale)
      const source = partOf(looked.pictures[i] ?? one, { x: box.left, y: box.top }, box.width, box.height)
      expect(Buffer.compare(crop.rgb, repeated(source, scale).rgb)).toBe(0)
    }
    // Letters are drawn otherwise elsewhere.
    if (isFallback) expect(file).toMatchSnapshot('figure.png', { maxDiffPixelRatio: 0.01 })
  })
})
