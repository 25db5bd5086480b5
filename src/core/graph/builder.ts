import { floatTensor, indexTensor, type ElementType, type Tensor } from '../tensor'
import type { Dimension } from './dimension'
import { float, int, ints, string, type Attributes, type Graph, type GraphInput, type Node } from './graph'
import { elementTypeCode } from './operators/elementwise'

/** Where a value comes from; the name of a value of the graph under construction. */
export type Value = string

/** Outputs that a split has at most: with its input, eight values. */
const mostParts = 7

/**
 * Writes a graph node by node. Every method appends one standard operator and returns the value it makes; `as` names
 * that value (and its node), otherwise a name is made. Small constants are shared.
 */
export class GraphBuilder {
  readonly #inputs: GraphInput[] = []
  readonly #nodes: Node[] = []
  readonly #initializers = new Map<string, Tensor>()
  readonly #shared = new Map<string, Value>()
  readonly #taken = new Set<string>()
  /** Names of values that are still to come. */
  readonly #reserved = new Set<string>()
  #counter = 0

  /**
   * A builder that rewrites `graph`: it starts with that graph's inputs and constants, and new names keep clear of all
   * of its names. The nodes are to be passed through `append` or replaced.
   */
  static rewriting(graph: Graph): GraphBuilder {
    const builder = new GraphBuilder()
    for (const { name, type, shape } of graph.inputs) builder.input(name, shape, type)
    for (const [name, tensor] of graph.initializers) builder.constant(tensor, name)
    for (const node of graph.nodes) for (const output of node.outputs) builder.#reserved.add(output)
    return builder
  }

  /** An existing node as it is, or with other inputs. */
  append(node: Node): void {
    for (const output of node.outputs) if (output !== '') this.#take(output)
    this.#nodes.push(node)
  }

  /** An input of the graph. */
  input(name: string, shape: readonly Dimension[], type: ElementType = 'float32'): Value {
    this.#take(name)
    this.#inputs.push({ name, type, shape })
    return name
  }

  /** A constant. Without a name, equal small constants are one. */
  constant(tensor: Tensor, as?: string): Value {
    const key = as === undefined && tensor.data.length <= 16 ? constantKey(tensor) : null
    const known = key === null ? undefined : this.#shared.get(key)
    if (known !== undefined) return known
    const name = this.#name('constant', as)
    this.#initializers.set(name, tensor)
    if (key !== null) this.#shared.set(key, name)
    return name
  }

  /** A float32 scalar. */
  scalar(value: number): Value {
    return this.constant(floatTensor([value], []))
  }

