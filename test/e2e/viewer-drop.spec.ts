import { join } from 'node:path'
import { measureRun } from './measured-run'
import { noise } from './stage-pixels'
import { expect, test } from './studio'

test('what is dropped is enlarged, stands beside, or becomes a batch', async ({ studio }) => {
  const { page, data } = studio
  const { folder } = await measureRun(studio)
  const session = await page.context().newCDPSession(page)
  /** Drags files over the page to an element that appears meanwhile, and drops them there. */
  const drop = async (files: readonly string[], zone: string): Promise<void> => {
    const dragged = { items: [], files: [...files], dragOperationsMask: 1 }
    const drag = async (type: 'dragEnter' | 'dragOver' | 'drop', x: number, y: number): Promise<void> => {
      await session.send('Input.dispatchDragEvent', { type, x, y, data: dragged })
    }
    const [x, y] = [600, 400]
    await drag('dragEnter', x, y)
    await drag('dragOver', x, y)
    const box = await page.getByTestId(zone).boundingBox()
    if (box === null) throw new Error(`There is no ${zone}`)
    const at = [box.x + box.width / 2, box.y + box.height / 2] as const
    await drag('dragOver', ...at)
    await drag('drop', ...at)
    await expect(page.getByTestId('drop-zones')).toHaveCount(0)
  }
  await page.evaluate((run) => {
    location.hash = `#/compare?${new URLSearchParams({ run }).toString()}`
  }, folder)
  const versions = page.getByTestId('pane-list').getByRole('listitem')
  await expect(versions).toHaveCount(6)

  await test.step('a picture of the same size stands beside', async () => {
    const beside = join(data, 'beside.png')
    await noise(beside, 320, 240, 1)
    await drop([beside], 'drop-beside')
    await expect(versions).toHaveCount(7)
    await expect(versions.last()).toContainText('beside.png')
  })

  await test.step('a picture is enlarged by the networks of the run', async () => {
    const small = join(data, 'small.png')
    await noise(small, 64, 48, 2)
    await drop([small], 'drop-input')
    await expect(versions).toHaveCount(5)
    await expect(versions.first()).toContainText('LR')
    await expect(page.getByTestId('pane-list').getByText(/tiles/)).toHaveCount(0, { timeout: 60_000 })
  })

  // Of folders that a test drops the page is not told that they are some.
  await test.step('several pictures are a batch', async () => {
    const paths = ['one.png', 'two.png'].map((name) => join(data, name))
    for (const path of paths) await noise(path, 16, 16, 3)
    await drop(paths, 'drop-input')
    await expect(page.getByTestId('batch-inputs').getByRole('listitem')).toContainText(['one.png', 'two.png'])
  })
})
