import { GraphBuilder, type Value } from '../graph/builder'
import { format, type Dimension } from '../graph/dimension'
import { dropDead } from '../graph/fold'
import { intsAttribute, type Graph, type Node } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { Neighbours } from '../graph/neighbours'

/** Operators that only move the numbers of their first input. */
export const movements: ReadonlySet<string> = new Set([
  'Reshape',
  'Transpose',
  'Gather',
  'Slice',
  'Squeeze',
  'Unsqueeze'
])

/** Operators that make each number anew, from it and from scalars. */
const byScalars: ReadonlySet<string> = new Set(['Sub', 'Mul', 'QuantizeLinear', 'Clip'])

/** A value that is still to be moved. */
interface Unmoved {
  readonly origin: Value
  readonly moves: readonly Node[]
}

/**
 * The graph with numbers quantized before they are moved instead of after: bytes are moved faster than floats. Every number is
 * quantized alone, so that codes stay the same bit for bit. A value that something else reads as well is moved as it was.
 */
export function quantizeBeforeMovement(graph: Graph): Graph {
  const quantized = valuesOnlyQuantized(graph)
  const types = inferShapes(graph)
  const builder = GraphBuilder.rewriting(graph)
  const rows = new RowOrders(builder)
  const unmoved = new Map<Value, Unmoved>()
  const move = (value: Value): void => {
    const found = unmoved.get(value)
    if (found === undefined) return
    unmoved.delete(value)
    let from = found.origin
    for (const [i, node] of found.moves.entries()) {
      const as = i === found.moves.length - 1 ? value : undefined
      const shape = types.get(node.inputs[0] ?? '')?.shape ?? []
      from =
        rows.transpose(from, node, shape, as) ??
        builder.apply(node.op, [from, ...node.inputs.slice(1)], node.attributes, as)
    }
  }
  for (const node of graph.nodes) {
    const [x = '', ...operands] = node.inputs
    const [output = ''] = node.outputs
    const before = unmoved.get(x)
    if (movements.has(node.op) && quantized.has(output)) {
      unmoved.set(output, { origin: before?.origin ?? x, moves: [...(before?.moves ?? []), node] })
    } else if (before !== undefined && isByScalars(graph, node)) {
      const origin = builder.apply(node.op, [before.origin, ...operands], node.attributes)
      unmoved.set(output, { ...before, origin })
    } else {
      for (const input of node.inputs) move(input)
      builder.append(node)
    }
  }
  for (const output of graph.outputs) move(output)
  return dropDead(builder.build(graph.outputs))
}

/** Values that become codes wherever they are read, behind movements and operators by scalars. */
function valuesOnlyQuantized(graph: Graph): ReadonlySet<Value> {
  const neighbours = new Neighbours(graph)
  const found = new Set<Value>()
  for (const node of graph.nodes.toReversed()) {
    const [output = ''] = node.outputs
    const read = neighbours.readersOf(output)
    const isQuantized = read.every((reader) => {
      if (reader.inputs.indexOf(output) !== 0 || reader.inputs.lastIndexOf(output) !== 0) return false
      if (!movements.has(reader.op) && !isByScalars(graph, reader)) return false
      return reader.op === 'QuantizeLinear' || found.has(reader.outputs[0] ?? '')
    })
    if (isQuantized && read.length > 0 && !graph.outputs.includes(output)) found.add(output)
  }
  return found
}

function isByScalars({ initializers }: Graph, { op, inputs }: Node): boolean {
  return byScalars.has(op) && inputs.slice(1).every((name) => initializers.get(name)?.shape.length === 0)
}

/** Transpositions that leave the last axis where it is, as one Gather of rows: onnxruntime does that on all threads. */
class RowOrders {
  readonly #builder: GraphBuilder
  /** Which row stands at each place, by the sizes and the order of the other axes. */
  readonly #known = new Map<string, Value>()

  constructor(builder: GraphBuilder) {
    this.#builder = builder
  }

  /** The transposed value; null where the node is something else, or several sizes are known at run time only. */
  transpose(x: Value, node: Node, shape: readonly Dimension[], as: Value | undefined): Value | null {
    const order = node.op === 'Transpose' ? intsAttribute(node, 'perm', null) : null
    const sizes = shape.map((size) => (typeof size === 'number' ? size : -1))
    const [length] = sizes.slice(-1)
    if (order?.at(-1) !== shape.length - 1 || length === undefined || length < 0) return null
    if (sizes.filter((size) => size < 0).length > 1) return null
    const builder = this.#builder
    const rows = builder.reshape(x, [-1, length])
    const key = `${shape.slice(0, -1).map(format).join()} ${order.join()}`
    const known = this.#known.get(key)
    const index = known ?? this.#order(rows, sizes.slice(0, -1), order.slice(0, -1))
    this.#known.set(key, index)
    return builder.reshape(
      builder.gather(rows, index, 0),
      order.map((axis) => sizes[axis] ?? 0),
      as
    )
  }

  #order(rows: Value, sizes: readonly number[], order: readonly number[]): Value {
    const builder = this.#builder
    const count = builder.gather(builder.apply('Shape', [rows]), builder.integer(0), 0)
    const places = builder.apply('Range', [builder.integer(0), count, builder.integer(1)])
    return builder.reshape(builder.transpose(builder.reshape(places, sizes), order), [-1])
  }
}
