import { GraphBuilder, type Value } from '../graph/builder'
import { int, intAttribute, type Graph, type Node, type ValueType } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { elementTypeCode } from '../graph/operators/elementwise'
import { floatTensor, type ElementType } from '../tensor'

/** Integers that are codes, and the numbers that they reach from and to. */
const codeRanges: ReadonlyMap<ElementType, readonly [number, number]> = new Map([
  ['uint8', [0, 255]],
  ['int8', [-128, 127]],
  ['uint16', [0, 65535]]
])

/**
 * The same graph with codes as whole numbers in float32: QuantizeLinear(x; s, z) = clamp(round(x / s) + z) and
 * DequantizeLinear(c; s, z) = s · (c − z), by operators that every GPU has. Without it each quantizer would take a tensor to the
 * processor and back. What the graph gives is of the types that it had.
 */
export function codesAsNumbers(graph: Graph): Graph {
  const types = inferShapes(graph)
  const isCode = (value: string): boolean => codeRanges.has(types.get(value)?.type ?? 'float32')
  const given = new Map(graph.outputs.filter(isCode).map((name) => [name, `${name}.number`]))
  const initializers = new Map(
    [...graph.initializers].map(([name, tensor]) => {
      return [name, isCode(name) ? floatTensor(Float32Array.from(tensor.data, Number), tensor.shape) : tensor]
    })
  )
  const builder = GraphBuilder.rewriting({ ...graph, initializers })
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => given.get(name) ?? name)
    const outputs = node.outputs.map((name) => given.get(name) ?? name)
    append(builder, { ...node, inputs, outputs }, types, node)
  }
  for (const [name, number] of given) {
    const { type = 'uint8' } = types.get(name) ?? {}
    builder.apply('Cast', [number], { to: int(elementTypeCode(type)) }, name)
  }
  return builder.build(graph.outputs)
}

/** @param original the node with the names that `types` knows */
function append(builder: GraphBuilder, node: Node, types: ReadonlyMap<string, ValueType>, original: Node): void {
  const [x = '', scale = '', zero = ''] = node.inputs
  const [output = ''] = node.outputs
  const spread = (value: Value): Value => {
    const rank = types.get(original.inputs[0] ?? '')?.shape.length ?? 0
    const isOne = (types.get(value)?.shape ?? []).length === 0
    if (isOne) return value
    const axis = (intAttribute(node, 'axis', 1) + rank) % Math.max(1, rank)
    return builder.reshape(
      value,
      Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1))
    )
  }
  const type = types.get(original.outputs[0] ?? '')?.type ?? 'float32'
  const range = codeRanges.get(type)
  if (node.op === 'QuantizeLinear' && range !== undefined) {
    const rounded = builder.apply('Round', [builder.divide(x, spread(scale))])
    const counted = zero === '' ? rounded : builder.add(rounded, spread(zero))
    builder.apply('Clip', [counted, ...range.map((end) => builder.scalar(end))], {}, output)
  } else if (node.op === 'DequantizeLinear') {
    const counted = zero === '' ? x : builder.subtract(x, spread(zero))
    builder.multiply(counted, spread(scale), output)
  } else if (node.op === 'Cast' && range !== undefined) {
    // Codes are whole before they are cast.
    builder.apply('Cast', [x], { to: int(elementTypeCode('float32')) }, output)
  } else builder.append(node)
}
