import type { Value } from '../builder'
import { int, intAttribute, ints, intsAttribute, string } from '../graph'
import { floatTensor } from '../../tensor'
import { product } from '../dimension'
import type { BackwardStep, GradientRule } from './rule'

const last = { keepdims: int(1) }

function overLast(step: BackwardStep, op: 'ReduceSum' | 'ReduceMean', x: Value): Value {
  return step.builder.apply(op, [x, step.builder.integers([-1])], last)
}

/** What stands for a whole reduction is repeated along the axes that were reduced, by default the gradient of a sum. */
function repeated(step: BackwardStep, reduced = step.upstream): Value {
  const { builder, node } = step
  const x = step.input(0)
  const shape = step.shape(x)
  const axes = step.constant(1) ?? []
  const gone = new Set(axes.length === 0 ? shape.keys() : axes.map((axis) => (axis < 0 ? axis + shape.length : axis)))
  const keep = intAttribute(node, 'keepdims', 1) === 1
  const missing = builder.integers([...gone])
  const kept = keep ? reduced : builder.apply('Unsqueeze', [reduced, missing])
  return builder.apply('Expand', [kept, builder.apply('Shape', [x])])
}

/** How many elements a value has; must be known before running. */
function elements(step: BackwardStep, value: Value): number {
  const size = product(step.shape(value))
  if (typeof size !== 'number') throw step.misfit('its sizes are known only at run time')
  return size
}

function requireLastAxis(step: BackwardStep, fallback: number): void {
  const axis = intAttribute(step.node, 'axis', fallback)
  if (axis !== -1 && axis !== step.shape(step.input(0)).length - 1) throw step.misfit('only the last axis is known')
}

/** The gradient goes to what is as large (or as small) as the outcome; where several are, each gets its share. */
function ofTheExtreme(step: BackwardStep): Value {
  const { builder, node } = step
  const isExtreme = builder.apply('Equal', [step.input(0), repeated(step, step.output())])
  const mask = builder.cast(isExtreme, 'float32')
  const count = builder.apply('ReduceSum', [mask, ...node.inputs.slice(1)], node.attributes)
  return builder.multiply(mask, repeated(step, builder.divide(step.upstream, count)))
}

/** How many values of x, padding left out, each window of a pooling has: [rows, columns]. */
function windowSizes(step: BackwardStep, counts: readonly number[]): Value {
  const { node } = step
  const within = (axis: number): readonly number[] => {
    const at = (name: string, usual: number): number => intsAttribute(node, name, [usual, usual])[axis] ?? usual
    const size = step.size(step.input(0), 2 + axis)
    return Array.from({ length: counts[axis] ?? 0 }, (_, window) => {
      const places = Array.from({ length: at('kernel_shape', 1) }, (_, i) => {
        return window * at('strides', 1) + i * at('dilations', 1) - at('pads', 0)
      })
      return places.filter((place) => place >= 0 && place < size).length
    })
  }
  const [rows, columns] = [within(0), within(1)]
  const values = rows.flatMap((tall) => columns.map((wide) => tall * wide))
  return step.builder.constant(floatTensor(values, [rows.length, columns.length]))
}

