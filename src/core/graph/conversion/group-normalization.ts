import { floatTensor, type Tensor } from '../../tensor'
import type { GraphBuilder, Value } from '../builder'
import { int, intAttribute, type Node } from '../graph'
import { misfit } from '../operators/operator'
import type { Conversion } from './conversion'

/**
 * InstanceNormalization: every channel of [N, C, …] less its mean, over its deviation, times its scale, plus its bias.
 * Written in operators that have rules of gradients, and for any number of axes.
 */
export const instancesNormalized: Conversion = (node, builder, constants) => {
  const [x = '', scaleName = '', biasName = ''] = node.inputs
  const channels = builder.reshape(x, [0, 0, -1])
  const [scale, bias] = [scaleName, biasName].map((name) => asColumn(node, builder, constants.get(name)))
  const scaled = builder.multiply(normalized(node, builder, channels), scale ?? '')
  builder.reshapeTo(builder.add(scaled, bias ?? ''), builder.apply('Shape', [x]), node.outputs[0])
}

/** GroupNormalization: the same over groups of channels; scale and bias are of the channels, before set 21 of the groups. */
export const groupsNormalized: Conversion = (node, builder, constants) => {
  const [x = '', scaleName = '', biasName = ''] = node.inputs
  const groups = intAttribute(node, 'num_groups')
  const [scale, bias] = [scaleName, biasName].map((name) => asColumn(node, builder, constants.get(name)))
  const count = constants.get(scaleName)?.data.length ?? 0
  const grouped = normalized(node, builder, builder.reshape(x, [0, groups, -1]))
  const each = count === groups ? grouped : builder.reshape(grouped, [0, count, -1])
  const scaled = builder.multiply(each, scale ?? '')
  builder.reshapeTo(builder.add(scaled, bias ?? ''), builder.apply('Shape', [x]), node.outputs[0])
}

/** x [N, rows, L] less the mean of each row, over its deviation. */
function normalized(node: Node, builder: GraphBuilder, x: Value): Value {
  const attribute = node.attributes['epsilon']
  const epsilon = builder.scalar(attribute?.kind === 'float' ? attribute.value : 1e-5)
  const mean = (value: Value): Value =>
    builder.apply('ReduceMean', [value, builder.integers([-1])], { keepdims: int(1) })
  const centred = builder.subtract(x, mean(x))
  const variance = mean(builder.multiply(centred, centred))
  return builder.divide(centred, builder.apply('Sqrt', [builder.add(variance, epsilon)]))
}

/** A constant of one value for each row, as [rows, 1]. */
function asColumn(node: Node, builder: GraphBuilder, tensor: Tensor | undefined): Value {
  if (tensor?.type !== 'float32') throw misfit(node, 'its scale and bias are no constants')
  return builder.constant(floatTensor(tensor.data, [tensor.data.length, 1]))
}
