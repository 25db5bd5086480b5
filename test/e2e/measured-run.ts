import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { preparePictures } from './pictures'
import { chooseNext, expect, root, type Studio } from './studio'

/** A run of two variants, measured on two small photographs of 320×240 pixels, and where these are. */
export async function measureRun({ app, page, data }: Studio): Promise<{
  readonly folder: string
  readonly picture: string
}> {
  const { calibration, measured, picture } = await preparePictures(join(data, 'pictures'))
  const model = join(root, 'resources', 'models', 'swinir-tiny-x4.safetensors')
  const how = ['--method', 'minmax,dobi', '--bits', '4', '--preset', 'fast', '--patches', '4', '--search-steps', '20']
  mkdirSync(join(data, 'runs'), { recursive: true })
  const folder = join(data, 'runs', 'small')
  const words = ['quantize', model, '--calibration', calibration, '--out', folder, ...how]
  execFileSync(process.execPath, [join(root, 'bin', '2dquant.mjs'), ...words], { stdio: 'ignore' })
  await page.getByRole('link', { name: 'Runs', exact: true }).click()
  await page.getByRole('link', { name: 'small' }).click()
  await page.getByRole('button', { name: 'Evaluate' }).click()
  await chooseNext(app, measured)
  await page.getByRole('button', { name: 'Add folder …' }).click()
  await page.getByRole('button', { name: 'Measure these' }).click()
  await expect(page.getByTestId('picture')).toHaveCount(2, { timeout: 60_000 })
  return { folder, picture }
}
