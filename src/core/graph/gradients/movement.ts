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
  Flatten: reshapeBack,
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
    const [only, ...others] = step.constant(1) ?? []
    if (only !== undefined && others.length === 0 && step.shape(indices).length <= 1) {
      // One of several, as q, k and v are taken out of their layer: zeros stand in the others' places.
      const size = step.size(x, axis)
      const place = only < 0 ? only + size : only
      const [before, after] = [place, size - 1 - place].map((count) =>
        step.shape(x).map((_, i) => (i === axis ? count : 0))
      )
      const row = step.shape(indices).length === 1 ? step.upstream : unsqueezed(step, step.upstream, axis)
      return [builder.apply('Pad', [row, builder.integers([...(before ?? []), ...(after ?? [])])]), null]
    }
    if (axis !== 0) throw step.misfit('only the first axis is known where it is no reordering')
    const shape = step.shape(x).map((_, i) => step.size(x, i))
    const zeros = builder.apply('Expand', [builder.scalar(0), builder.integers(shape)])
    const rows = builder.reshape(indices, [-1, 1])
    const updates = builder.reshape(step.upstream, [-1, ...shape.slice(1)])
    return [builder.apply('ScatterND', [zeros, rows, updates], { reduction: string('add') }), null]
  },

  /** Of constant bounds along fixed sizes: zeros stand where nothing was taken. */
  Slice: (step) => {
    const { builder } = step
    const x = step.input(0)
    const rank = step.shape(x).length
    const known = (index: number): readonly number[] | null => step.constant(index)
    const [starts, ends] = [known(1), known(2)]
    if (starts === null || ends === null) throw step.misfit('its bounds are known only at run time')
    const axes = (known(3) ?? starts.map((_, i) => i)).map((axis) => (axis < 0 ? axis + rank : axis))
    const strides = known(4) ?? axes.map(() => 1)
    const before = new Array<number>(rank).fill(0)
    const after = new Array<number>(rank).fill(0)
    const backwards = axes.filter((_, i) => (strides[i] ?? 1) < 0)
    let spread = backwards.length === 0 ? step.upstream : reversed(step, step.upstream, backwards)
    // In order, so that sizes behind an axis are still those of the output.
    const inOrder = axes.map((axis, i) => [axis, i] as const).toSorted(([a], [b]) => a - b)
    for (const [axis, i] of inOrder) {
      const size = step.size(x, axis)
      const stride = strides[i] ?? 1
      const count = step.size(step.output(), axis)
      const given = starts[i] ?? 0
      const start = Math.min(Math.max(given < 0 ? given + size : given, 0), stride < 0 ? size - 1 : size)
      // Backwards the first element is the last one that is taken.
      const first = stride < 0 ? start + (count - 1) * stride : start
      const width = Math.abs(stride)
      if (width > 1) spread = withGaps(step, spread, axis, width)
      before[axis] = first
      // What would come after the last gap may be less than a step.
      after[axis] = size - first - count * width
    }
    return [builder.apply('Pad', [spread, builder.integers([...before, ...after])])]
  },

  /** Of constant pads: what was added is cut off again, and where it repeats values of x it is added to these. */
  Pad: (step) => {
    const { builder, node } = step
    const pads = step.constant(1)
    if (pads === null) throw step.misfit('its pads are known only at run time')
    const rank = pads.length / 2
    const mode = stringAttribute(node, 'mode', 'constant')
    if (mode !== 'constant') {
      let gradient = step.upstream
      for (let axis = 0; axis < rank; axis++) {
        const [before = 0, after = 0] = [pads[axis], pads[rank + axis]]
        if (before < 0 || after < 0) throw step.misfit('its pads are negative')
        if (before > 0 || after > 0) gradient = withoutPads(step, gradient, mode, { axis, rank, before, after })
      }
      return [gradient]
    }
    const axes = Array.from({ length: rank }, (_, i) => i)
    const starts = builder.integers(pads.slice(0, rank))
    // Counted from the end, so that free sizes need not be known; nothing is cut where nothing was added.
    const ends = builder.integers(axes.map((axis) => -(pads[rank + axis] ?? 0) || Number.MAX_SAFE_INTEGER))
    return [builder.slice(step.upstream, starts, ends, axes)]
  },

  /** Pixels back to channels, in the order they came from: torch's pixel_shuffle is CRD. */
  DepthToSpace: (step) => {
    const { builder, node } = step
    const x = step.input(0)
    const order = stringAttribute(node, 'mode', 'DCR') === 'CRD' ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]
    const r = intAttribute(node, 'blocksize')
    const [height, width, depth] = [step.size(x, 2), step.size(x, 3), step.size(step.output(), 1)]
    const blocks = builder.reshape(step.upstream, [-1, depth, height, r, width, r])
    return [step.likeShapeOf(builder.transpose(blocks, order), x)]
  },

  SpaceToDepth: (step) => {
    const blocksize = int(intAttribute(step.node, 'blocksize'))
    return [step.builder.apply('DepthToSpace', [step.upstream], { blocksize, mode: string('DCR') })]
  },

  /** The sum over the repetitions. */
  Tile: (step) => {
    const { builder } = step
    const repeats = step.constant(1)
    if (repeats === null) throw step.misfit('its repetitions are known only at run time')
    const x = step.input(0)
    const split = step.shape(x).flatMap((size, axis) => {
      const times = repeats[axis] ?? 1
      return [...(times > 1 ? [times] : []), typeof size === 'number' ? size : -1]
    })
    if (split.filter((size) => size === -1).length > 1) throw step.misfit('several of its sizes are free')
    let at = 0
    const axes = repeats.flatMap((times) => {
      const here = at
      at += times > 1 ? 2 : 1
      return times > 1 ? [here] : []
    })
    if (axes.length === 0) return [step.upstream, null]
    const blocks = builder.reshape(step.upstream, split)
    return [builder.apply('ReduceSum', [blocks, builder.integers(axes)], { keepdims: int(0) }), null]
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

function unsqueezed({ builder }: BackwardStep, x: Value, axis: number): Value {
  return builder.apply('Unsqueeze', [x, builder.integers([axis])])
}

/** `x`, of the shape of the node's output in that axis, with width − 1 zeros behind each of its elements along an axis. */
function withGaps(step: BackwardStep, x: Value, axis: number, width: number): Value {
  const { builder } = step
  const shape = step.shape(step.output())
  const pads = (size: number): readonly number[] => [...shape, 1].map((_, i) => (i === axis + 1 ? size : 0))
  const spread = builder.apply('Pad', [
    unsqueezed(step, x, axis + 1),
    builder.integers([...pads(0), ...pads(width - 1)])
  ])
  // Sizes in front stay; the two axes become one, and what is behind them stays.
  const behind = step.shape(step.input(0)).slice(axis + 1)
  if (behind.some((size) => typeof size !== 'number'))
    throw step.misfit('sizes behind the axis it steps along are free')
  const sizes = behind.map((_, i) => step.size(step.output(), axis + 1 + i))
  return builder.reshape(spread, [
    ...shape.slice(0, axis).map(() => 0),
    step.size(step.output(), axis) * width,
    ...sizes
  ])
}

/** Where along an axis of `size` values padding by `count` of them takes these from. */
type PadSource = (size: number, count: number) => { readonly first: number; readonly isTurned: boolean }

/** In front of x and behind it, by ONNX's names of the modes; `edge` repeats one value, the others take as many as they add. */
const padSources: Readonly<Record<string, readonly [front: PadSource, back: PadSource]>> = {
  reflect: [() => ({ first: 1, isTurned: true }), (size, count) => ({ first: size - 1 - count, isTurned: true })],
  wrap: [(size, count) => ({ first: size - count, isTurned: false }), () => ({ first: 0, isTurned: false })]
}

/** The gradient of x of that of x padded along one axis by its own values: what was repeated is added where it came from. */
function withoutPads(
  step: BackwardStep,
  gradient: Value,
  mode: string,
  {
    axis,
    rank,
    before,
    after
  }: { readonly axis: number; readonly rank: number; readonly before: number; readonly after: number }
): Value {
  const { builder } = step
  const size = step.size(step.input(0), axis)
  const cut = (from: number, to: number): Value =>
    builder.slice(gradient, builder.integers([from]), builder.integers([to]), [axis])
  const placed = (part: Value, first: number, count: number): Value => {
    const pads = [first, size - first - count].flatMap((pad) =>
      Array.from({ length: rank }, (_, i) => (i === axis ? pad : 0))
    )
    return builder.apply('Pad', [part, builder.integers(pads)])
  }
  const added = [
    { part: () => cut(0, before), count: before },
    { part: () => cut(before + size, before + size + after), count: after }
  ].flatMap(({ part, count }, i): Value[] => {
    if (count === 0) return []
    if (mode === 'edge') {
      const sum = builder.apply('ReduceSum', [part(), builder.integers([axis])], { keepdims: int(1) })
      return [placed(sum, i === 0 ? 0 : size - 1, 1)]
    }
    const source = padSources[mode]?.[i]?.(size, count)
    if (source === undefined) throw step.misfit(`padding by "${mode}" is not known`)
    return [placed(source.isTurned ? reversed(step, part(), [axis]) : part(), source.first, count)]
  })
  return builder.apply('Sum', [cut(before, before + size), ...added])
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
