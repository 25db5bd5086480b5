import type { Value } from '../builder'
import type { Dimension } from '../dimension'
import { int, intAttribute, intsAttribute, string, stringAttribute } from '../graph'
import { floatTensor } from '../../tensor'
import type { BackwardStep, GradientRule } from './rule'

/** Where a reshaped tensor goes back to the shape it had. */
const reshapeBack: GradientRule = (step) => [step.likeShapeOf(step.upstream, step.input(0))]

function axisOf(step: BackwardStep, fallback: number, value: Value): number {
  const axis = intAttribute(step.node, 'axis', fallback)
  return axis < 0 ? axis + step.shape(value).length : axis
}

export const movement: Readonly<Record<string, GradientRule>> = {
  Reshape: reshapeBack,
  Squeeze: reshapeBack,
  Unsqueeze: reshapeBack,
  Expand: (step) => [step.unbroadcast(step.upstream, 0), null],

  Transpose: (step) => {
    const rank = step.shape(step.input(0)).length
    const order = intsAttribute(
      step.node,
      'perm',
      Array.from({ length: rank }, (_, i) => rank - 1 - i)
    )
    const inverse = order.map((_, axis) => order.indexOf(axis))
    return [step.builder.transpose(step.upstream, inverse)]
  },

  Concat: (step) => {
    const { builder, node } = step
    const axis = axisOf(step, 0, step.output())
    const sizes = node.inputs.map((input) => step.size(input, axis))
    return builder.split(step.upstream, sizes, axis)
  },

  /** Parts on which the loss does not depend have a gradient of zero. */
  Split: (step) => {
    const { builder, node } = step
    const parts = node.outputs.map((output, i) => step.upstreams[i] ?? zerosLike(step, output))
    return [builder.concat(parts, axisOf(step, 0, step.input(0))), null]
  },

  /** Of a reordering by the inverse order; else every element's gradient is added up where it was taken from. */
  Gather: (step) => {
    const { builder } = step
    const [x, indices] = [step.input(0), step.input(1)]
    const axis = axisOf(step, 0, x)
    const inverse = inverseOf(step.constant(1), step.shape(indices).length, step.shape(x)[axis])
    if (inverse !== null) return [builder.gather(step.upstream, builder.integers(inverse), axis), null]
    if (axis !== 0) throw step.misfit('only the first axis is known where it is no reordering')
    const shape = step.shape(x).map((_, i) => step.size(x, i))
    const zeros = builder.apply('Expand', [builder.scalar(0), builder.integers(shape)])
    const rows = builder.reshape(indices, [-1, 1])
    const updates = builder.reshape(step.upstream, [-1, ...shape.slice(1)])
    return [builder.apply('ScatterND', [zeros, rows, updates], { reduction: string('add') }), null]
  },

  /** Of constant bounds along fixed sizes, steps of 1 or −1. */
  Slice: (step) => {
    const { builder } = step
    const x = step.input(0)
    const rank = step.shape(x).length
    const known = (index: number): readonly number[] | null => step.constant(index)
    const [starts, ends] = [known(1), known(2)]
    if (starts === null || ends === null) throw step.misfit('its bounds are known only at run time')
    const axes = known(3) ?? starts.map((_, i) => i)
    const strides = known(4) ?? axes.map(() => 1)
    if (strides.some((stride) => Math.abs(stride) !== 1)) throw step.misfit('its steps are neither 1 nor −1')
    const before = new Array<number>(rank).fill(0)
    const after = new Array<number>(rank).fill(0)
    axes.forEach((given, i) => {
      const axis = given < 0 ? given + rank : given
      const size = step.size(x, axis)
      const from = (at: number): number => (at < 0 ? at + size : at)
      const [start, end] = [from(starts[i] ?? 0), from(ends[i] ?? size)]
      // Backwards the first element is the last one that is cut out, and the end lies before all of them.
      const isForward = strides[i] === 1
      const first = isForward ? start : end + 1
      const beyond = isForward ? end : start + 1
      before[axis] = Math.min(Math.max(first, 0), size)
      after[axis] = size - Math.min(Math.max(beyond, 0), size)
    })
    const backwards = axes.filter((_, i) => strides[i] === -1)
    const ordered = backwards.length === 0 ? step.upstream : reversed(step, step.upstream, backwards)
    return [builder.apply('Pad', [ordered, builder.integers([...before, ...after])])]
  },

  /** Of constant padding with zeros: what was added is cut off again. */
  Pad: (step) => {
    const { builder, node } = step
    if (stringAttribute(node, 'mode', 'constant') !== 'constant')
      throw step.misfit('only padding by a constant is known')
    const pads = step.constant(1)
    if (pads === null) throw step.misfit('its pads are known only at run time')
    const rank = pads.length / 2
    const axes = Array.from({ length: rank }, (_, i) => i)
    const starts = builder.integers(pads.slice(0, rank))
    // Counted from the end, so that free sizes need not be known; nothing is cut where nothing was added.
    const ends = builder.integers(axes.map((axis) => -(pads[rank + axis] ?? 0) || Number.MAX_SAFE_INTEGER))
    return [builder.slice(step.upstream, starts, ends, axes)]
  },

  /** Pixels back to channels, in the order of torch's pixel_shuffle. */
  DepthToSpace: (step) => {
    const { builder, node } = step
    const x = step.input(0)
    if (stringAttribute(node, 'mode', 'DCR') !== 'CRD') throw step.misfit('only the order CRD is known')
    const r = intAttribute(node, 'blocksize')
    const [height, width, depth] = [step.size(x, 2), step.size(x, 3), step.size(step.output(), 1)]
    const blocks = builder.reshape(step.upstream, [-1, depth, height, r, width, r])
    return [step.likeShapeOf(builder.transpose(blocks, [0, 1, 3, 5, 2, 4]), x)]
  },

  /** Of pixels repeated a whole number of times: the sum over the repetitions; of linear interpolation: its transpose. */
  Resize: (step) => {
    const { builder, node } = step
    const x = step.input(0)
    const [height, width, channels] = [step.size(x, 2), step.size(x, 3), step.size(x, 1)]
    const [tall, wide] = [step.size(step.output(), 2), step.size(step.output(), 3)]
    const mode = stringAttribute(node, 'mode', 'nearest')
    if (mode === 'linear' && intAttribute(node, 'antialias', 0) === 0) {
      const scales = step.constant(2)?.slice(2) ?? []
      const byRow = interpolation(step, height, tall, scales[0] ?? tall / height)
      const byColumn = interpolation(step, width, wide, scales[1] ?? wide / width)
      return [builder.matmul(builder.transpose(byRow, [1, 0]), builder.matmul(step.upstream, byColumn))]
    }
    const [rows, columns] = [tall / height, wide / width]
    if (mode !== 'nearest' || rows % 1 !== 0 || columns % 1 !== 0) {
      throw step.misfit('only linear interpolation and repeating pixels a whole number of times are known')
    }
    const blocks = builder.reshape(step.upstream, [-1, channels, height, rows, width, columns])
    return [builder.apply('ReduceSum', [blocks, builder.integers([3, 5])], { keepdims: int(0) })]
  }
}

