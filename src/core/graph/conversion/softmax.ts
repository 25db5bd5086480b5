import { int, intAttribute } from '../graph'
import { normalizeAxis } from '../operators/operator'
import type { ShapedConversion } from './conversion'

/** Up to opset 12, Softmax took all axes from `axis` (1 where it is absent) on as one. */
export const flattenedSoftmax: ShapedConversion = (node, builder, types) => {
  const [x = ''] = node.inputs
  const [y = ''] = node.outputs
  const rank = types.get(x)?.shape.length ?? 0
  const axis = normalizeAxis(node, intAttribute(node, 'axis', 1), rank)
  if (axis === rank - 1) {
    builder.append({ ...node, attributes: { axis: int(-1) } })
    return
  }
  const flat = builder.apply('Flatten', [x], { axis: int(axis) })
  builder.reshapeTo(builder.softmax(flat), builder.apply('Shape', [x]), y)
}
