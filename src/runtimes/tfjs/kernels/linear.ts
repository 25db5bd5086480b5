import * as tf from '@tensorflow/tfjs-core'
import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import { floatAttribute, intAttribute, intsAttribute } from '../../../core/graph/graph'
import { elementCount } from '../../../core/tensor'
import { input, outputShape, type Application, type Kernel } from './kernel'

type Pair = [number, number]

/** Height and width of a node's list, each its default where absent. */
function pair(at: Application, name: string): Pair {
  const [height = 1, width = 1] = intsAttribute(at.node, name, [])
  return [height, width]
}

/** Zeros at the ends of height and width of [N, C, H, W]: top, left, bottom, right. */
function padsOf(at: Application): readonly [number, number, number, number] {
  const [top = 0, left = 0, bottom = 0, right = 0] = intsAttribute(at.node, 'pads', [])
  return [top, left, bottom, right]
}

/** tfjs wants channels last. */
const channelsLast = (x: Tensor): Tensor4D => tf.transpose(x, [0, 2, 3, 1]) as Tensor4D
const channelsFirst = (x: Tensor): Tensor => tf.transpose(x, [0, 3, 1, 2])

function padded(x: Tensor, [top, left, bottom, right]: ReturnType<typeof padsOf>, value = 0): Tensor {
  if (top + left + bottom + right === 0) return x
  return tf.pad(
    x,
    [
      [0, 0],
      [0, 0],
      [top, bottom],
      [left, right]
    ],
    value
  )
}

/** A kernel [a, b, h, w] with zeros between its elements, as holes are. */
function dilated(kernel: Tensor, [down, across]: Pair): Tensor {
  if (down === 1 && across === 1) return kernel
  const [a = 1, b = 1, h = 1, w = 1] = kernel.shape
  const spread = tf.pad(tf.reshape(kernel, [a, b, h, 1, w, 1]), [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, down - 1],
    [0, 0],
    [0, across - 1]
  ])
  const whole = tf.reshape(spread, [a, b, h * down, w * across])
  return tf.slice(whole, [0, 0, 0, 0], [a, b, (h - 1) * down + 1, (w - 1) * across + 1])
}

/** What groups of channels of a picture [N, H, W, C] give by kernels [C, …] of their own, side by side as [N, C, H, W]. */
function inGroups(
  groups: number,
  picture: Tensor4D,
  kernel: Tensor,
  convolveGroup: (picture: Tensor4D, filter: Tensor4D) => Tensor
): Tensor {
  const pictures: Tensor4D[] = tf.split(picture, groups, 3)
  const kernels = tf.split(kernel, groups, 0)
  const parts = pictures.map((part, i) => {
    return convolveGroup(part, tf.transpose(kernels[i] ?? kernel, [2, 3, 1, 0]) as Tensor4D)
  })
  return channelsFirst(tf.concat(parts, 3))
}

/** x [N, C, H, W] ∗ W [outputs, C / groups, h, w], without a bias. */
function convolve(at: Application, x: Tensor, weight: Tensor): Tensor {
  const groups = intAttribute(at.node, 'group', 1)
  const strides = pair(at, 'strides')
  const image = channelsLast(padded(x, padsOf(at)))
  const kernel = dilated(weight, pair(at, 'dilations'))
  const [outputs = 1, own = 1, height = 1, width = 1] = kernel.shape
  if (groups > 1 && own === 1 && strides[0] === strides[1]) {
    const filters = tf.transpose(tf.reshape(kernel, [groups, outputs / groups, height, width]), [2, 3, 0, 1])
    return channelsFirst(tf.depthwiseConv2d(image, filters as Tensor4D, strides, 'valid'))
  }
  return inGroups(groups, image, kernel, (part, filter) => tf.conv2d(part, filter, strides, 'valid'))
}

const overChannels = (bias: Tensor): Tensor => tf.reshape(bias, [1, -1, 1, 1])

const convolution: Kernel = (at) => {
  const sum = convolve(at, input(at, 0), input(at, 1))
  const bias = at.inputs[2]
  return bias ? tf.add(sum, overChannels(bias)) : sum
}

/** The transpose: every pixel of x [N, C, H, W] puts a kernel of W [C, outputs / groups, h, w] where it stands. */
const transposedConvolution: Kernel = (at) => {
  const [x, weight, bias] = [input(at, 0), input(at, 1), at.inputs[2]]
  const groups = intAttribute(at.node, 'group', 1)
  const strides = pair(at, 'strides')
  const [top, left] = padsOf(at)
  const [batch = 1, , height = 1, width = 1] = outputShape(at)
  const kernel = dilated(weight, pair(at, 'dilations'))
  const [, own = 1, reachDown = 1, reachAcross = 1] = kernel.shape
  const [, , rows = 1, columns = 1] = x.shape
  // All of the picture that kernels reach; pads cut it off, and beyond it there are zeros.
  const whole: Pair = [(rows - 1) * strides[0] + reachDown, (columns - 1) * strides[1] + reachAcross]
  const placed = inGroups(groups, channelsLast(x), kernel, (part, filter) => {
    return tf.conv2dTranspose(part, filter, [batch, ...whole, own], strides, 'valid')
  })
  const spread = tf.pad(placed, [
    [0, 0],
    [0, 0],
    [0, Math.max(0, top + height - whole[0])],
    [0, Math.max(0, left + width - whole[1])]
  ])
  const sum = tf.slice(spread, [0, 0, top, left], outputShape(at))
  return bias ? tf.add(sum, overChannels(bias)) : sum
}

