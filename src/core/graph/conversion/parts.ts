import { intAttribute, intsAttribute } from '../graph'
import { equalParts } from '../operators/movement'
import { misfit, normalizeAxis } from '../operators/operator'
import { rewritten, type Conversion, type ShapedConversion } from './conversion'

/** Split once had its sizes as an attribute. */
export const partsAsInput: Conversion = (node, builder) => {
  const sizes = intsAttribute(node, 'split', null)
  const [x = ''] = node.inputs
  builder.append(sizes === null ? node : rewritten(node, [x, builder.integers(sizes)], ['split']))
}

/** A Split that tells no sizes makes equal parts; later operator sets want their number, or the sizes. */
export const explicitParts: ShapedConversion = (node, builder, types) => {
  const [x = '', sizes = ''] = node.inputs
  if (sizes !== '') {
    builder.append(node)
    return
  }
  const shape = types.get(x)?.shape ?? []
  const size = shape[normalizeAxis(node, intAttribute(node, 'axis', 0), shape.length)]
  if (typeof size !== 'number') throw misfit(node, 'it splits an axis of free size into equal parts')
  builder.append(rewritten(node, [x, builder.integers(equalParts(size, node.outputs.length))], ['num_outputs']))
}
