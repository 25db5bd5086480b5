import { StudioError } from '../errors'
import type { Checkpoint } from '../tensor'
import { buildEdsr, isEdsr } from './edsr'
import type { Model, ModelOverrides } from './model'
import { buildSwinir, isSwinir } from './swinir'
import { stateDict } from './weights'

/**
 * The network that a checkpoint's tensors belong to, told by their names and shapes.
 *
 * @param name what to call the checkpoint in errors, e.g. its file name
 * @throws StudioError ('refused') where no known architecture fits
 */
export function detectModel(checkpoint: Checkpoint, name: string, overrides: ModelOverrides = {}): Model {
  const tensors = stateDict(checkpoint)
  const build = isSwinir(tensors) ? buildSwinir : isEdsr(tensors) ? buildEdsr : null
  if (build === null) {
    const [first = 'none'] = tensors.keys()
    const found = `its ${tensors.size} tensors (the first is "${first}") belong to no known architecture`
    throw new StudioError('refused', `"${name}" cannot be used: ${found}; SwinIR and EDSR are supported.`)
  }
  return build(tensors, checkpoint.metadata, overrides)
}
