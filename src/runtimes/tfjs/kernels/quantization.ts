import * as tf from '@tensorflow/tfjs-core'
import type { Tensor } from '@tensorflow/tfjs-core'
import { intAttribute } from '../../../core/graph/graph'
import type { ElementType } from '../../../core/tensor'
import { input, type Application, type Kernel } from './kernel'

/** The numbers that integers of a type reach from and to. */
const ranges: Readonly<Partial<Record<ElementType, readonly [number, number]>>> = {
  uint2: [0, 3],
  uint4: [0, 15],
  uint8: [0, 255],
  uint16: [0, 65535],
  int8: [-128, 127]
}

/** A scale or zero point, of the channels of an axis where there are several. */
function spread(at: Application, index: number): Tensor | null {
  const given = at.inputs[index]
  if (!given) return null
  const x = input(at, 0)
  const values = tf.cast(given, 'float32')
  if (values.size === 1) return tf.reshape(values, [])
  const axis = intAttribute(at.node, 'axis', 1)
  return tf.reshape(
    values,
    x.shape.map((size, i) => (i === (axis + x.rank) % x.rank ? size : 1))
  )
}

export const quantization: Readonly<Record<string, Kernel>> = {
  /** Rounded to even in the middle, then clamped to the type. */
  QuantizeLinear: (at) => {
    const scaled = tf.round(tf.div(input(at, 0), spread(at, 1) ?? 1))
    const zero = spread(at, 2)
    const [least, most] = ranges[at.outputs[0]?.type ?? 'uint8'] ?? [0, 255]
    return tf.cast(tf.clipByValue(zero === null ? scaled : tf.add(scaled, zero), least, most), 'int32')
  },

  DequantizeLinear: (at) => {
    const codes = tf.cast(input(at, 0), 'float32')
    const zero = spread(at, 2)
    return tf.mul(zero === null ? codes : tf.sub(codes, zero), spread(at, 1) ?? 1)
  },

  /** No gradients are taken here: these are part of the graph. */
  StopGradient: (at) => input(at, 0)
}
