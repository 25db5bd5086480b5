import { GraphBuilder, type Value } from '../core/graph/builder'
import { int, type Graph } from '../core/graph/graph'
import { inferShapes } from '../core/graph/infer'
import { elementTypeCode } from '../core/graph/operators/elementwise'

/** 1.5 · 2²³: the distance of float32 numbers around it is 1, so that adding it rounds, halves to even. */
const roundsWhenAdded = 1.5 * 2 ** 23

/**
 * The same graph without the operators on numbers that onnxruntime's WebGPU provider has not, which would take tensors to the
 * processor and back: Round by two sums (exact up to ±2²², which codes keep to), Sign by two comparisons, Sum by Adds.
 */
export function forWebGpu(graph: Graph): Graph {
  const types = inferShapes(graph)
  const isFloat = (value: Value | undefined): boolean => types.get(value ?? '')?.type === 'float32'
  const builder = GraphBuilder.rewriting(graph)
  const number = (condition: Value): Value =>
    builder.apply('Cast', [condition], { to: int(elementTypeCode('float32')) })
  for (const node of graph.nodes) {
    const [x = '', ...others] = node.inputs
    const [output = ''] = node.outputs
    const [last] = others.slice(-1)
    if (node.op === 'Round' && isFloat(x)) {
      const far = builder.scalar(roundsWhenAdded)
      builder.subtract(builder.add(x, far), far, output)
    } else if (node.op === 'Sign' && isFloat(x)) {
      const zero = builder.scalar(0)
      const [above, below] = ['Greater', 'Less'].map((op) => number(builder.apply(op, [x, zero])))
      builder.subtract(above ?? x, below ?? x, output)
    } else if (node.op === 'Sum' && last !== undefined) {
      const sum = others.slice(0, -1).reduce((a, b) => builder.add(a, b), x)
      builder.add(sum, last, output)
    } else builder.append(node)
  }
  return builder.build(graph.outputs)
}
