import { intsAttribute } from '../graph'
import { rewritten, type Conversion } from './conversion'

/** Reductions, Squeeze and Unsqueeze once had their axes as an attribute. */
export const axesAsInput: Conversion = (node, builder) => {
  const axes = intsAttribute(node, 'axes', null)
  const [x = ''] = node.inputs
  builder.append(axes === null ? node : rewritten(node, [x, builder.integers(axes)], ['axes']))
}
