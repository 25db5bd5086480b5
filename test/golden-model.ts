import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { safetensorsFile } from './formats/safetensors-writer'
import { goldenTensors, under } from './golden'

/** Writes a network of `test/golden/forward` as a checkpoint into a folder. */
export function writeGoldenModel(folder: string, name: string): string {
  const path = join(folder, `${name}.safetensors`)
  const { tensors } = goldenTensors(`forward/${name}.safetensors`)
  writeFileSync(path, safetensorsFile(under(tensors, 'weight/')))
  return path
}

/** The same of two blocks and ×2, for what is the same with any network and takes a fraction of the time with this one. */
export const writeSmallModel = (folder: string): string => writeGoldenModel(folder, 'swinir-light-x2')
