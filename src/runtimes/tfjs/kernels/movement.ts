import * as tf from '@tensorflow/tfjs-core'
import type { Tensor } from '@tensorflow/tfjs-core'
import { intAttribute, intsAttribute, stringAttribute } from '../../../core/graph/graph'
import { knownIntegers, normalizeAxis } from '../../../core/graph/operators/operator'
import { elementCount } from '../../../core/tensor'
import { input, notHere, outputShape, type Application, type Kernel } from './kernel'
import { resize } from './resizing'

const reshape: Kernel = (at) => tf.reshape(input(at, 0), outputShape(at))

/** Positions on an axis counted from its front. */
function fromFront(indices: Tensor, sizes: Tensor): Tensor {
  return tf.where(tf.less(indices, 0), tf.add(indices, sizes), indices)
}

const slice: Kernel = (at) => {
  const x = input(at, 0)
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((i) => knownIntegers(at.node, at.operands, i))
  const from = x.shape.map(() => 0)
  const by = x.shape.map(() => 1)
  starts?.forEach((start, i) => {
    const axis = normalizeAxis(at.node, axes?.[i] ?? i, x.rank)
    const [size, step] = [x.shape[axis] ?? 0, steps?.[i] ?? 1]
    const front = start < 0 ? start + size : start
    from[axis] = Math.min(Math.max(front, 0), step > 0 ? size : size - 1)
    by[axis] = step
  })
  if (ends === undefined) throw notHere(at.node, 'ends that are not known')
  const shape = outputShape(at)
  if (by.every((step) => step === 1)) return tf.slice(x, from, shape)
  return shape.reduce<Tensor>((part, count, axis) => {
    const [start = 0, step = 1] = [from[axis], by[axis]]
    if (step === 1 && start === 0 && count === part.shape[axis]) return part
    return tf.gather(part, tf.tensor1d(Int32Array.from({ length: count }, (_, i) => start + i * step)), axis)
  }, x)
}

/** The position on an axis of `size` that a position beyond its ends shows. */
const beyond: Readonly<Record<string, (position: number, size: number) => number>> = {
  edge: (position, size) => Math.min(Math.max(position, 0), size - 1),
  reflect: (position, size) => {
    const period = Math.max(1, 2 * (size - 1))
    const within = ((position % period) + period) % period
    return within < size ? within : period - within
  },
  wrap: (position, size) => ((position % size) + size) % size
}

const pad: Kernel = (at) => {
  const x = input(at, 0)
  const pads = knownIntegers(at.node, at.operands, 1) ?? []
  const axes = knownIntegers(at.node, at.operands, 3) ?? [...x.shape.keys()]
  const around = x.shape.map((): [number, number] => [0, 0])
  axes.forEach((axis, i) => {
    around[normalizeAxis(at.node, axis, x.rank)] = [pads[i] ?? 0, pads[axes.length + i] ?? 0]
  })
  const mode = stringAttribute(at.node, 'mode', 'constant')
  const shown = beyond[mode]
  if (shown !== undefined) {
    return around.reduce<Tensor>((padded, [before, after], axis) => {
      const size = x.shape[axis] ?? 0
      if (before === 0 && after === 0) return padded
      const indices = Int32Array.from({ length: before + size + after }, (_, i) => shown(i - before, size))
      return tf.gather(padded, tf.tensor1d(indices), axis)
    }, x)
  }
  if (mode !== 'constant') throw notHere(at.node, `the mode "${mode}"`)
  const value = Number(at.operands[2]?.known?.[0] ?? 0)
  const added = around.map((sides) => sides.map((count) => Math.max(0, count)) as [number, number])
  const padded = added.flat().some((count) => count > 0) ? tf.pad(x, added, value) : x
  // Less than nothing is cut off.
  return tf.slice(
    padded,
    around.map(([before]) => Math.max(0, -before)),
    outputShape(at)
  )
}

