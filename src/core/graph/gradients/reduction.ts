import type { Value } from '../builder'
import { int, intAttribute, string } from '../graph'
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
