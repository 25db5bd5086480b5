import { GraphBuilder, type Value } from '../core/graph/builder'
import { int, intAttribute, type Graph, type Node, type ValueType } from '../core/graph/graph'
import { inferShapes } from '../core/graph/infer'
import { elementTypeCode } from '../core/graph/operators/elementwise'

/** 1.5 · 2²³: the distance of float32 numbers around it is 1, so that adding it rounds, halves to even. */
const roundsWhenAdded = 1.5 * 2 ** 23

/** Parts that a long sum is taken in at the same time. */
const parts = 256

/**
 * The same graph without what onnxruntime's WebGPU provider has no kernels for, which would take tensors to the processor and back:
 * Round by two sums (exact up to ±2²², which codes keep to), Sign by two comparisons, Sum by Adds. A Gemm of two rows, as the gradients of
 * bounds have it, would be left to one thread: it is a sum in parts (a step took nine times as long).
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
    } else if (isProductOfVectors(node, types)) {
      const [count = 1] = (types.get(x)?.shape.slice(1) ?? []) as number[]
      let rows = parts
      while (count % rows !== 0) rows /= 2
      const products = builder.reshape(builder.multiply(x, others[0] ?? ''), [rows, -1])
      const sumOver = (value: Value, axis: number, as?: string): Value =>
        builder.apply('ReduceSum', [value, builder.integers([axis])], { keepdims: int(1) }, as)
      sumOver(sumOver(products, 1), 0, output)
    } else builder.append(node)
  }
  return builder.build(graph.outputs)
}

/** Whether a node is Σ x·y of two rows [1, n]. */
function isProductOfVectors(node: Node, types: ReadonlyMap<string, ValueType>): boolean {
  if (node.op !== 'Gemm' || node.inputs.length !== 2 || intAttribute(node, 'transB', 0) !== 1) return false
  const isRow = (shape: ValueType['shape'] = []): boolean => shape[0] === 1 && typeof shape[1] === 'number'
  if (intAttribute(node, 'transA', 0) !== 0 || node.attributes['alpha'] !== undefined) return false
  return node.inputs.every((name) => isRow(types.get(name)?.shape))
}
