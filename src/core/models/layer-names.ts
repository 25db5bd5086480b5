import type { Graph, Node } from '../graph/graph'
import { Neighbours } from '../graph/neighbours'

/**
 * The graph with layers called as their authors call them: by the name of their weight where an exporter kept it
 * (`body.0.conv.weight` belongs to `body.0.conv`), else by where their node stands in the code (`/body/attn/qkv/MatMul`).
 * The operands of products of activations are called `q` and `k` before a softmax, `attention` and `v` behind it, `left` and
 * `right` elsewhere. Names are unique; layers that share a weight are numbered.
 */
export function nameLayers(graph: Graph): Graph {
  const taken = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.outputs,
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs)
  ])
  const values = new Map<string, string>()
  const renameValue = (value: string, wanted: string): void => {
    // Inputs, outputs and constants keep their names, and so does what another product has named.
    const isKept = values.has(value) || graph.outputs.includes(value) || graph.inputs.some(({ name }) => name === value)
    if (!isKept) values.set(value, unique(wanted, taken))
  }
  const softmax = new SoftmaxNeighbours(graph)
  const names = new Set<string>()
  const named = graph.nodes.map((node): Node => {
    const kind = kindOf(graph, node)
    if (kind === null) return { ...node, name: unique(node.name, names) }
    if (kind.weight !== null) return { ...node, name: unique(layerOf(kind.weight) ?? placeOf(node), names) }
    const place = outerPlace(node)
    const [left, right] = softmax.isBehind(node)
      ? ['attention', 'v']
      : softmax.isBefore(node)
        ? ['q', 'k']
        : ['left', 'right']
    renameValue(node.inputs[0] ?? '', `${place}.${left}`)
    renameValue(node.inputs[1] ?? '', `${place}.${right}`)
    return { ...node, name: unique(placeOf(node), names) }
  })
  const rename = (value: string): string => values.get(value) ?? value
  const nodes = named.map((node) => ({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }))
  return { ...graph, nodes }
}

/** The name, or the name with the first number that makes it unique. */
function unique(name: string, taken: Set<string>): string {
  let candidate = name
  for (let i = 2; taken.has(candidate); i++) candidate = `${name}#${i}`
  taken.add(candidate)
  return candidate
}

/** The name of a node's constant weight, or null within for a product of activations; null for what is neither. */
function kindOf({ initializers }: Graph, { op, inputs }: Node): { readonly weight: string | null } | null {
  if (!['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(op)) return null
  const weight = [1, 0].map((i) => inputs[i] ?? '').find((name) => initializers.has(name))
  if (weight !== undefined) return { weight }
  return op === 'MatMul' ? { weight: null } : null
}

/** The layer that a weight belongs to; null where its name does not tell. */
function layerOf(weight: string): string | null {
  return /^([\w./-]+)[./](?:weight|kernel)(?:_t)?$/.exec(weight)?.[1]?.replace(/^\//, '').replaceAll('/', '.') ?? null
}

/** Where a node stands, without the operator's own name behind the name of its layer. */
function placeOf({ name, op }: Node): string {
  const parts = pathOf(name)
  const isOperator = new RegExp(`^${op}(_\\d+)?(#\\d+)?$`).test(parts.at(-1) ?? '')
  return (parts.length > 1 && isOperator && !/_\d+$/.test(parts.at(-1) ?? '') ? parts.slice(0, -1) : parts).join('.')
}

/** The module that a node stands in. */
function outerPlace({ name }: Node): string {
  const parts = pathOf(name)
  return (parts.length > 1 ? parts.slice(0, -1) : parts).join('.')
}

function pathOf(name: string): readonly string[] {
  return name.split('/').filter((part) => part !== '')
}

/** Operators through which a product of queries and keys goes on its way to the softmax. */
const onTheWay: ReadonlySet<string> = new Set([
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Reshape',
  'Where',
  'Transpose',
  'Unsqueeze',
  'Squeeze'
])

/** Tells which products stand around a softmax. */
class SoftmaxNeighbours {
  readonly #neighbours: Neighbours

  constructor(graph: Graph) {
    this.#neighbours = new Neighbours(graph)
  }

  /** Whether the left factor is what a softmax gave. */
  isBehind({ inputs }: Node): boolean {
    return this.#neighbours.makerOf(inputs[0] ?? '')?.op === 'Softmax'
  }

  /** Whether all that becomes of the product is normalized by a softmax. */
  isBefore(node: Node): boolean {
    let [value = ''] = node.outputs
    for (;;) {
      const [reader, ...others] = this.#neighbours.readersOf(value)
      if (reader === undefined || others.length > 0) return false
      if (reader.op === 'Softmax') return true
      if (!onTheWay.has(reader.op)) return false
      value = reader.outputs[0] ?? ''
    }
  }
}
