import { StudioError } from '../errors'
import type { Tensor } from '../tensor'
import type { Dimension } from './dimension'
import type { Graph, Node, ValueType } from './graph'
import { operators } from './operators'
import { partOfShape } from './operators/movement'
import type { KnownOperand, Operand } from './operators/operator'

/** Tensors up to this many elements are looked into while shapes are inferred: shapes, axes, indices. */
const smallTensor = 4096

/**
 * Type and shape of every value of a graph. Shapes may hold symbols; what only computes shapes (Shape, Gather, Concat,
 * arithmetic on their results) is followed symbolically. Throws a StudioError naming the node that does not fit.
 */
export function inferShapes(graph: Graph): ReadonlyMap<string, ValueType> {
  return interpret(graph, smallTensor)
}

/** As inferShapes, with the elements of values that are known before running, up to `limit` elements each. */
export function interpret(graph: Graph, limit: number): ReadonlyMap<string, Operand> {
  const values = new Map<string, Operand>()
  for (const input of graph.inputs) values.set(input.name, { type: input.type, shape: input.shape, known: null })
  for (const [name, tensor] of graph.initializers) values.set(name, constantOperand(tensor, limit))
  for (const node of graph.nodes) {
    const outputs = interpretNode(node, values, limit)
    node.outputs.forEach((name, i) => {
      const output = outputs[i]
      if (output !== undefined && name !== '') values.set(name, output)
    })
  }
  return values
}

/** A tensor's elements as plain numbers; booleans as 0 and 1. */
export function elements(tensor: Tensor): number[] {
  return Array.from(tensor.data, Number)
}

/** Elements are listed only when first asked for: most constants are weights, which nobody looks into. */
function constantOperand(tensor: Tensor, limit: number): Operand {
  let known: readonly number[] | null = null
  return {
    type: tensor.type,
    shape: tensor.shape,
    get known() {
      if (known === null && tensor.data.length <= limit) known = elements(tensor)
      return known
    }
  }
}

function interpretNode(node: Node, values: ReadonlyMap<string, Operand>, limit: number): readonly Operand[] {
  const inputs = node.inputs.map((name) => (name === '' ? null : operand(node, values, name)))
  const operator = operators.get(node.op)
  if (operator === undefined) {
    throw new StudioError('refused', `The operator ${node.op} (node "${node.name}") is not supported.`)
  }
  const types = operator.infer(node, inputs)
  const known = knownOutputs(node, inputs, types, limit)
  return types.map(({ type, shape }, i) => ({ type, shape, known: known?.[i] ?? null }))
}

function operand(node: Node, values: ReadonlyMap<string, Operand>, name: string): Operand {
  const value = values.get(name)
  if (value === undefined) {
    throw new StudioError('refused', `Node "${node.name}" (${node.op}) reads "${name}", which nothing before it makes.`)
  }
  return value
}

function knownOutputs(
  node: Node,
  inputs: readonly (Operand | null)[],
  types: readonly ValueType[],
  limit: number
): readonly (readonly Dimension[])[] | null {
  if (node.op === 'Shape' && inputs[0]) return [partOfShape(node, inputs[0])]
  const { evaluate } = operators.get(node.op) ?? {}
  if (evaluate === undefined || !inputs.every(isKnownOrAbsent)) return null
  const small = types.every(({ shape }) => {
    const size = shape.reduce<number>((product, d) => product * (typeof d === 'number' ? d : Infinity), 1)
    return size <= limit
  })
  return small ? evaluate(node, inputs, types) : null
}

function isKnownOrAbsent(input: Operand | null): input is KnownOperand | null {
  return input === null || input.known !== null
}
