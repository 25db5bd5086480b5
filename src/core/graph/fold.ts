import { elementCount, type ElementType, type Tensor } from '../tensor'
import { bind, type Dimension } from './dimension'
import type { Graph, Node } from './graph'
import { interpret } from './infer'
import type { Operand } from './operators/operator'

/** Constants larger than this are left to be computed at run time. */
const largestConstant = 1 << 24

/** The graph with symbols of its inputs replaced by numbers, e.g. height and width of a picture. */
export function bindInputs(graph: Graph, bindings: ReadonlyMap<string, number>): Graph {
  const inputs = graph.inputs.map((input) => ({ ...input, shape: input.shape.map((size) => bind(size, bindings)) }))
  return { ...graph, inputs }
}

/**
 * The graph with everything computed that does not depend on its inputs' elements: shapes, indices, masks. Padding by
 * nothing and what nothing reads any more are dropped. Outputs keep their names and values.
 */
export function foldConstants(graph: Graph): Graph {
  const values = interpret(graph, largestConstant)
  const folded = new Set<string>()
  const nodes: Node[] = []
  const renamed = new Map<string, string>()
  for (const node of graph.nodes) {
    const isOutput = node.outputs.some((name) => graph.outputs.includes(name))
    if (!isOutput && node.outputs.every((name) => isConstant(values.get(name)))) {
      for (const name of node.outputs) folded.add(name)
      continue
    }
    const inputs = node.inputs.map((name) => renamed.get(name) ?? name)
    const [input] = inputs
    const [output] = node.outputs
    if (!isOutput && isNothing(node, values) && input !== undefined && output !== undefined) {
      renamed.set(output, input)
    } else {
      nodes.push({ ...node, inputs })
    }
  }
  // Of what was computed on the way to a constant, nothing is kept.
  const initializers = new Map(graph.initializers)
  for (const name of new Set(nodes.flatMap(({ inputs }) => inputs))) {
    const value = folded.has(name) ? values.get(name) : undefined
    if (value !== undefined) initializers.set(name, constantOf(value))
  }
  return dropDead({ ...graph, initializers, nodes })
}

/** The graph without nodes and initializers that no output depends on. */
export function dropDead(graph: Graph): Graph {
  const needed = new Set(graph.outputs)
  const nodes: Node[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue
    nodes.push(node)
    for (const input of node.inputs) needed.add(input)
  }
  const initializers = new Map([...graph.initializers].filter(([name]) => needed.has(name)))
  return { ...graph, initializers, nodes: nodes.reverse() }
}

/** Padding by nothing, a cast to the type there is, and Identity. */
function isNothing(node: Node, values: ReturnType<typeof interpret>): boolean {
  if (node.op === 'Identity') return true
  if (node.op === 'Cast') return values.get(node.inputs[0] ?? '')?.type === values.get(node.outputs[0] ?? '')?.type
  if (node.op !== 'Pad') return false
  const pads = values.get(node.inputs[1] ?? '')?.known
  return pads?.every((pad) => pad === 0) ?? false
}

function isConstant(value: Operand | undefined): boolean {
  const isNumber = (size: Dimension): boolean => typeof size === 'number'
  if (value === undefined || value.known === null || !value.shape.every(isNumber)) return false
  return value.known.length === elementCount(value.shape.map(Number)) && value.known.every(isNumber)
}

function constantOf({ type, shape, known }: Operand): Tensor {
  return tensorOf(type, shape.map(Number), (known ?? []).map(Number))
}

/** A tensor from plain numbers, converted to its element type. */
export function tensorOf(type: ElementType, shape: readonly number[], values: readonly number[]): Tensor {
  switch (type) {
    case 'float32':
      return { type, shape, data: Float32Array.from(values) }
    case 'uint8':
    case 'bool':
    case 'uint4':
    case 'uint2':
      return { type, shape, data: Uint8Array.from(values) }
    case 'int8':
      return { type, shape, data: Int8Array.from(values) }
    case 'uint16':
      return { type, shape, data: Uint16Array.from(values) }
    case 'int32':
      return { type, shape, data: Int32Array.from(values) }
    case 'int64':
      return { type, shape, data: BigInt64Array.from(values, int64) }
  }
}

/** The nearest int64: numbers that stand for "to the end" are rounded beyond the largest. */
function int64(value: number): bigint {
  const limit = 2 ** 63
  if (value >= limit) return 2n ** 63n - 1n
  return value <= -limit ? -(2n ** 63n) : BigInt(Math.trunc(value || 0))
}
