import { elementCount } from '../../tensor'
import {
  add,
  divideFloor,
  format,
  isWhole,
  multiply,
  product,
  sameDimension,
  sameShape,
  subtract,
  type Dimension
} from '../dimension'
import { intAttribute, intsAttribute, stringAttribute, type Node, type ValueType } from '../graph'
import {
  broadcast,
  broadcastStrides,
  knownDimensions,
  knownIntegers,
  misfit,
  normalizeAxis,
  numeric,
  numericShape,
  pick,
  required,
  type Operand,
  type Operator
} from './operator'

/** Row-major strides of a shape. */
function strides(shape: readonly number[]): number[] {
  return shape.map((_, i) => elementCount(shape.slice(i + 1)))
}

const copy: NonNullable<Operator['evaluate']> = (node, inputs) => [required(node, inputs, 0).known]

/** Starts and steps per axis of a Slice, and the shape it gives. Dynamic ends are taken within the picture. */
function sliceView(
  node: Node,
  inputs: readonly (Operand | null)[]
): { readonly starts: readonly Dimension[]; readonly steps: readonly number[]; readonly shape: readonly Dimension[] } {
  const x = required(node, inputs, 0)
  const from = knownDimensions(node, required(node, inputs, 1))
  const to = knownDimensions(node, required(node, inputs, 2))
  const axes = knownIntegers(node, inputs, 3) ?? from.map((_, i) => i)
  const by = knownIntegers(node, inputs, 4) ?? from.map(() => 1)
  const starts: Dimension[] = x.shape.map(() => 0)
  const steps = x.shape.map(() => 1)
  const shape = [...x.shape]
  axes.forEach((given, i) => {
    const axis = normalizeAxis(node, given, x.shape.length)
    const size = x.shape[axis] ?? 0
    const step = by[i] ?? 1
    const start = within(from[i] ?? 0, size, step > 0 ? 0 : -1)
    const end = within(to[i] ?? 0, size, step > 0 ? 0 : -1)
    starts[axis] = start
    steps[axis] = step
    const span = step > 0 ? subtract(end, start) : subtract(start, end)
    const count = divideFloor(add(span, Math.abs(step) - 1), Math.abs(step))
    shape[axis] = typeof count === 'number' ? Math.max(0, count) : count
  })
  return { starts, steps, shape }
}

/** A position of a slice counted from the front and clamped into the axis: [0, size], or [-1, size - 1] backwards. */
function within(position: Dimension, size: Dimension, shift: 0 | -1): Dimension {
  if (typeof position === 'number' && typeof size === 'number') {
    const fromFront = position < 0 ? position + size : position
    return Math.min(Math.max(fromFront, shift), size + shift)
  }
  if (typeof position !== 'number') return position
  if (position < 0) return add(size, position)
  return position > Number.MAX_SAFE_INTEGER / 4 ? add(size, shift) : position
}

function squeezedAxes(node: Node, inputs: readonly (Operand | null)[], rank: number): ReadonlySet<number> | null {
  const axes = knownIntegers(node, inputs, 1)
  return axes === null ? null : new Set(axes.map((axis) => normalizeAxis(node, axis, rank)))
}

