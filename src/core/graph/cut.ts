import { dropDead } from './fold'
import type { Graph } from './graph'
import { inferShapes } from './infer'

/** The part of a graph between the values `from`, which become inputs, and the values `to`, which become its outputs. */
export function cut(graph: Graph, from: readonly string[], to: readonly string[]): Graph {
  const types = inferShapes(graph)
  const inputs = from.map((name) => {
    const type = types.get(name)
    if (type === undefined) throw new Error(`The graph has no value "${name}"`)
    return { name, type: type.type, shape: type.shape }
  })
  const given = new Set(from)
  const nodes = graph.nodes.filter((node) => !node.outputs.some((output) => given.has(output)))
  const part = dropDead({ ...graph, outputs: to, nodes })
  const needed = new Set(part.nodes.flatMap((node) => node.inputs))
  const kept = graph.inputs.filter(({ name }) => needed.has(name) && !given.has(name))
  return { ...part, inputs: [...inputs.filter(({ name }) => needed.has(name)), ...kept] }
}
