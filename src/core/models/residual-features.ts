import type { Graph, Node } from '../graph/graph'
import { sameDimension, sameShape } from '../graph/dimension'
import { inferShapes } from '../graph/infer'
import type { QuantizerSite } from '../quantization/placement'
import type { Model } from './model'

/** Groups that are compared at most; more would weight the feature term by how finely a network is divided. */
const mostGroups = 8

/** A residual addition and the stretch of nodes, by their places in the graph, that it closes. */
interface Residual {
  readonly value: string
  readonly from: number
  readonly to: number
}

/**
 * Values that distillation may compare beside the output: what additions give that add to a value what quantized layers made
 * of it. Blocks are all of these. Groups are the outermost ones, or those one level within where a single one spans the
 * network; the last of each of four parts where there are many.
 */
export function residualFeatures(graph: Graph, sites: readonly QuantizerSite[]): Model['features'] {
  const residuals = findResiduals(graph, sites)
  let level = residuals.filter((each) => !residuals.some((other) => contains(other, each)))
  for (let rest = residuals; level.length === 1;) {
    const outer = level
    rest = rest.filter((each) => !outer.includes(each))
    const inner = rest.filter((each) => !rest.some((other) => contains(other, each)))
    if (inner.length === 0) break
    level = inner
  }
  const values = (list: readonly Residual[]): readonly string[] => list.map(({ value }) => value)
  return { groups: values(level.length > mostGroups ? lastOfQuarters(level) : level), blocks: values(residuals) }
}

function contains(outer: Residual, inner: Residual): boolean {
  return outer !== inner && outer.from <= inner.from && outer.to >= inner.to
}

function lastOfQuarters<T>(items: readonly T[]): readonly T[] {
  return [1, 2, 3, 4].flatMap((quarter) => items[Math.ceil((quarter * items.length) / 4) - 1] ?? [])
}

function findResiduals(graph: Graph, sites: readonly QuantizerSite[]): readonly Residual[] {
  const types = inferShapes(graph)
  const [batch = 1] = graph.inputs[0]?.shape ?? []
  const quantized = new Set(sites.flatMap(({ readers }) => readers.map(({ node }) => node)))
  const places = new Map(graph.nodes.flatMap((node, i) => node.outputs.map((output) => [output, i] as const)))
  return graph.nodes.flatMap((node, to): Residual[] => {
    const [a = '', b = ''] = node.inputs
    const [value = ''] = node.outputs
    const [first, second] = [types.get(a)?.shape, types.get(b)?.shape]
    if (node.op !== 'Add' || a === b || first === undefined || second === undefined) return []
    if (graph.initializers.has(a) || graph.initializers.has(b) || !sameShape(first, second)) return []
    // Distances are taken per sample, so samples must come first.
    if (first.length < 3 || !sameDimension(first[0] ?? 0, batch)) return []
    // The operand that was there earlier is the one that is added to.
    const [placeA, placeB] = [places.get(a) ?? -1, places.get(b) ?? -1]
    const [skipped, branch, from] = placeA < placeB ? [a, b, placeA] : [b, a, placeB]
    return isMadeOf(graph, places, quantized, branch, skipped, from) ? [{ value, from, to }] : []
  })
}

/** Whether a value is made, by at least one quantized node, of another that was there before. */
function isMadeOf(
  { nodes }: Graph,
  places: ReadonlyMap<string, number>,
  quantized: ReadonlySet<string>,
  value: string,
  origin: string,
  from: number
): boolean {
  // Each value at most twice: reached with and without a quantized node behind it.
  const seen = new Set<string>()
  const stack: { readonly name: string; readonly passed: boolean }[] = [{ name: value, passed: false }]
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { name, passed } = top
    if (name === origin) {
      if (passed) return true
      continue
    }
    const place = places.get(name) ?? -1
    const key = `${passed} ${name}`
    const node: Node | undefined = nodes[place]
    if (place <= from || node === undefined || seen.has(key)) continue
    seen.add(key)
    for (const input of node.inputs) stack.push({ name: input, passed: passed || quantized.has(node.name) })
  }
  return false
}
