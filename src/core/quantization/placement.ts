import { StudioError } from '../errors'
import { int, intAttribute, ownDomain, type Graph, type GraphInput, type Node } from '../graph/graph'
import { pictureInput, type PlacementRule } from '../models/model'

/** One tensor that is quantized on its way into one operator. */
export interface QuantizerSite {
  /** Unique: `LAYER.weight` and `LAYER.input`; for a product of activations the names of its operands. */
  readonly name: string
  readonly kind: 'weight' | 'activation'
  /** The value that is quantized; several sites may share one. */
  readonly value: string
  /** What reads the quantized value: one operator, or, in the order they are computed, all layers that share a weight. */
  readonly readers: readonly Reader[]
  /** Where every channel of the value has bounds of its own: their axis and number. */
  readonly channels?: { readonly axis: number; readonly count: number }
}

/** An operator, by its node, and one of its inputs. */
interface Reader {
  readonly node: string
  readonly input: number
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

/** Operators that multiply, and what they are with a constant weight. */
const layers: ReadonlyMap<string, 'linear' | 'convolution'> = new Map([
  ['Gemm', 'linear'],
  ['MatMul', 'linear'],
  ['Conv', 'convolution'],
  ['ConvTranspose', 'convolution']
])

/**
 * Where `rule` wants quantizers in a full-precision graph, in the order in which they are computed: for every layer its
 * weight, then its input; for every product of two activations both operands. A weight that several layers share has one
 * quantizer, each of their inputs its own.
 */
export function findQuantizerSites(graph: Graph, rule: PlacementRule): readonly QuantizerSite[] {
  const ends = rule.firstAndLast ? new Set<Node>() : firstAndLast(graph)
  const placed = graph.nodes.filter((node) => {
    const kind = layers.get(node.op)
    if (kind === undefined || ends.has(node)) return false
    if (weightInput(graph, node) !== null) return kind === 'linear' ? rule.linear : rule.convolution
    // Kernels that are computed are left as they are.
    return kind === 'linear' && rule.product
  })
  const names = new Set<string>()
  const unique = (name: string): string => {
    let candidate = name
    for (let i = 2; names.has(candidate); i++) candidate = `${name}#${i}`
    names.add(candidate)
    return candidate
  }
  const weights = new Set<string>()
  return placed.flatMap((node): QuantizerSite[] => {
    const weight = weightInput(graph, node)
    const operand = (input: number, name?: string): QuantizerSite => {
      const value = node.inputs[input] ?? ''
      return { name: unique(name ?? value), kind: 'activation', value, readers: [{ node: node.name, input }] }
    }
    if (weight === null) return [operand(0), operand(1)]
    const input = operand(1 - weight, `${node.name}.input`)
    const value = node.inputs[weight] ?? ''
    if (weights.has(value)) return [input]
    weights.add(value)
    const sharers = placed.flatMap((other): Reader[] => {
      const at = weightInput(graph, other)
      return at !== null && other.inputs[at] === value ? [{ node: other.name, input: at }] : []
    })
    return [{ name: unique(`${node.name}.weight`), kind: 'weight', value, readers: sharers }, input]
  })
}

/** Which of a layer's two factors is a constant weight; null for a product of two activations. */
function weightInput({ initializers }: Graph, { op, inputs }: Node): 0 | 1 | null {
  if (initializers.has(inputs[1] ?? '')) return 1
  return op === 'MatMul' && initializers.has(inputs[0] ?? '') ? 0 : null
}

/**
 * The convolutions at both ends: from the picture to features, and from features to the picture. Those that only mix
 * colours, as the shift by the mean colour that some networks write as a convolution, lie outside and count as well.
 */
function firstAndLast(graph: Graph): ReadonlySet<Node> {
  const convolutions = graph.nodes.filter(({ op }) => op === 'Conv' || op === 'ConvTranspose')
  const channels = graph.inputs.find(({ name }) => name === pictureInput)?.shape[1]
  const mixesColours = ({ inputs, attributes }: Node): boolean => {
    const shape = graph.initializers.get(inputs[1] ?? '')?.shape ?? []
    const group = attributes['group']
    return shape[0] === channels && shape[1] === channels && (group === undefined || group.value === 1)
  }
  const upToFirst = (nodes: readonly Node[]): readonly Node[] => {
    const at = nodes.findIndex((node) => !mixesColours(node))
    return at < 0 ? nodes : nodes.slice(0, at + 1)
  }
  return new Set([...upToFirst(convolutions), ...upToFirst(convolutions.toReversed())])
}

/** The same sites with bounds of its own for every output channel of a weight. */
export function perChannel(graph: Graph, sites: readonly QuantizerSite[]): readonly QuantizerSite[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]))
  return sites.map((site) => {
    const shape = graph.initializers.get(site.value)?.shape
    const node = nodes.get(site.readers[0]?.node ?? '')
    if (site.kind === 'activation' || shape === undefined || node === undefined) return site
    // [out, in, …] of convolutions, transposed and left factors, [in, out, …] of transposed convolutions, else [in, out].
    const isFirst = node.op === 'Conv' || intAttribute(node, 'transB', 0) === 1
    const ofMatrix = site.readers[0]?.input === 0 ? shape.length - 2 : shape.length - 1
    const axis = isFirst ? 0 : node.op === 'ConvTranspose' ? 1 : ofMatrix
    return { ...site, channels: { axis, count: shape[axis] ?? 1 } }
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
  const rowOf = new Map<QuantizerSite, number>()
  const byFirstReader = new Map<string, QuantizerSite[]>()
  const quantized = new Map<string, Map<number, string>>()
  let rows = 0
  for (const site of sites) {
    rowOf.set(site, rows)
    rows += rowsOf(site)
    const first = site.readers[0]?.node ?? ''
    byFirstReader.set(first, [...(byFirstReader.get(first) ?? []), site])
    for (const { node, input } of site.readers) {
      quantized.set(node, new Map([...(quantized.get(node) ?? []), [input, quantizedName(site)]]))
    }
  }
  const nodes = graph.nodes.flatMap((node) => {
    const replaced = quantized.get(node.name)
    const quantizers = byFirstReader.get(node.name) ?? []
    return [
      ...quantizers.map((site) => quantizerNode(site, rowOf.get(site) ?? 0)),
      { ...node, inputs: node.inputs.map((name, i) => replaced?.get(i) ?? name) }
    ]
  })
  const added: GraphInput[] = [
    { name: boundsInput, type: 'float32', shape: [rows, 2] },
    { name: levelsInput, type: 'float32', shape: [rows] }
  ]
  return { ...graph, inputs: [...graph.inputs, ...added], nodes }
}

function quantizerNode(site: QuantizerSite, row: number): Node {
  const output = quantizedName(site)
  return {
    name: output,
    op: fakeQuantize,
    domain: ownDomain,
    inputs: [site.value, boundsInput, levelsInput],
    outputs: [output],
    attributes: { row: int(row), ...(site.channels && { rows: int(rowsOf(site)), axis: int(site.channels.axis) }) }
  }
}

/** The name of a site's quantized value. */
export function quantizedName(site: QuantizerSite): string {
  return `${site.name}.quantized`
}