  /** An int64 scalar. */
  integer(value: number): Value {
    return this.constant({ type: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) })
  }

  /** An int64 vector. */
  integers(values: readonly number[]): Value {
    return this.constant(indexTensor(values))
  }

  /** Any operator with one output. */
  apply(op: string, inputs: readonly Value[], attributes: Attributes = {}, as?: string, domain = ''): Value {
    const name = this.#name(op.toLowerCase(), as)
    this.#nodes.push({ name, op, domain, inputs, outputs: [name], attributes })
    return name
  }

  /** Any operator with several outputs. */
  applyMany(op: string, inputs: readonly Value[], count: number, attributes: Attributes = {}, as?: string): Value[] {
    let name = this.#name(op.toLowerCase(), as)
    // The name of a node of the graph that is rewritten may be free while those of its outputs are not.
    while (as === undefined && this.#reserved.has(`${name}.0`)) name = this.#name(op.toLowerCase(), as)
    const outputs = Array.from({ length: count }, (_, i) => this.#name(`${name}.${i}`, `${name}.${i}`))
    this.#nodes.push({ name, op, domain: '', inputs, outputs, attributes })
    return outputs
  }

  add(a: Value, b: Value, as?: string): Value {
    return this.apply('Add', [a, b], {}, as)
  }

  subtract(a: Value, b: Value, as?: string): Value {
    return this.apply('Sub', [a, b], {}, as)
  }

  multiply(a: Value, b: Value, as?: string): Value {
    return this.apply('Mul', [a, b], {}, as)
  }

  divide(a: Value, b: Value, as?: string): Value {
    return this.apply('Div', [a, b], {}, as)
  }

  modulo(a: Value, b: Value, as?: string): Value {
    return this.apply('Mod', [a, b], {}, as)
  }

  cast(x: Value, to: ElementType, as?: string): Value {
    return this.apply('Cast', [x], { to: int(elementTypeCode(to)) }, as)
  }

  matmul(a: Value, b: Value, as?: string): Value {
    return this.apply('MatMul', [a, b], {}, as)
  }

  /** x·weightᵀ + bias: x [rows, in], weight [out, in], bias [out]. */
  linear(x: Value, weight: Value, bias: Value | null, as?: string): Value {
    return this.apply('Gemm', bias === null ? [x, weight] : [x, weight, bias], { transB: int(1) }, as)
  }

  /** Two-dimensional convolution with stride 1 that keeps the picture's size; kernel size odd. */
  convolution(x: Value, weight: Value, bias: Value | null, kernel: number, as?: string): Value {
    const pad = (kernel - 1) / 2
    const attributes = { kernel_shape: ints([kernel, kernel]), pads: ints([pad, pad, pad, pad]) }
    return this.apply('Conv', bias === null ? [x, weight] : [x, weight, bias], attributes, as)
  }

  softmax(x: Value, as?: string): Value {
    return this.apply('Softmax', [x], { axis: int(-1) }, as)
  }

  layerNormalization(x: Value, weight: Value, bias: Value, epsilon: number, as?: string): Value {
    return this.apply('LayerNormalization', [x, weight, bias], { axis: int(-1), epsilon: float(epsilon) }, as)
  }

  /** The exact GELU, by erf. */
  gelu(x: Value, as?: string): Value {
    return this.apply('Gelu', [x], {}, as)
  }

  leakyRelu(x: Value, slope: number, as?: string): Value {
    return this.apply('LeakyRelu', [x], { alpha: float(slope) }, as)
  }

  /** To a constant shape; 0 copies a size, −1 takes what is left. */
  reshape(x: Value, shape: readonly number[], as?: string): Value {
    return this.reshapeTo(x, this.integers(shape), as)
  }

  /** To a shape computed in the graph. */
  reshapeTo(x: Value, shape: Value, as?: string): Value {
    return this.apply('Reshape', [x, shape], {}, as)
  }

  transpose(x: Value, order: readonly number[], as?: string): Value {
    return this.apply('Transpose', [x], { perm: ints(order) }, as)
  }

  gather(x: Value, indices: Value, axis: number, as?: string): Value {
    return this.apply('Gather', [x, indices], { axis: int(axis) }, as)
  }

  /**
   * Parts of so many elements along an axis, which together make up the whole. Many are split in steps: every output is a
   * buffer of its own, and what runs on a GPU may be bound to eight of them (WebGPU's least limit) at a time.
   */
  split(x: Value, sizes: readonly number[], axis: number): Value[] {
    if (sizes.length <= mostParts) {
      return this.applyMany('Split', [x, this.integers(sizes)], sizes.length, { axis: int(axis) })
    }
    const each = Math.ceil(sizes.length / mostParts)
    const groups = Array.from({ length: Math.ceil(sizes.length / each) }, (_, i) => {
      return sizes.slice(i * each, (i + 1) * each)
    })
    const wholes = this.split(
      x,
      groups.map((group) => group.reduce((sum, size) => sum + size, 0)),
      axis
    )
    return groups.flatMap((group, i) => {
      const whole = wholes[i] ?? ''
      return group.length === 1 ? [whole] : this.split(whole, group, axis)
    })
  }

  concat(parts: readonly Value[], axis: number, as?: string): Value {
    return this.apply('Concat', parts, { axis: int(axis) }, as)
  }

  /** [start, end) along the given axes; starts and ends are int64 vectors. */
  slice(x: Value, starts: Value, ends: Value, axes: readonly number[], as?: string): Value {
    return this.apply('Slice', [x, starts, ends, this.integers(axes)], {}, as)
  }

  /** One size of a value as an int64 vector of one element. */
  size(x: Value, axis: number): Value {
    return this.gather(this.apply('Shape', [x]), this.integers([axis]), 0)
  }

  /** Pads as a runtime int64 vector (begin of all axes, then end of all axes), mirroring without the edge. */
  padReflect(x: Value, pads: Value, as?: string): Value {
    return this.apply('Pad', [x, pads], { mode: string('reflect') }, as)
  }

  /** Channels to pixels as torch's pixel_shuffle does. */
  pixelShuffle(x: Value, scale: number, as?: string): Value {
    return this.apply('DepthToSpace', [x], { blocksize: int(scale), mode: string('CRD') }, as)
  }

  /** Every pixel repeated `scale` times in both directions. */
  resizeNearest(x: Value, scale: number, as?: string): Value {
    const scales = this.constant(floatTensor([1, 1, scale, scale], [4]))
    const attributes = {
      mode: string('nearest'),
      coordinate_transformation_mode: string('asymmetric'),
      nearest_mode: string('floor')
    }
    return this.apply('Resize', [x, '', scales], attributes, as)
  }

  /** The finished graph. */
  build(outputs: readonly Value[]): Graph {
    return { inputs: [...this.#inputs], outputs, initializers: new Map(this.#initializers), nodes: [...this.#nodes] }
  }

  #name(kind: string, wanted: string | undefined): string {
    if (wanted !== undefined) {
      this.#take(wanted)
      return wanted
    }
    let name: string
    do name = `${kind}_${this.#counter++}`
    while (this.#taken.has(name) || this.#reserved.has(name))
    this.#taken.add(name)
    return name
  }

  #take(name: string): void {
    if (this.#taken.has(name)) throw new Error(`The graph already has a value named "${name}"`)
    this.#taken.add(name)
  }
}

function constantKey({ type, shape, data }: Tensor): string {
  return `${type}[${shape.join()}]${data.join()}`
}