export const movement: Readonly<Record<string, Operator>> = {
  Identity: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      return [{ type, shape }]
    },
    evaluate: copy
  },

  /** What it gives is known as soon as the shape of its input is (`partOfShape`). */
  Shape: {
    infer(node, inputs) {
      return [{ type: 'int64', shape: [partOfShape(node, required(node, inputs, 0)).length] }]
    }
  },

  /** 0 copies a size, −1 takes what is left. */
  Reshape: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      const target = knownDimensions(node, required(node, inputs, 1))
      const copied = target.map((size, i) => (size === 0 ? (x.shape[i] ?? 0) : size))
      const known = copied.filter((size) => size !== -1)
      const left = divideFloor(product(x.shape), product(known))
      const shape = copied.map((size) => (size === -1 ? left : size))
      if (!sameDimension(product(shape), product(x.shape))) {
        throw misfit(node, `[${x.shape.map(format).join(', ')}] does not reshape to [${target.map(format).join(', ')}]`)
      }
      return [{ type: x.type, shape }]
    },
    evaluate: copy
  },

  Transpose: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      const order = intsAttribute(node, 'perm', null) ?? x.shape.map((_, i) => x.shape.length - 1 - i)
      return [{ type: x.type, shape: order.map((axis) => x.shape[axis] ?? 0) }]
    },
    evaluate(node, inputs, [output]) {
      const x = required(node, inputs, 0)
      const order = intsAttribute(node, 'perm', null) ?? x.shape.map((_, i) => x.shape.length - 1 - i)
      const from = strides(numericShape(node, x.shape))
      const shape = numericShape(node, output?.shape ?? [])
      return [
        pick(
          x.known,
          shape,
          order.map((axis) => from[axis] ?? 0)
        )
      ]
    }
  },

  Gather: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      const indices = required(node, inputs, 1)
      const axis = normalizeAxis(node, intAttribute(node, 'axis', 0), x.shape.length)
      return [{ type: x.type, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] }]
    },
    evaluate(node, inputs) {
      const x = required(node, inputs, 0)
      const shape = numericShape(node, x.shape)
      const axis = normalizeAxis(node, intAttribute(node, 'axis', 0), shape.length)
      const indices = knownIntegers(node, inputs, 1) ?? []
      const inner = elementCount(shape.slice(axis + 1))
      const size = shape[axis] ?? 0
      const outer = elementCount(shape.slice(0, axis))
      const gathered: Dimension[] = []
      for (let o = 0; o < outer; o++) {
        for (const index of indices) {
          const start = (o * size + (index < 0 ? index + size : index)) * inner
          for (let i = 0; i < inner; i++) gathered.push(x.known[start + i] ?? NaN)
        }
      }
      return [gathered]
    }
  },

  /** x with other elements, or rows, where the indices point. */
  /** Parts of x, each at the place that a row of indices tells. */
  GatherND: {
    infer(node, inputs) {
      const [x, indices] = [required(node, inputs, 0), required(node, inputs, 1)]
      if (intAttribute(node, 'batch_dims', 0) !== 0) throw misfit(node, 'batch_dims is not supported')
      const depth = numeric(node, indices.shape.at(-1))
      return [{ type: x.type, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(depth)] }]
    }
  },

  ScatterND: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      return [{ type, shape }]
    },
    evaluate(node, inputs) {
      const x = required(node, inputs, 0)
      if (stringAttribute(node, 'reduction', 'none') !== 'none') return null
      const shape = numericShape(node, x.shape)
      const indices = required(node, inputs, 1)
      const depth = numeric(node, indices.shape.at(-1))
      const rowLength = elementCount(shape.slice(depth))
      const updates = required(node, inputs, 2).known
      const scattered = [...x.known]
      for (let row = 0; row * depth < indices.known.length; row++) {
        let at = 0
        for (let axis = 0; axis < depth; axis++) {
          const index = numeric(node, indices.known[row * depth + axis])
          const size = shape[axis] ?? 0
          at = at * size + (index < 0 ? index + size : index)
        }
        for (let i = 0; i < rowLength; i++) scattered[at * rowLength + i] = updates[row * rowLength + i] ?? NaN
      }
      return [scattered]
    }
  },

  /** The attribute `value`, one element, or float zero, over a whole shape. */
  ConstantOfShape: {
    infer(node, inputs) {
      const shape = knownDimensions(node, required(node, inputs, 0))
      const value = node.attributes['value']
      return [{ type: value?.kind === 'tensor' ? value.value.type : 'float32', shape }]
    },
    evaluate(node, _, [output]) {
      const value = node.attributes['value']
      const element = value?.kind === 'tensor' ? Number(value.value.data[0]) : 0
      return [new Array<number>(elementCount(numericShape(node, output?.shape ?? []))).fill(element)]
    }
  },

  /** Axes before `axis` become one, and so do the others. */
  Flatten: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const axis = intAttribute(node, 'axis', 1)
      const at = axis < 0 ? axis + shape.length : axis
      return [{ type, shape: [product(shape.slice(0, at)), product(shape.slice(at))] }]
    },
    evaluate: copy
  },

  /** The whole repeated along every axis. */
  Tile: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const repeats = knownDimensions(node, required(node, inputs, 1))
      return [{ type, shape: shape.map((size, axis) => multiply(size, repeats[axis] ?? 1)) }]
    }
  },

  Concat: {
    infer(node, inputs) {
      const first = required(node, inputs, 0)
      const axis = normalizeAxis(node, intAttribute(node, 'axis'), first.shape.length)
      const others = (shape: readonly Dimension[]): readonly Dimension[] => shape.filter((_, i) => i !== axis)
      let sum: Dimension = 0
      for (const [i] of inputs.entries()) {
        const { shape } = required(node, inputs, i)
        if (!sameShape(others(shape), others(first.shape))) throw misfit(node, 'its inputs differ along other axes')
        sum = add(sum, shape[axis] ?? 0)
      }
      return [{ type: first.type, shape: first.shape.map((size, i) => (i === axis ? sum : size)) }]
    },
    evaluate(node, inputs) {
      const rank = required(node, inputs, 0).shape.length
      const axis = normalizeAxis(node, intAttribute(node, 'axis'), rank)
      const parts = inputs.map((_, i) => {
        const { known, shape } = required(node, inputs, i)
        return { known, inner: elementCount(numericShape(node, shape).slice(axis)) }
      })
      const [first] = parts
      const outer = first === undefined || first.inner === 0 ? 0 : first.known.length / first.inner
      const joined: Dimension[] = []
      for (let o = 0; o < outer; o++) {
        for (const { known, inner } of parts) joined.push(...known.slice(o * inner, (o + 1) * inner))
      }
      return [joined]
    }
  },

  Split: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      const axis = normalizeAxis(node, intAttribute(node, 'axis', 0), x.shape.length)
      const parts = node.outputs.length
      const sizes = knownIntegers(node, inputs, 1) ?? equalParts(numeric(node, x.shape[axis]), parts)
      return sizes.map((size) => ({ type: x.type, shape: x.shape.map((old, i) => (i === axis ? size : old)) }))
    }
  },

  Slice: {
    infer(node, inputs) {
      return [{ type: required(node, inputs, 0).type, shape: sliceView(node, inputs).shape }]
    },
    evaluate(node, inputs) {
      const x = required(node, inputs, 0)
      const view = sliceView(node, inputs)
      const from = strides(numericShape(node, x.shape))
      const start = view.starts.reduce<number>((sum, at, i) => sum + numeric(node, at) * (from[i] ?? 0), 0)
      return [
        pick(
          x.known,
          numericShape(node, view.shape),
          from.map((stride, i) => stride * (view.steps[i] ?? 1)),
          start
        )
      ]
    }
  },

  Squeeze: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const axes = squeezedAxes(node, inputs, shape.length)
      return [{ type, shape: shape.filter((size, i) => (axes === null ? size !== 1 : !axes.has(i))) }]
    },
    evaluate: copy
  },

  Unsqueeze: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const added = knownIntegers(node, inputs, 1) ?? []
      const rank = shape.length + added.length
      const axes = new Set(added.map((axis) => normalizeAxis(node, axis, rank)))
      const rest = shape[Symbol.iterator]()
      return [{ type, shape: Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : (rest.next().value ?? 1))) }]
    },
    evaluate: copy
  },

  Expand: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      return [{ type: x.type, shape: broadcast(node, x.shape, knownDimensions(node, required(node, inputs, 1))) }]
    },
    evaluate(node, inputs, [output]) {
      const x = required(node, inputs, 0)
      const shape = numericShape(node, output?.shape ?? [])
      return [pick(x.known, shape, broadcastStrides(numericShape(node, x.shape), shape.length))]
    }
  },

  Range: {
    infer(node, inputs) {
      const [start, limit, delta] = [0, 1, 2].map((i) => knownDimensions(node, required(node, inputs, i))[0] ?? 0)
      const span = subtract(limit ?? 0, start ?? 0)
      return [
        { type: required(node, inputs, 0).type, shape: [divideFloor(add(span, subtract(delta ?? 1, 1)), delta ?? 1)] }
      ]
    },
    evaluate(node, inputs, [output]) {
      const start = required(node, inputs, 0).known[0] ?? 0
      const delta = required(node, inputs, 2).known[0] ?? 1
      const count = numeric(node, output?.shape[0])
      return [Array.from({ length: count }, (_, i) => add(start, multiply(delta, i)))]
    }
  },

  /** Pads at the begin of all axes, then at the end of all axes. */
  Pad: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      const pads = knownDimensions(node, required(node, inputs, 1))
      const axes = knownIntegers(node, inputs, 3)?.map((axis) => normalizeAxis(node, axis, x.shape.length))
      const padded = axes ?? [...x.shape.keys()]
      if (pads.length !== 2 * padded.length) throw misfit(node, `${pads.length} pads do not fit ${padded.length} axes`)
      const shape = [...x.shape]
      padded.forEach((axis, i) => {
        shape[axis] = add(add(shape[axis] ?? 0, pads[i] ?? 0), pads[padded.length + i] ?? 0)
      })
      return [{ type: x.type, shape }]
    }
  },

  /** Channels to pixels: [N, C·r², H, W] → [N, C, H·r, W·r]. */
  DepthToSpace: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const [batch, channels, height, width] = shape
      const r = intAttribute(node, 'blocksize')
      const depth = divideFloor(channels ?? 0, r * r)
      return [{ type, shape: [batch ?? 0, depth, multiply(height ?? 0, r), multiply(width ?? 0, r)] }]
    }
  },

  /** Pixels to channels: [N, C, H, W] → [N, C·r², H / r, W / r]. */
  SpaceToDepth: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const [batch, channels, height, width] = shape
      const r = intAttribute(node, 'blocksize')
      const [rows, columns] = [divideFloor(height ?? 0, r), divideFloor(width ?? 0, r)]
      if (!sameShape([multiply(rows, r), multiply(columns, r)], [height ?? 0, width ?? 0])) {
        throw misfit(node, `[${shape.map(format).join(', ')}] is not made of blocks of ${r}×${r}`)
      }
      return [{ type, shape: [batch ?? 0, multiply(channels ?? 0, r * r), rows, columns] }]
    }
  },

  /** By constant scales or sizes. */
  Resize: {
    infer(node, inputs): readonly ValueType[] {
      const x = required(node, inputs, 0)
      const sizes = inputs[3]
      if (sizes) return [{ type: x.type, shape: knownDimensions(node, sizes) }]
      const scales = knownDimensions(node, required(node, inputs, 2))
      if (stringAttribute(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch') {
        throw misfit(node, 'only stretching is supported')
      }
      return [{ type: x.type, shape: x.shape.map((size, i) => scaleDimension(node, size, numeric(node, scales[i]))) }]
    }
  }
}

/** The sizes that a Shape node gives: all, or from `start` to `end`. */
export function partOfShape(node: Node, { shape }: ValueType): readonly Dimension[] {
  return shape.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', shape.length))
}

/** Sizes of so many parts of an axis, of which the last may be smaller. */
export function equalParts(size: number, parts: number): number[] {
  const each = Math.ceil(size / parts)
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, size - i * each)))
}

function scaleDimension(node: Node, size: Dimension, scale: number): Dimension {
  if (typeof size === 'number') return Math.floor(size * scale)
  const scaled = multiply(size, scale)
  if (isWhole(scaled)) return scaled
  const factor = Math.round(1 / scale)
  if (Math.fround(1 / factor) !== Math.fround(scale)) throw misfit(node, `${format(size)} times ${scale} is not whole`)
  return divideFloor(size, factor)
}
