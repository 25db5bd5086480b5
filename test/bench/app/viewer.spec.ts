import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type Page } from '@playwright/test'
import sharp from 'sharp'
import { chooseNext, endStudio, startStudio, type Studio } from '../../e2e/studio'
import { median, secondsOf } from '../figure'
import { writePhotograph } from '../photograph'
import { framesOf, percentWithin } from './frames'
import { tell } from './tell'

/** Seconds over which frames are watched in each way of moving. */
const watched = 6

/** A window of this size shows most. */
const large = { width: 1920, height: 1080 }

async function withStudio(work: (studio: Studio, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'studio-bench-'))
  const studio = await startStudio({ data: join(folder, 'data') })
  await studio.app.evaluate(({ BrowserWindow }, { width, height }) => {
    BrowserWindow.getAllWindows()[0]?.setContentSize(width, height)
  }, large)
  await studio.page.getByRole('link', { name: 'Compare' }).click()
  await work(studio, folder)
  await endStudio(studio)
  rmSync(folder, { recursive: true, force: true, maxRetries: 20 })
}

/** Opens pictures that belong to no run. */
async function open({ app, page }: Studio, paths: readonly string[]): Promise<void> {
  await chooseNext(app, ...paths)
  await page.getByRole('button', { name: 'Open pictures …' }).first().click()
}

const settled = (page: Page): Promise<void> => page.locator('[data-testid=stage][data-settled=true]').waitFor()

test('frames while six pictures are moved and enlarged', async () => {
  await withStudio(async (studio, folder) => {
    const { page } = studio
    const paths = Array.from({ length: 6 }, (_, i) => join(folder, `${i + 1}.png`))
    for (const path of paths) await writePhotograph(path, 2040, 1356)
    await open(studio, paths)
    await settled(page)
    const box = await page.getByTestId('stage-canvas').boundingBox()
    if (box === null) throw new Error('There is no stage')
    const [x, y] = [box.x + box.width * 0.17, box.y + box.height * 0.3]

    const measure = async (name: string, move: (step: number) => Promise<void>): Promise<void> => {
      const watching = { isGoing: true }
      const frames = framesOf(page, watched).finally(() => (watching.isGoing = false))
      for (let step = 0; watching.isGoing; step++) await move(step)
      const times = await frames
      tell({ name: `% of frames within 34 ms: ${name}`, value: percentWithin(times, 34), atLeast: 95 })
      tell({ name: `frames a second: ${name}`, value: times.length / watched })
    }
    const drag = async (step: number): Promise<void> => {
      await page.mouse.move(x + 120 * Math.sin(step / 12), y + 90 * Math.cos(step / 17))
    }
    await page.mouse.move(x, y)
    await page.keyboard.press('z')
    await settled(page)
    await page.mouse.down()
    await measure('six pictures dragged at 1:1', drag)
    await page.mouse.up()
    for (let i = 0; i < 2; i++) await page.keyboard.press('+')
    await page.mouse.down()
    await measure('six pictures dragged at 3:1', drag)
    await page.mouse.up()
    await page.keyboard.press('0')
    await measure('six pictures enlarged and back by the wheel', async (step) => {
      await page.mouse.wheel(0, step % 40 < 20 ? -60 : 60)
      await page.waitForTimeout(20)
    })
    await page.keyboard.press('d')
    await page.keyboard.press('z')
    await settled(page)
    await page.mouse.down()
    await measure('differences of six pictures dragged at 1:1', drag)
    await page.mouse.up()
  })
})

test('first pixels of a large picture', async () => {
  await withStudio(async (studio, folder) => {
    const { page } = studio
    const side = 8000
    const original = join(folder, 'large.png')
    await writePhotograph(original, side, side)
    const times = { decode: [] as number[], shown: [] as number[] }
    for (let round = 0; round <= 3; round++) {
      const path = join(folder, `large-${round}.png`)
      copyFileSync(original, path)
      await readFile(path)
      const decode = await secondsOf(() => sharp(path).raw().toBuffer())
      const drawn = firstPixels(page)
      await open(studio, [path])
      const shown = (await drawn) / 1000
      await settled(page)
      // The first time, its process is started as well.
      if (round === 0)
        tell({ name: `s until a PNG of ${side}×${side} is seen, the first picture of all`, value: shown })
      else {
        times.decode.push(decode)
        times.shown.push(shown)
      }
      await page.getByRole('link', { name: 'Home' }).click()
      await page.reload()
      await page.getByRole('link', { name: 'Compare' }).click()
    }
    tell({ name: 's until it is seen', value: median(times.shown) })
    tell({ name: 's until it is seen ÷ decoding it', value: median(times.shown) / median(times.decode), atMost: 1.5 })
  })
})

/** Milliseconds from the next click until the middle of the stage shows something else than its ground. */
function firstPixels(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        window.addEventListener(
          'click',
          () => {
            const began = performance.now()
            const look = (): void => {
              const canvas = document.querySelector<HTMLCanvasElement>('[data-testid=stage-canvas]')
              const [x, y] = [Math.floor((canvas?.width ?? 0) / 2), Math.floor((canvas?.height ?? 0) / 2)]
              const pixels = canvas === null || x === 0 ? undefined : canvas.getContext('2d')?.getImageData(x, y, 8, 8)
              const kinds = new Set(new Uint32Array(pixels?.data.buffer ?? new ArrayBuffer(4)))
              // The ground is of one colour, a photograph is not.
              if (kinds.size > 1) resolve(performance.now() - began)
              else requestAnimationFrame(look)
            }
            look()
          },
          { capture: true, once: true }
        )
      })
  )
}
