import { StudioError } from '../../errors'
import { GraphBuilder, type Value } from '../builder'
import { dropDead } from '../fold'
import type { Graph, Node } from '../graph'
import { inferShapes } from '../infer'
import { elementwise } from './elementwise'
import { linear } from './linear'
import { movement } from './movement'
import { quantization } from './quantization'
import { reduction } from './reduction'
import { BackwardStep, type GradientRule } from './rule'

/** The gradient rules by operator. */
const rules: ReadonlyMap<string, GradientRule> = new Map(
  Object.entries({ ...elementwise, ...linear, ...movement, ...reduction, ...quantization })
)

/** The name of the output that holds the gradient with respect to a value. */
export function gradientOf(value: string): string {
  return `${value}.gradient`
}

/**
 * The graph with the gradients of a loss as further outputs (reverse mode, as a rewrite of the graph). Only what lies
 * between the values and the loss is differentiated.
 *
 * @param loss a scalar value of the graph
 * @param values inputs, constants or values between; their gradients are the outputs `NAME.gradient`
 * @throws StudioError ('refused') naming the node on the way that no gradient can be taken of
 */
export function differentiate(graph: Graph, loss: string, values: readonly string[]): Graph {
  const path = dependents(graph, values)
  const builder = GraphBuilder.rewriting(graph)
  const nodes = graph.nodes.map((node) => (path.has(node.inputs[0] ?? '') ? keepStatistics(node) : node))
  for (const node of nodes) builder.append(node)
  const types = inferShapes({ ...graph, nodes })

  const contributions = new Map<string, Value[]>([[loss, [builder.scalar(1)]]])
  const total = (value: string): Value | null => {
    const [first, ...more] = contributions.get(value) ?? []
    if (first === undefined) return null
    const sum = more.length === 0 ? first : builder.apply('Sum', [first, ...more])
    contributions.set(value, [sum])
    return sum
  }
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => path.has(output) && contributions.has(output))) continue
    const rule = rules.get(node.op)
    if (rule === undefined) {
      const what = `No gradient is known of the operator ${node.op} (node "${node.name}"), so nothing behind it can be trained`
      throw new StudioError('refused', `${what}; minmax, percentile, dbdc and dobi work without.`)
    }
    const step = new BackwardStep(builder, node, node.outputs.map(total), types, path, graph.initializers)
    rule(step).forEach((gradient, i) => {
      const input = node.inputs[i]
      if (gradient === null || input === undefined || !path.has(input)) return
      contributions.set(input, [...(contributions.get(input) ?? []), gradient])
    })
  }
  const outputs = values.map((value) => {
    const gradient = total(value)
    if (gradient === null) throw new StudioError('refused', `The loss "${loss}" does not depend on "${value}".`)
    return builder.apply('Identity', [gradient], {}, gradientOf(value))
  })
  return dropDead(builder.build([...graph.outputs, ...outputs]))
}

/** The values and all that is computed from them. */
function dependents(graph: Graph, values: readonly string[]): ReadonlySet<string> {
  const found = new Set(values)
  for (const node of graph.nodes) {
    if (node.inputs.some((input) => found.has(input))) for (const output of node.outputs) found.add(output)
  }
  return found
}

/** Optional outputs that the gradients of some operators need. */
const optionalOutputs: ReadonlyMap<string, readonly string[]> = new Map([
  ['LayerNormalization', ['mean', 'reciprocal_deviation']],
  ['MaxPool', ['places']]
])

function keepStatistics(node: Node): Node {
  const more = optionalOutputs.get(node.op)
  if (more === undefined || node.outputs.length > 1) return node
  return { ...node, outputs: [...node.outputs, ...more.map((name) => `${node.name}.${name}`)] }
}
