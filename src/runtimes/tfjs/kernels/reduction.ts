import * as tf from '@tensorflow/tfjs-core'
import type { Tensor } from '@tensorflow/tfjs-core'
import { floatAttribute, intAttribute } from '../../../core/graph/graph'
import { knownIntegers } from '../../../core/graph/operators/operator'
import { input, outputShape, type Kernel } from './kernel'

/** Over the axes of the second operand, or over all. */
const reduce =
  (compute: (x: Tensor, axes: number[] | undefined) => Tensor): Kernel =>
  (at) => {
    const axes = knownIntegers(at.node, at.operands, 1)
    const isNothing = axes?.length === 0 && intAttribute(at.node, 'noop_with_empty_axes', 0) === 1
    if (isNothing) return input(at, 0)
    return tf.reshape(compute(input(at, 0), axes === null || axes.length === 0 ? undefined : axes), outputShape(at))
  }

export const reduction: Readonly<Record<string, Kernel>> = {
  ReduceSum: reduce((x, axes) => tf.sum(x, axes)),
  ReduceMean: reduce((x, axes) => tf.mean(x, axes)),
  ReduceMin: reduce((x, axes) => tf.min(x, axes)),
  ReduceMax: reduce((x, axes) => tf.max(x, axes)),
  ReduceProd: reduce((x, axes) => tf.prod(x, axes)),
  ReduceL2: reduce((x, axes) => tf.sqrt(tf.sum(tf.square(x), axes))),

  Softmax: (at) => {
    const x = input(at, 0)
    const axis = (intAttribute(at.node, 'axis', -1) + x.rank) % x.rank
    if (axis === x.rank - 1) return tf.softmax(x)
    const shifted = tf.exp(tf.sub(x, tf.max(x, axis, true)))
    return tf.div(shifted, tf.sum(shifted, axis, true))
  },

  /** Over all axes from `axis` on; the mean and the reciprocal of the deviation are its further outputs. */
  LayerNormalization: (at) => {
    const [x, scale, bias] = [input(at, 0), input(at, 1), at.inputs[2]]
    const axis = intAttribute(at.node, 'axis', -1)
    const first = axis < 0 ? axis + x.rank : axis
    const axes = Array.from({ length: x.rank - first }, (_, i) => first + i)
    const mean = tf.mean(x, axes, true)
    const centred = tf.sub(x, mean)
    const variance = tf.mean(tf.square(centred), axes, true)
    const reciprocal = tf.div(1, tf.sqrt(tf.add(variance, floatAttribute(at.node, 'epsilon', 1e-5))))
    const scaled = tf.mul(tf.mul(centred, reciprocal), scale)
    return [bias ? tf.add(scaled, bias) : scaled, mean, reciprocal].slice(0, at.outputs.length)
  }
}