/** The matrix [to, from] by which linear interpolation makes `to` values out of `from`, as ONNX defines Resize. */
function interpolation(step: BackwardStep, from: number, to: number, scale: number): Value {
  const mode = stringAttribute(step.node, 'coordinate_transformation_mode', 'half_pixel')
  const place = placements[mode]
  if (place === undefined) throw step.misfit(`the coordinates "${mode}" are not known`)
  const matrix = new Float32Array(to * from)
  for (let row = 0; row < to; row++) {
    const at = Math.min(Math.max(place(row, from, to, scale), 0), from - 1)
    const low = Math.floor(at)
    const high = Math.min(low + 1, from - 1)
    matrix[row * from + low] = 1 - (at - low)
    matrix[row * from + high] = (matrix[row * from + high] ?? 0) + (at - low)
  }
  return step.builder.constant(floatTensor(matrix, [to, from]))
}

/** Where among the values there were a new one lies, by the names of ONNX. */
const placements: Readonly<Record<string, (x: number, from: number, to: number, scale: number) => number>> = {
  half_pixel: (x, _, __, scale) => (x + 0.5) / scale - 0.5,
  pytorch_half_pixel: (x, _, to, scale) => (to > 1 ? (x + 0.5) / scale - 0.5 : 0),
  asymmetric: (x, _, __, scale) => x / scale,
  align_corners: (x, from, to) => (to > 1 ? (x * (from - 1)) / (to - 1) : 0)
}

/** The order along some axes turned around. */
function reversed({ builder }: BackwardStep, x: Value, axes: readonly number[]): Value {
  const each = (value: number): Value => builder.integers(axes.map(() => value))
  return builder.apply('Slice', [x, each(-1), each(Number.MIN_SAFE_INTEGER), builder.integers(axes), each(-1)])
}

/** The inverse of an order of so many elements; null where it is none. */
function inverseOf(
  order: readonly number[] | null,
  rank: number,
  size: Dimension | undefined
): readonly number[] | null {
  const places = new Map(order?.map((from, to) => [from, to]))
  if (rank !== 1 || order?.length !== size || places.size !== size) return null
  const inverse = Array.from({ length: places.size }, (_, i) => places.get(i) ?? -1)
  return inverse.includes(-1) ? null : inverse
}

function zerosLike(step: BackwardStep, value: Value): Value {
  return step.builder.multiply(value, step.builder.scalar(0))
}
