import { StudioError } from '../errors'
import { int, intAttribute, ownDomain, type Graph, type GraphInput, type Node } from '../graph/graph'
import type { PlacementRule } from '../models/model'

/** One tensor that is quantized on its way into one operator. */
export interface QuantizerSite {
  /** Unique: `LAYER.weight` and `LAYER.input`; for a product of activations the names of its operands. */
  readonly name: string
  readonly kind: 'weight' | 'activation'
  /** The value that is quantized; several sites may share one. */
  readonly value: string
  /** The node that reads the quantized value, and as which of its inputs. */
  readonly node: string
  readonly input: number
  /** Where every channel of the value has bounds of its own: their axis and number. */
  readonly channels?: { readonly axis: number; readonly count: number }
}

/**
 * Inputs of a graph with quantizers: bounds [rows, 2] and 2^bits − 1 [rows]. In the order of the sites, a quantizer has one
 * row, or one for each of its channels.
 */
export const boundsInput = 'bounds'
export const levelsInput = 'levels'

/** Rows of a quantizer's bounds. */
export function rowsOf({ channels }: QuantizerSite): number {
  return channels?.count ?? 1
}

/** The operator that stands for one quantizer until it is lowered. */
export const fakeQuantize = 'FakeQuantize'

/** Operators that multiply by a constant weight, and which of their inputs that is. */
const layers: ReadonlyMap<string, 'linear' | 'convolution' | 'product'> = new Map([
  ['Gemm', 'linear'],
  ['Conv', 'convolution'],
  ['MatMul', 'product']
])

/**
 * Where `rule` wants quantizers in a full-precision graph, in the order in which they are computed: for every layer its
 * weight, then its input; for every product of two activations both operands.
 */
export function findQuantizerSites(graph: Graph, rule: PlacementRule): readonly QuantizerSite[] {
  const convolutions = graph.nodes.filter(({ op }) => op === 'Conv')
  const ends = new Set([convolutions[0]?.name, convolutions.at(-1)?.name])
  return graph.nodes.flatMap((node) => {
    const isProduct = !graph.initializers.has(node.inputs[1] ?? '')
    const kind = layers.get(node.op)
    if (kind === undefined) return []
    if (isProduct) return rule.product ? productSites(node) : []
    if (kind === 'convolution' ? !rule.convolution || (ends.has(node.name) && !rule.firstAndLast) : !rule.linear)
      return []
    return layerSites(node)
  })
}

function layerSites(node: Node): QuantizerSite[] {
  const [x = '', weight = ''] = node.inputs
  return [
    { name: `${node.name}.weight`, kind: 'weight', value: weight, node: node.name, input: 1 },
    { name: `${node.name}.input`, kind: 'activation', value: x, node: node.name, input: 0 }
  ]
}

/** The same sites with bounds of its own for every output channel of a weight. */
export function perChannel(graph: Graph, sites: readonly QuantizerSite[]): readonly QuantizerSite[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]))
  return sites.map((site) => {
    const shape = graph.initializers.get(site.value)?.shape
    const node = nodes.get(site.node)
    if (site.kind === 'activation' || shape === undefined || node === undefined) return site
    // [out, in, …] of convolutions and transposed products, else [in, out].
    const axis = node.op === 'Conv' || intAttribute(node, 'transB', 0) === 1 ? 0 : shape.length - 1
    return { ...site, channels: { axis, count: shape[axis] ?? 1 } }
  })
}

function productSites(node: Node): QuantizerSite[] {
  return [0, 1].map((input) => {
    const value = node.inputs[input] ?? ''
    return { name: value, kind: 'activation', value, node: node.name, input }
  })
}

/**
 * The graph with a FakeQuantize node at every site. It gains the inputs `bounds` and `levels`, so that neither new
 * bounds nor new bit widths need a new graph.
 */
export function placeQuantizers(graph: Graph, sites: readonly QuantizerSite[]): Graph {
  if (sites.length === 0) {
    throw new StudioError('refused', 'This model has no layer that could be quantized under the chosen placement.')
  }
  const byNode = new Map<string, [QuantizerSite, number][]>()
  let rows = 0
  for (const site of sites) {
    byNode.set(site.node, [...(byNode.get(site.node) ?? []), [site, rows]])
    rows += rowsOf(site)
  }
  const nodes = graph.nodes.flatMap((node) => {
    const inputs = [...node.inputs]
    const quantizers = (byNode.get(node.name) ?? []).map(([site, row]): Node => {
      const output = quantizedName(site)
      inputs[site.input] = output
      return {
        name: output,
        op: fakeQuantize,
        domain: ownDomain,
        inputs: [site.value, boundsInput, levelsInput],
        outputs: [output],
        attributes: { row: int(row), ...(site.channels && { rows: int(rowsOf(site)), axis: int(site.channels.axis) }) }
      }
    })
    return [...quantizers, { ...node, inputs }]
  })
  const added: GraphInput[] = [
    { name: boundsInput, type: 'float32', shape: [rows, 2] },
    { name: levelsInput, type: 'float32', shape: [rows] }
  ]
  return { ...graph, inputs: [...graph.inputs, ...added], nodes }
}

/** The name of a site's quantized value. */
function quantizedName(site: QuantizerSite): string {
  return `${site.name}.quantized`
}
