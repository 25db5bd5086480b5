import { GraphBuilder, type Value } from '../graph/builder'
import type { Dimension } from '../graph/dimension'
import { dropDead } from '../graph/fold'
import { floatAttribute, type Graph, type Node, type ValueType } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { Neighbours } from '../graph/neighbours'
import { elementCount, floatTensor } from '../tensor'
import { movements } from './movement'

/** Operators that add a bias to what they make: which of their inputs it is, and the sizes it has, by the shapes of others. */
const biases: Readonly<Partial<Record<string, { readonly input: number; readonly sizes: BiasSizes }>>> = {
  MatMulIntegerToFloat: { input: 6, sizes: ({ output }) => output.slice(-1) },
  Gemm: { input: 2, sizes: ({ output }) => output.slice(-1) },
  LayerNormalization: { input: 2, sizes: ({ weight }) => weight },
  Conv: { input: 2, sizes: ({ weight }) => weight.slice(0, 1) }
}

type Shape = readonly Dimension[]
type BiasSizes = (shapes: { readonly weight: Shape; readonly output: Shape }) => Shape

/**
 * The graph without subtractions of a number, as lower bounds are before quantizing, wherever what makes the value adds a
 * constant to it that can be that much less, and without multiplications by a number before quantizing: the step is divided by
 * it. That saves passes over the value; float32 rounds in another order, which may change its last digit.
 */
export function foldIntoProducers(graph: Graph): Graph {
  return foldFactors(new ShiftFolding(graph).fold())
}

class ShiftFolding {
  readonly #graph: Graph
  readonly #builder: GraphBuilder
  readonly #types: ReadonlyMap<string, ValueType>
  readonly #neighbours: Neighbours
  /** What makes values with the shift in them, by the names of those without. */
  readonly #shifted = new Map<Value, Node>()

  constructor(graph: Graph) {
    this.#graph = graph
    this.#builder = GraphBuilder.rewriting(graph)
    this.#types = inferShapes(graph)
    this.#neighbours = new Neighbours(graph)
  }

  fold(): Graph {
    const isLeftOut = new Set(this.#graph.nodes.filter((node) => this.#isTakenOver(node)))
    const renamed = new Map<Value, Value>()
    for (const given of this.#graph.nodes) {
      const [output = ''] = given.outputs
      const shifted = this.#shifted.get(output)
      const { op, domain, attributes, ...node } = shifted ?? given
      const inputs = node.inputs.map((name) => renamed.get(name) ?? name)
      if (isLeftOut.has(given)) renamed.set(output, inputs[0] ?? '')
      else if (shifted === undefined) this.#builder.append({ ...given, inputs })
      else renamed.set(output, this.#builder.apply(op, inputs, attributes, undefined, domain))
    }
    return dropDead(this.#builder.build(this.#graph.outputs))
  }

  /** Whether a node only takes a number off a value that can be made that much less, which it then is. */
  #isTakenOver({ op, inputs, outputs }: Node): boolean {
    const [x = '', by = ''] = inputs
    const shift = op === 'Sub' ? this.#scalar(by) : null
    return shift !== null && !this.#graph.outputs.includes(outputs[0] ?? '') && this.#shift(x, -shift)
  }

  /** Whether a value that one node reads can be made so much greater at no cost, which it then is. */
  #shift(value: Value, by: number): boolean {
    const node = this.#neighbours.makerOf(value)
    const isReadOnce = this.#neighbours.onlyReaderOf(value) !== null
    const shifted = node !== undefined && isReadOnce ? this.#nodeShifted(node, by) : null
    if (shifted !== null) this.#shifted.set(value, shifted)
    return shifted !== null
  }

  /** A node that makes so much more than another one; null where that is not to be had. */
  #nodeShifted(node: Node, by: number): Node | null {
    const [x = '', y = ''] = node.inputs
    if (movements.has(node.op)) return this.#shift(x, by) ? node : null
    if (node.op === 'Mul') {
      const factor = this.#scalar(y)
      return factor !== null && factor !== 0 && this.#shift(x, by / factor) ? node : null
    }
    if (node.op === 'Add') {
      const constant = node.inputs.findIndex((name) => this.#graph.initializers.has(name))
      if (constant >= 0) return this.#withInputShifted(node, constant, by)
      return this.#shift(x, by) || this.#shift(y, by) ? node : null
    }
    const bias = biases[node.op]
    if (bias === undefined || floatAttribute(node, 'beta', 1) !== 1 || node.outputs.length !== 1) return null
    if ((node.inputs[bias.input] ?? '') !== '') return this.#withInputShifted(node, bias.input, by)
    const shapeOf = (name = ''): Shape => this.#types.get(name)?.shape ?? []
    const sizes = bias.sizes({ weight: shapeOf(node.inputs[1]), output: shapeOf(node.outputs[0]) })
    if (!sizes.every((size) => typeof size === 'number')) return null
    const added = floatTensor(new Float32Array(elementCount(sizes)).fill(by), sizes)
    return this.#withInput(node, bias.input, this.#builder.constant(added))
  }

  /** A node one of whose inputs, a constant, is greater; null where it is no constant. */
  #withInputShifted(node: Node, input: number, by: number): Node | null {
    const given = this.#graph.initializers.get(node.inputs[input] ?? '')
    if (given?.type !== 'float32') return null
    const greater = floatTensor(
      given.data.map((value) => value + by),
      given.shape
    )
    return this.#withInput(node, input, this.#builder.constant(greater))
  }

  #withInput(node: Node, input: number, value: Value): Node {
    const inputs = Array.from({ length: Math.max(node.inputs.length, input + 1) }, (_, i) => {
      return i === input ? value : (node.inputs[i] ?? '')
    })
    return { ...node, inputs }
  }

  #scalar(name: Value): number | null {
    return scalarOf(this.#graph, name)
  }
}

/** QuantizeLinear of what is multiplied by a number, with a step that is divided by it. */
function foldFactors(graph: Graph): Graph {
  const builder = GraphBuilder.rewriting(graph)
  const neighbours = new Neighbours(graph)
  for (const node of graph.nodes) {
    const [x = '', step = '', ...others] = node.inputs
    const product = node.op === 'QuantizeLinear' ? neighbours.makerOf(x) : undefined
    const [factor, size] = [scalarOf(graph, product?.inputs[1] ?? ''), scalarOf(graph, step)]
    if (product?.op !== 'Mul' || factor === null || size === null || factor <= 0) builder.append(node)
    else builder.append({ ...node, inputs: [product.inputs[0] ?? '', builder.scalar(size / factor), ...others] })
  }
  return dropDead(builder.build(graph.outputs))
}

/** A constant that is one number of no axes; null for anything else. */
function scalarOf({ initializers }: Graph, name: Value): number | null {
  const given = initializers.get(name)
  return given?.type === 'float32' && given.shape.length === 0 ? (given.data[0] ?? null) : null
}
