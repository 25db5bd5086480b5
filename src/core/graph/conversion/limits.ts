import { floatTensor } from '../../tensor'
import type { GraphBuilder, Value } from '../builder'
import { intsAttribute, type Node } from '../graph'
import { rewritten, type Conversion } from './conversion'

/** Clip once had its limits as attributes. */
export const limitsAsInputs: Conversion = (node, builder) => {
  const [x = ''] = node.inputs
  const limits = ['min', 'max'].map((name) => floatInput(node, name, builder))
  builder.append(rewritten(node, [x, ...limits], ['min', 'max']))
}

/** Pad once had its pads and the value it pads with as attributes. */
export const padsAsInputs: Conversion = (node, builder) => {
  const [x = ''] = node.inputs
  const pads = builder.integers(intsAttribute(node, 'pads', intsAttribute(node, 'paddings', [])))
  builder.append(rewritten(node, [x, pads, floatInput(node, 'value', builder)], ['pads', 'paddings', 'value']))
}

/** The scalar of a float attribute; the empty name of an absent input where there is none. */
function floatInput({ attributes }: Node, name: string, builder: GraphBuilder): Value {
  const attribute = attributes[name]
  return attribute?.kind === 'float' ? builder.constant(floatTensor([attribute.value], [])) : ''
}