export const reduction: Readonly<Record<string, GradientRule>> = {
  ReduceSum: (step) => [repeated(step), null],

  ReduceMean: (step) => {
    const { builder } = step
    const share = elements(step, step.output()) / elements(step, step.input(0))
    return [builder.multiply(repeated(step), builder.scalar(share)), null]
  },

  /** dx = dy · x / y, and 0 where all of x is 0. */
  ReduceL2: (step) => {
    const { builder } = step
    const norm = builder.apply('Max', [step.output(), builder.scalar(1e-30)])
    return [builder.multiply(step.input(0), repeated(step, builder.divide(step.upstream, norm))), null]
  },

  ReduceMax: (step) => [ofTheExtreme(step), null],
  ReduceMin: (step) => [ofTheExtreme(step), null],

  GlobalAveragePool: (step) => {
    const { builder } = step
    const x = step.input(0)
    const share = builder.scalar(1 / (step.size(x, 2) * step.size(x, 3)))
    return [builder.apply('Expand', [builder.multiply(step.upstream, share), builder.apply('Shape', [x])])]
  },

  /** Each window's gradient is spread evenly over it: a transposed convolution, channel by channel, by ones. */
  AveragePool: (step) => {
    const { builder, node } = step
    const x = step.input(0)
    const kernel = intsAttribute(node, 'kernel_shape', [1, 1])
    const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
    const strides = intsAttribute(node, 'strides', [1, 1])
    const dilations = intsAttribute(node, 'dilations', [1, 1])
    const [channels, height = 0, width = 0] = [step.size(x, 1), kernel[0], kernel[1]]
    const left = [0, 1].map((i) => {
      const reach = (dilations[i] ?? 1) * ((kernel[i] ?? 1) - 1) + 1
      return (step.size(x, 2 + i) + (pads[i] ?? 0) + (pads[2 + i] ?? 0) - reach) % (strides[i] ?? 1)
    })
    const size = height * width
    const ones = builder.constant(floatTensor(new Float32Array(channels * size).fill(1), [channels, 1, height, width]))
    const isWhole = pads.every((pad) => pad === 0) || intAttribute(node, 'count_include_pad', 0) === 1
    const counts = isWhole
      ? builder.scalar(size)
      : windowSizes(
          step,
          [0, 1].map((i) => step.size(step.output(), 2 + i))
        )
    return [
      builder.apply('ConvTranspose', [builder.divide(step.upstream, counts), ones], {
        group: int(channels),
        kernel_shape: ints(kernel),
        pads: ints(pads),
        strides: ints(strides),
        dilations: ints(dilations),
        output_padding: ints(left)
      })
    ]
  },

  /** Each window's gradient goes to where its largest value stood; the places are an output of the node. */
  MaxPool: (step) => {
    const { builder } = step
    const shape = builder.apply('Shape', [step.input(0)])
    const zeros = builder.apply('Expand', [builder.scalar(0), builder.integers([elements(step, step.input(0))])])
    const places = builder.reshape(step.output(1), [-1, 1])
    const updates = builder.reshape(step.upstream, [-1])
    const flat = builder.apply('ScatterND', [zeros, places, updates], { reduction: string('add') })
    return [builder.reshapeTo(flat, shape)]
  },

  /** dx = y (dy − Σ dy·y). */
  Softmax: (step) => {
    requireLastAxis(step, -1)
    const { builder } = step
    const y = step.output()
    const weighted = builder.multiply(step.upstream, y)
    return [builder.subtract(weighted, builder.multiply(y, overLast(step, 'ReduceSum', weighted)))]
  },

  /**
   * With x̂ the normalized x, σ its deviation and g = dy·γ: dx = (g − mean g − x̂ · mean(g·x̂)) / σ, dγ = Σ dy·x̂,
   * dβ = Σ dy. Mean and 1/σ are outputs of the node (`keepStatistics`).
   */
  LayerNormalization: (step) => {
    requireLastAxis(step, -1)
    const { builder } = step
    const [x, scale] = [step.input(0), step.input(1)]
    const normalized = (): Value => builder.multiply(builder.subtract(x, step.output(1)), step.output(2))
    const leading = builder.integers(Array.from({ length: step.shape(x).length - 1 }, (_, i) => i))
    const summed = (value: Value): Value => builder.apply('ReduceSum', [value, leading], { keepdims: int(0) })
    return [
      step.when(0, () => {
        const xHat = normalized()
        const g = builder.multiply(step.upstream, scale)
        const along = builder.multiply(xHat, overLast(step, 'ReduceMean', builder.multiply(g, xHat)))
        const rest = builder.subtract(builder.subtract(g, overLast(step, 'ReduceMean', g)), along)
        return builder.multiply(rest, step.output(2))
      }),
      step.when(1, () => summed(builder.multiply(step.upstream, normalized()))),
      step.when(2, () => summed(step.upstream))
    ]
  }
}
