import type { Graph } from '../graph/graph'
import type { QuantizerSite } from '../quantization/placement'
import { layerCosts, macsAtSize } from './complexity'

/** What a network has of one kind of operator. */
export interface OperatorSummary {
  readonly operator: string
  readonly count: number
  /** How many of them read at least one quantized value. */
  readonly quantized: number
  /** Multiply-accumulate operations of all of them for one picture. */
  readonly macs: number
  /** Values of the constants that they read, each counted once; numbers of single constants and shapes are none. */
  readonly parameters: number
}

/**
 * The operators of a network by kind, those with the most operations first, then those that are most.
 *
 * @param width,height input pixels at which operations are counted
 */
export function operatorSummary(
  graph: Graph,
  sites: readonly QuantizerSite[],
  width: number,
  height: number
): readonly OperatorSummary[] {
  const quantized = new Set(sites.flatMap(({ readers }) => readers.map(({ node }) => node)))
  const macs = new Map(layerCosts(graph).map(({ node, macs }) => [node, macsAtSize(macs, width, height)]))
  const counted = new Set<string>()
  const parametersOf = (name: string): number => {
    const tensor = graph.initializers.get(name)
    if (tensor?.type !== 'float32' || tensor.data.length < 2 || counted.has(name)) return 0
    counted.add(name)
    return tensor.data.length
  }
  const kinds = new Map<string, OperatorSummary>()
  for (const { name, op, inputs } of graph.nodes) {
    const sum = kinds.get(op) ?? { operator: op, count: 0, quantized: 0, macs: 0, parameters: 0 }
    kinds.set(op, {
      ...sum,
      count: sum.count + 1,
      quantized: sum.quantized + (quantized.has(name) ? 1 : 0),
      macs: sum.macs + (macs.get(name) ?? 0),
      parameters:
        sum.parameters + (op === 'Resize' ? [] : inputs).reduce((total, input) => total + parametersOf(input), 0)
    })
  }
  return [...kinds.values()].toSorted((a, b) => b.macs - a.macs || b.count - a.count)
}
