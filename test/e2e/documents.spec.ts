import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { int, ints, string } from '../../src/core/graph/graph'
import { floatTensor, type TensorOf } from '../../src/core/tensor'
import { onnxFile } from '../formats/onnx-writer'
import { endStudio, expect, root, startStudio, test } from './studio'

const bundled = join(root, 'resources', 'models', 'swinir-tiny-x4.safetensors')

test('a model given as argument is shown; another one to the same window', async ({ data }) => {
  const folder = join(data, 'models with 空格')
  mkdirSync(folder, { recursive: true })
  const model = join(folder, 'my model.safetensors')
  copyFileSync(bundled, model)
  const studio = await startStudio({ data, args: [model] })
  const { page, app } = studio
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('my model.safetensors')
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await expect(page.getByTestId('facts')).toContainText('×4')

  const damaged = join(folder, 'damaged.pth')
  writeFileSync(damaged, 'no checkpoint')
  const { spawnfile, spawnargs } = app.process()
  const args = spawnargs.slice(1).filter((arg) => !/^-r$|loader\.js$|--(inspect|remote)/.test(arg) && arg !== model)
  const again = spawn(spawnfile, [...args, damaged], { env: process.env })
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('damaged.pth')
  await expect(page.getByRole('alert').or(page.getByText('damaged.pth" '))).toBeVisible()
  again.kill()
  expect(app.windows()).toHaveLength(1)

  await page.getByRole('link', { name: 'Home' }).click()
  await page.getByRole('button', { name: 'my model.safetensors' }).click()
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await endStudio(studio)
})

test('files are chosen by dialog, and what is no run is refused in one sentence', async ({ studio }) => {
  const { app, page, data } = studio
  const choose = (path: string): Promise<void> =>
    app.evaluate(({ dialog }, path) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path], bookmarks: [] })
    }, path)
  await choose(bundled)
  await page.getByRole('button', { name: 'Open model' }).click()
  await expect(page.getByTestId('facts')).toContainText('SwinIR')
  await page.getByRole('link', { name: 'Home' }).click()
  await choose(data)
  await page.getByRole('button', { name: 'Open run folder' }).click()
  await expect(page.getByText(/is neither a model \(.*\) nor the folder of a run\./).first()).toBeVisible()
})

/** Three convolutions that enlarge by two, as an exporter writes them, the middle one within a residual block. */
function smallNetwork(): Uint8Array {
  const weights = (...shape: readonly number[]): TensorOf<'float32'> =>
    floatTensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (((i * 7) % 11) - 5) / 50),
      shape
    )
  const padded = { pads: ints([1, 1, 1, 1]) }
  return onnxFile({
    opset: 17,
    inputs: [{ name: 'x', shape: ['N', 3, 'H', 'W'] }],
    outputs: ['y'],
    constants: {
      'head.weight': weights(8, 3, 3, 3),
      'body.weight': weights(8, 8, 3, 3),
      'tail.weight': weights(12, 8, 3, 3)
    },
    metadata: { range: '0..1' },
    nodes: [
      { op: 'Conv', name: '/head/Conv', inputs: ['x', 'head.weight'], outputs: ['f'], attributes: padded },
      { op: 'Conv', name: '/body/Conv', inputs: ['f', 'body.weight'], outputs: ['g'], attributes: padded },
      { op: 'Add', name: '/Add', inputs: ['f', 'g'], outputs: ['r'] },
      { op: 'Conv', name: '/tail/Conv', inputs: ['r', 'tail.weight'], outputs: ['t'], attributes: padded },
      {
        op: 'DepthToSpace',
        name: '/up/DepthToSpace',
        inputs: ['t'],
        outputs: ['y'],
        attributes: { blocksize: int(2), mode: string('CRD') }
      }
    ]
  })
}

test('a network from an ONNX file tells what it takes and what it is made of, and can be quantized', async ({
  studio
}) => {
  const { app, page, data } = studio
  const model = join(data, 'small.onnx')
  writeFileSync(model, smallNetwork())
  await app.evaluate(({ dialog }, path) => {
    dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [path], bookmarks: [] })
  }, model)
  await page.getByRole('button', { name: 'Open model' }).click()
  const facts = page.getByTestId('facts')
  await expect(facts).toContainText('opset 17, NCHW, sizes that are multiples of 1, from 1 on')
  await expect(facts).toContainText('1 weights, 1 activations')
  await expect(facts).toContainText('1 after groups, 1 after blocks')
  // 320×180 pixels, kernels of 3×3: 216, 576 and 864 weights, 3 of them, one quantized.
  const row = page.getByRole('table').last().getByRole('row').filter({ hasText: 'Conv' })
  await expect(row.getByRole('cell')).toHaveText(['Conv', '3', '1', ((1656 * 320 * 180) / 1e6).toFixed(1), '1,656'])
  await expect(page.getByText('body.weight', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'Quantize this model' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('New quantization')
})