/** x at one place of every window, [N, C, rows, columns] of windows. */
function* placesOf(at: Application, x: Tensor): Generator<Tensor> {
  const [height, width] = pair(at, 'kernel_shape')
  const [down, across] = pair(at, 'strides')
  const [holesDown, holesAcross] = pair(at, 'dilations')
  const [, , rows = 1, columns = 1] = outputShape(at)
  const [batch = 1, channels = 1] = x.shape
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) {
      const begin = [0, 0, i * holesDown, j * holesAcross]
      const end = [
        batch,
        channels,
        (begin[2] ?? 0) + (rows - 1) * down + 1,
        (begin[3] ?? 0) + (columns - 1) * across + 1
      ]
      yield tf.stridedSlice(x, begin, end, [1, 1, down, across])
    }
  }
}

/** The largest of each window, the first one where several are; and where in x that stands. */
const maxPool: Kernel = (at) => {
  const x = input(at, 0)
  const pads = padsOf(at)
  const positions = tf.reshape(tf.range(0, x.size, 1, 'float32'), x.shape)
  const places = [...placesOf(at, padded(x, pads, -Infinity))]
  const standing = at.outputs.length > 1 ? [...placesOf(at, padded(positions, pads, -1))] : []
  const [first, ...others] = places
  if (first === undefined) throw new Error(`"${at.node.name}" has no windows`)
  let [largest, position] = [first, standing[0]]
  others.forEach((place, i) => {
    const next = standing[i + 1]
    if (position && next) position = tf.where(tf.greater(place, largest), next, position)
    largest = tf.maximum(largest, place)
  })
  return position ? [largest, tf.cast(position, 'int32')] : largest
}

/** Of what lies within the picture, or with `count_include_pad` of all that a window covers. */
const averagePool: Kernel = (at) => {
  const x = input(at, 0)
  const pads = padsOf(at)
  const sumOf = (of: Tensor): Tensor => [...placesOf(at, padded(of, pads))].reduce((sum, place) => tf.add(sum, place))
  const isEqual = pads.every((pad) => pad === 0) || intAttribute(at.node, 'count_include_pad', 0) === 1
  return tf.div(sumOf(x), isEqual ? elementCount(pair(at, 'kernel_shape')) : sumOf(tf.onesLike(x)))
}

/** Batches of tfjs repeat only as a whole. */
function multiply(a: Tensor, b: Tensor): Tensor {
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)]
  if (batchA.join() === batchB.join()) return tf.matMul(a, b)
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB)
  const spread = (x: Tensor): Tensor => tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)])
  if (elementCount(batchB) === 1) {
    // One matrix for all of them.
    const product = tf.matMul(tf.reshape(a, [-1, a.shape.at(-1) ?? 1]), tf.reshape(b, b.shape.slice(-2)))
    return tf.reshape(product, [...batch, a.shape.at(-2) ?? 1, b.shape.at(-1) ?? 1])
  }
  return tf.matMul(spread(a), spread(b))
}

const float = (x: Tensor): Tensor => tf.cast(x, 'float32')

/** Integers less their zero point, as numbers. */
function counted(at: Application, index: number, zero: number): Tensor {
  const from = at.inputs[zero]
  return from ? tf.sub(float(input(at, index)), float(from)) : float(input(at, index))
}

export const linear: Readonly<Record<string, Kernel>> = {
  MatMul: (at) => multiply(input(at, 0), input(at, 1)),

  Gemm: (at) => {
    const [a, b, bias] = [input(at, 0), input(at, 1), at.inputs[2]]
    const isTransposed = (name: string): boolean => intAttribute(at.node, name, 0) === 1
    const product = tf.matMul(a, b, isTransposed('transA'), isTransposed('transB'))
    const [alpha, beta] = [floatAttribute(at.node, 'alpha', 1), floatAttribute(at.node, 'beta', 1)]
    const scaled = alpha === 1 ? product : tf.mul(product, alpha)
    if (!bias) return scaled
    return tf.add(scaled, beta === 1 ? bias : tf.mul(bias, beta))
  },

  MatMulIntegerToFloat: (at) => {
    const product = multiply(counted(at, 0, 4), counted(at, 1, 5))
    const scaled = tf.mul(product, tf.mul(input(at, 2), input(at, 3)))
    const bias = at.inputs[6]
    return bias ? tf.add(scaled, bias) : scaled
  },

  Conv: convolution,
  ConvInteger: (at) => tf.cast(tf.round(convolve(at, counted(at, 0, 2), counted(at, 1, 3))), 'int32'),
  ConvTranspose: transposedConvolution,
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: (at) => tf.mean(input(at, 0), [2, 3], true)
}
