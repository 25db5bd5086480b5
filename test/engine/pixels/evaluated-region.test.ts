import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pictureCalls } from '../../../src/contract/pixels'
import { makeContext } from '../../../src/engine/job'
import { evaluate, type EvaluatedImage } from '../../../src/engine/jobs/evaluate'
import { openPictures } from '../../../src/engine/pixels/service'
import { writeImage } from '../../../src/formats/image-files'
import { temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()

it('a region without a border of the scale has the numbers of an evaluation, to six decimals', async () => {
  const scale = 4
  const set = join(folder, 'Set')
  mkdirSync(join(set, 'HR'), { recursive: true })
  for (const [i, name] of ['first', 'second'].entries())
    await writeTestPicture(join(set, 'HR', `${name}.png`), 192 + 64 * i, 160, i + 1)
  const images: EvaluatedImage[] = []
  const config = {
    subject: 'bicubic',
    overrides: {},
    filter: {},
    sets: [{ folder: set }],
    scale,
    memoryCap: undefined,
    onImage: (image: EvaluatedImage) => {
      images.push(image)
      return Promise.resolve()
    }
  }
  await evaluate(config, await makeContext(() => undefined, new AbortController().signal))
  expect(images).toHaveLength(2)
  const pictures = openPictures()
  for (const { name, image, hr, scores } of images) {
    const [made, truth] = [join(folder, `${name}.png`), join(folder, `${name}-hr.png`)]
    if (hr === null || scores === null) throw new Error('It was not measured')
    await writeImage(made, image)
    await writeImage(truth, hr)
    const args = {
      reference: { kind: 'file', path: truth },
      sources: [{ kind: 'file', path: made }],
      rectangle: { left: scale, top: scale, width: image.width - 2 * scale, height: image.height - 2 * scale }
    }
    const { signal } = new AbortController()
    const result = pictureCalls['pictures.region'].result.parse(
      await pictures.call('pictures.region', args, { signal })
    )
    expect(result[0]?.psnr).toBeCloseTo(scores.psnr, 6)
    expect(result[0]?.ssim).toBeCloseTo(scores.ssim, 6)
  }
})
