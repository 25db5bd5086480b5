import { dropDead, foldConstants } from './fold'
import { ints, intsAttribute, type Graph, type Node } from './graph'
import { inferShapes } from './infer'

/** What makes a graph smaller and leaves its outputs as they are, each by itself. */
export const cleanUpPasses = { dropDead, foldConstants, fuseTransposes } as const

/** The graph after all passes. */
export function cleanUp(graph: Graph): Graph {
  return fuseTransposes(foldConstants(graph))
}

/** The graph with transpositions of transpositions as one, and without those that leave the order as it is. */
export function fuseTransposes(graph: Graph): Graph {
  const types = inferShapes(graph)
  const orderOf = (node: Node): readonly number[] => {
    const rank = types.get(node.inputs[0] ?? '')?.shape.length ?? 0
    const reversed = Array.from({ length: rank }, (_, i) => rank - 1 - i)
    return intsAttribute(node, 'perm', reversed)
  }
  /** Of what is transposed: what of, and how. */
  const origins = new Map<string, { readonly value: string; readonly order: readonly number[] }>()
  const renamed = new Map<string, string>()
  const nodes = graph.nodes.flatMap((given): Node[] => {
    const node = { ...given, inputs: given.inputs.map((name) => renamed.get(name) ?? name) }
    const [input = ''] = node.inputs
    const [output = ''] = node.outputs
    if (node.op !== 'Transpose') return [node]
    const before = origins.get(input)
    const own = orderOf(given)
    const value = before?.value ?? input
    const order = before === undefined ? own : own.map((axis) => before.order[axis] ?? axis)
    if (order.every((axis, i) => axis === i) && !graph.outputs.includes(output)) {
      renamed.set(output, value)
      return []
    }
    origins.set(output, { value, order })
    return [{ ...node, inputs: [value], attributes: { perm: ints(order) } }]
  })
  return dropDead({ ...graph, nodes })
}
