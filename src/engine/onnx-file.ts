import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { StudioError } from '../core/errors'
import { pictureInput, pictureOutput, takenSize, type Model, type ModelOverrides } from '../core/models/model'
import { buildOnnxModel } from '../core/models/onnx-model'
import { likeliestRange, probePicture, type ProbeAnswer } from '../core/models/range-probing'
import { parseRange, usualRanges, withValueRange, type ValueRange } from '../core/models/value-range'
import { floatTensor } from '../core/tensor'
import { externalDataBeside } from '../formats/external-data'
import { readOnnx } from '../formats/onnx'
import type { ExternalData } from '../formats/onnx-tensor'
import { requireRuntime } from '../runtimes/select'

/** Whether a file is an ONNX model by its name; its bytes do not tell. */
export function isOnnxFile(path: string): boolean {
  return path.toLowerCase().endsWith('.onnx')
}

/**
 * Reads an ONNX file, and what it keeps in files beside it, and builds its network. Where neither the user nor the file tells
 * the range of its values, the network is run to find it.
 *
 * @throws StudioError ('missing', 'unreadable' or 'refused'), naming the file
 */
export async function loadOnnxModel(
  path: string,
  { imageRange }: ModelOverrides
): Promise<{ readonly model: Model; readonly sha256: string }> {
  const name = basename(path)
  if (!existsSync(path)) throw new StudioError('missing', `There is no file "${path}".`)
  const info = await stat(path)
  if (info.isDirectory()) throw new StudioError('unreadable', `"${path}" is a folder; an ONNX file is expected.`)
  if (info.size === 0) throw new StudioError('unreadable', `"${path}" is empty.`)
  const bytes = new Uint8Array(await readFile(path))
  // What lies in other files belongs to the model as much as what lies in this one.
  const digest = createHash('sha256').update(bytes)
  const beside = externalDataBeside(path)
  const external: ExternalData = (location, offset, length) => {
    const part = beside(location, offset, length)
    digest.update(part)
    return part
  }
  const network = readOnnx(bytes, name, external)
  const model = buildOnnxModel(network, name)
  const told = imageRange === undefined ? parseRange(network.metadata.get('range')) : { black: 0, white: imageRange }
  return { model: withValueRange(model, told ?? (await detectRange(model))), sha256: digest.digest('hex') }
}

/** Pixels of the side of the picture that a network is shown to find its range. */
const probeSide = 48

/** Shows a network one picture in all usual ranges. */
async function detectRange(model: Model): Promise<ValueRange> {
  const { channels, scale } = model
  const side = takenSize(model, probeSide)
  const { lr, hr } = probePicture(channels, side, scale)
  const runtime = await requireRuntime()
  const session = await runtime.load(model.graph)
  try {
    const answers: ProbeAnswer[] = []
    for (const range of usualRanges) {
      const shown = lr.map((value) => range.black + value * (range.white - range.black))
      const feeds = new Map([[pictureInput, floatTensor(shown, [1, channels, side, side])]])
      const given = (await session.run(feeds)).get(pictureOutput)
      if (given?.type === 'float32') answers.push({ range, given: given.data })
    }
    return likeliestRange(answers, hr)
  } finally {
    await session.dispose()
  }
}