/** x [N, …, C] whose channels hold blocks of r × r pixels, as [N, C / r², H · r, W · r]. */
const depthToSpace: Kernel = (at) => {
  const x = input(at, 0)
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape
  const r = intAttribute(at.node, 'blocksize')
  const depth = channels / (r * r)
  const isChannelFirst = stringAttribute(at.node, 'mode', 'DCR') === 'CRD'
  const blocks = isChannelFirst ? [batch, depth, r, r, height, width] : [batch, r, r, depth, height, width]
  const order = isChannelFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2]
  return tf.reshape(tf.transpose(tf.reshape(x, blocks), order), outputShape(at))
}

const spaceToDepth: Kernel = (at) => {
  const x = input(at, 0)
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape
  const r = intAttribute(at.node, 'blocksize')
  const blocks = tf.reshape(x, [batch, channels, height / r, r, width / r, r])
  return tf.reshape(tf.transpose(blocks, [0, 3, 5, 1, 2, 4]), outputShape(at))
}

/** Indices [rows, depth] of a GatherND or ScatterND, and what is left of x behind them as one row each. */
function rowsAt(at: Application): { readonly rows: Tensor; readonly positions: Tensor; readonly count: number } {
  const [x, indices] = [input(at, 0), input(at, 1)]
  const depth = indices.shape.at(-1) ?? 1
  const sizes = x.shape.slice(0, depth)
  const counted = fromFront(tf.reshape(indices, [-1, depth]), tf.tensor1d(sizes, 'int32'))
  const strides = sizes.map((_, i) => elementCount(sizes.slice(i + 1)))
  const count = elementCount(sizes)
  return {
    rows: tf.reshape(x, [count, -1]),
    positions: tf.sum(tf.mul(counted, tf.tensor1d(strides, 'int32')), 1),
    count
  }
}

export const movement: Readonly<Record<string, Kernel>> = {
  Identity: (at) => input(at, 0),
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: (at) => {
    const order = intsAttribute(at.node, 'perm', null)
    return tf.transpose(input(at, 0), order === null ? undefined : [...order])
  },
  Concat: (at) => {
    const parts = at.inputs.map((_, i) => input(at, i))
    const axis = normalizeAxis(at.node, intAttribute(at.node, 'axis'), parts[0]?.rank ?? 0)
    return tf.concat(parts, axis)
  },
  Split: (at) => {
    const x = input(at, 0)
    const axis = normalizeAxis(at.node, intAttribute(at.node, 'axis', 0), x.rank)
    return tf.split(
      x,
      at.outputs.map(({ shape }) => shape[axis] ?? 0),
      axis
    )
  },
  Slice: slice,
  Pad: pad,
  Expand: (at) => tf.broadcastTo(input(at, 0), outputShape(at)),
  Tile: (at) => tf.tile(input(at, 0), knownIntegers(at.node, at.operands, 1) ?? []),
  Gather: (at) => {
    const x = input(at, 0)
    const axis = normalizeAxis(at.node, intAttribute(at.node, 'axis', 0), x.rank)
    const indices = fromFront(input(at, 1), tf.scalar(x.shape[axis] ?? 0, 'int32'))
    return tf.reshape(tf.gather(x, tf.reshape(indices, [-1]), axis), outputShape(at))
  },
  GatherND: (at) => {
    const { rows, positions } = rowsAt(at)
    return tf.reshape(tf.gather(rows, positions), outputShape(at))
  },
  /** In place of what is there, or added to it; where rows meet when they replace, the last one counts. */
  ScatterND: (at) => {
    const { rows, positions, count } = rowsAt(at)
    const updates = tf.reshape(input(at, 2), [positions.size, -1])
    const width = rows.shape[1] ?? 1
    const scattered = tf.scatterND(tf.expandDims(positions, 1), updates, [count, width])
    const reduction = stringAttribute(at.node, 'reduction', 'none')
    if (reduction === 'add') return tf.reshape(tf.add(rows, scattered), outputShape(at))
    if (reduction !== 'none') throw notHere(at.node, `the reduction "${reduction}"`)
    const isHit = tf.scatterND(tf.expandDims(positions, 1), tf.onesLike(updates), [count, width])
    return tf.reshape(tf.where(tf.greater(isHit, 0), scattered, rows), outputShape(at))
  },
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize
}
