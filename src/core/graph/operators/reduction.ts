import { multiply, type Dimension } from '../dimension'
import { intAttribute, type Node } from '../graph'
import { elementCount } from '../../tensor'
import {
  broadcastStrides,
  knownIntegers,
  normalizeAxis,
  numericShape,
  forEachOffset,
  required,
  type Operand,
  type Operator
} from './operator'

/** Axes over which a reduction runs: its second input, or all. */
function reducedAxes(node: Node, inputs: readonly (Operand | null)[]): ReadonlySet<number> {
  const rank = required(node, inputs, 0).shape.length
  const axes = knownIntegers(node, inputs, 1)
  const all = axes === null || axes.length === 0
  return new Set(all ? Array.from({ length: rank }, (_, i) => i) : axes.map((axis) => normalizeAxis(node, axis, rank)))
}

const reduce: Operator = {
  infer(node, inputs) {
    const x = required(node, inputs, 0)
    const axes = reducedAxes(node, inputs)
    const keep = intAttribute(node, 'keepdims', 1) === 1
    return [{ type: x.type, shape: x.shape.flatMap((size, i) => (axes.has(i) ? (keep ? [1] : []) : [size])) }]
  }
}

/** A reduction of all elements to one, by which numbers of elements are computed. */
function reduceAll(join: (a: Dimension, b: Dimension) => Dimension): Operator {
  return {
    ...reduce,
    evaluate(node, inputs) {
      const x = required(node, inputs, 0)
      return reducedAxes(node, inputs).size === x.shape.length ? [[x.known.reduce(join)]] : null
    }
  }
}

/** Of whole numbers, whose sum is the same in any order; other sums are left to the runtime. */
const sumOfWholeNumbers: Operator = {
  ...reduce,
  evaluate(node, inputs, [output]) {
    const { known, shape } = required(node, inputs, 0)
    if (!known.every((value) => typeof value === 'number' && Number.isSafeInteger(value))) return null
    const [from, to] = [numericShape(node, shape), numericShape(node, output?.shape ?? [])]
    const axes = reducedAxes(node, inputs)
    const sums = new Array<number>(elementCount(to)).fill(0)
    const kept = from.map((size, i) => (axes.has(i) ? 1 : size))
    let i = 0
    // Sums are spread over what they are of.
    forEachOffset(from, broadcastStrides(kept, from.length), 0, (at) => {
      sums[at] = (sums[at] ?? 0) + Number(known[i++])
    })
    return [sums]
  }
}

const sameAsFirst: Operator = {
  infer(node, inputs) {
    const { type, shape } = required(node, inputs, 0)
    return [{ type, shape }]
  }
}

export const reduction: Readonly<Record<string, Operator>> = {
  ReduceSum: sumOfWholeNumbers,
  ReduceMean: reduce,
  ReduceMin: reduce,
  ReduceMax: reduce,
  ReduceL2: reduce,
  ReduceProd: reduceAll(multiply),
  Softmax: sameAsFirst,

  /** Outputs: normalized x; optionally mean and reciprocal standard deviation, with size 1 along the reduced axes. */
  LayerNormalization: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      const axis = normalizeAxis(node, intAttribute(node, 'axis', -1), shape.length)
      const statistics = { type, shape: shape.map((size, i) => (i < axis ? size : 1)) }
      return [{ type, shape }, statistics, statistics].slice(0, node.outputs.length)
    }
  }
}
