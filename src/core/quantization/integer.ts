import { GraphBuilder, type Value } from '../graph/builder'
import { dropDead } from '../graph/fold'
import { intAttribute, type Graph, type Node } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { floatTensor, type Tensor } from '../tensor'
import {
  codesAtRunTime,
  codesOfWeight,
  placeConstantQuantizers,
  standardWriter,
  valuesOf,
  type PlacedQuantizer
} from './packing'
import { fakeQuantize } from './placement'
import { stepOf } from './quantizer'

/** onnxruntime's own operators. */
const microsoft = 'com.microsoft'

/**
 * A network that computes its quantized linear layers and products of activations in integers (section 1 of the method notes; the
 * data flow of the paper's Fig. 3). With a = sₐ·rₐ + lₐ and b = s_b·r_b + l_b,
 *
 *     Σ a·b = sₐs_b Σ rₐr_b + sₐl_b Σ rₐ + s_blₐ Σ r_b + K·lₐl_b
 *
 * The first sum is of integers, by `MatMulIntegerToFloat` of onnxruntime, and so are the row and column sums. What of the others
 * is of weights alone is part of the bias. Layers of other kinds, and products over as many numbers as the picture is large,
 * compute in float32 with the values that codes stand for.
 */
export function integerNetwork(graph: Graph, placed: readonly PlacedQuantizer[]): Graph {
  return new IntegerLowering(graph, placed).lower()
}

/** The codes of a value at run time, and what they stand for: step · code + lower. */
interface RunningCodes {
  readonly codes: Value
  readonly step: number
  readonly lower: number
}

class IntegerLowering {
  readonly #graph: Graph
  readonly #placed: Graph
  readonly #builder: GraphBuilder
  /** Quantizers by the names of their quantized values. */
  readonly #quantizers: ReadonlyMap<string, PlacedQuantizer>
  readonly #types: ReturnType<typeof inferShapes>
  readonly #codes = new Map<string, RunningCodes>()
  readonly #knownSums = new Map<string, Value>()
  /** Quantized values that are there as numbers. */
  readonly #numbers = new Set<string>()

  constructor(graph: Graph, placed: readonly PlacedQuantizer[]) {
    this.#graph = graph
    const { graph: withQuantizers, quantizers } = placeConstantQuantizers(graph, placed)
    this.#placed = withQuantizers
    this.#builder = GraphBuilder.rewriting(withQuantizers)
    this.#quantizers = quantizers
    this.#types = inferShapes(graph)
  }

  lower(): Graph {
    for (const node of this.#placed.nodes) {
      if (node.op === fakeQuantize) continue
      if (!this.#lowerProduct(node)) {
        for (const input of node.inputs) this.#asNumbers(input)
        this.#builder.append(node)
      }
    }
    return dropDead(this.#builder.build(this.#graph.outputs))
  }

  /** Whether a node is a product of quantized operands, which is then appended. */
  #lowerProduct(node: Node): boolean {
    const [a = '', b = '', bias = ''] = node.inputs
    const [left, right] = [this.#quantizers.get(a), this.#quantizers.get(b)]
    if (left?.site.kind !== 'activation' || right === undefined || !isPlainProduct(node)) return false
    if (right.site.kind === 'activation') {
      const [length, columns] = [this.#sizeOf(left.site.value, -1), this.#sizeOf(right.site.value, -1)]
      if (bias !== '' || intAttribute(node, 'transB', 0) === 1 || length === null || columns === null) return false
      this.#productOfActivations(node, left, right, { length, columns })
      return true
    }
    const outputs = this.#outputsOf(node, right)
    const shift = outputs === null ? null : this.#biasOf(bias, outputs)
    if (shift === null) return false
    this.#layer(node, left, right, shift)
    return true
  }

  /** How many numbers a layer makes of each row; null where its weight is no matrix. */
  #outputsOf(node: Node, { site }: PlacedQuantizer): number | null {
    const shape = this.#graph.initializers.get(site.value)?.shape ?? []
    if (shape.length !== 2) return null
    return shape[intAttribute(node, 'transB', 0) === 1 ? 0 : 1] ?? null
  }

  /** A bias as one number for each output; null where it is made at run time, or is one for each row. */
  #biasOf(bias: Value, outputs: number): Float32Array | null {
    if (bias === '') return new Float32Array(outputs)
    const given = this.#graph.initializers.get(bias)
    if (given?.type !== 'float32') return null
    if (given.data.length === 1) return new Float32Array(outputs).fill(given.data[0] ?? NaN)
    return given.data.length === outputs && given.shape.at(-1) === outputs ? given.data : null
  }

  /** x · W + bias, with the part of the offsets that is of weights alone in the bias. */
  #layer(node: Node, input: PlacedQuantizer, weight: PlacedQuantizer, bias: Float32Array): void {
    const builder = this.#builder
    const output = node.outputs[0] ?? ''
    const x = this.#codesOf(input)
    const { codes, inputs, outputs, steps, lowers, sums } = this.#weight(node, weight)
    const shift = bias.map((own, n) => own + x.lower * (sums[n] ?? NaN))
    const operands = [x.codes, builder.constant(codes), builder.scalar(x.step), builder.constant(scalarOrVector(steps))]
    const product = [...operands, '', '', builder.constant(floatTensor(shift, [outputs]))]
    const [lower = 0] = lowers
    if (lowers.every((each) => each === 0)) {
      builder.apply('MatMulIntegerToFloat', product, {}, output, microsoft)
      return
    }
    const main = builder.apply('MatMulIntegerToFloat', product, {}, undefined, microsoft)
    const rows = this.#rowSums(x, inputs, lowers.length === 1 ? lower : 1)
    const offsets = lowers.length === 1 ? rows : builder.multiply(rows, builder.constant(scalarOrVector(lowers)))
    builder.add(main, offsets, output)
  }

  /** Both operands are made at run time: rows of the left and columns of the right one are summed. */
  #productOfActivations(
    node: Node,
    left: PlacedQuantizer,
    right: PlacedQuantizer,
    { length, columns }: { readonly length: number; readonly columns: number }
  ): void {
    const builder = this.#builder
    const output = node.outputs[0] ?? ''
    const [a, b] = [this.#codesOf(left), this.#codesOf(right)]
    const rest = new Float32Array(columns).fill(length * a.lower * b.lower)
    const bias = a.lower * b.lower === 0 ? [] : ['', '', builder.constant(floatTensor(rest, [rest.length]))]
    const operands = [a.codes, b.codes, builder.scalar(a.step), builder.scalar(b.step), ...bias]
    const product = builder.apply('MatMulIntegerToFloat', operands, {}, undefined, microsoft)
    const sums = [
      ...(b.lower === 0 || this.#vanishInSoftmax(output) ? [] : [this.#rowSums(a, length, b.lower)]),
      ...(a.lower === 0 ? [] : [this.#columnSums(b, length, a.lower)])
    ]
    const last = sums.pop()
    if (last === undefined) {
      builder.apply('Identity', [product], {}, output)
      return
    }
    const total = sums.reduce((before, sum) => builder.add(before, sum), product)
    builder.add(total, last, output)
  }

  /**
   * Whether what is the same along the last axis of a value makes no difference: because nothing but a softmax reads it, behind
   * additions and reshapes that keep that axis, and softmax(x + c) = softmax(x).
   */
  #vanishInSoftmax(value: Value): boolean {
    const readers = this.#graph.nodes.filter(({ inputs }) => inputs.includes(value))
    const [reader] = readers
    if (readers.length !== 1 || reader === undefined || this.#graph.outputs.includes(value)) return false
    const [output = ''] = reader.outputs
    const keepsAxis = this.#sizeOf(value, -1) !== null && this.#sizeOf(value, -1) === this.#sizeOf(output, -1)
    if (reader.op === 'Softmax') {
      const axis = intAttribute(reader, 'axis', -1)
      return axis === -1 || axis === (this.#types.get(value)?.shape.length ?? 0) - 1
    }
    return (reader.op === 'Add' || reader.op === 'Reshape') && keepsAxis && this.#vanishInSoftmax(output)
  }

  /** factor · step · Σ codes over the last axis, whose size stays as 1. */
  #rowSums({ codes, step }: RunningCodes, length: number, factor: number): Value {
    return this.#sums(`${codes} rows ${factor}`, () => {
      const operands = [codes, this.#ones([length, 1]), this.#builder.scalar(step), this.#builder.scalar(factor)]
      return this.#builder.apply('MatMulIntegerToFloat', operands, {}, undefined, microsoft)
    })
  }

  /** factor · step · Σ codes over the axis before the last, whose size stays as 1. */
  #columnSums({ codes, step }: RunningCodes, length: number, factor: number): Value {
    return this.#sums(`${codes} columns ${factor}`, () => {
      const operands = [this.#ones([1, length]), codes, this.#builder.scalar(factor), this.#builder.scalar(step)]
      return this.#builder.apply('MatMulIntegerToFloat', operands, {}, undefined, microsoft)
    })
  }

  #ones(shape: readonly [number, number]): Value {
    const data = new Uint8Array(shape[0] * shape[1]).fill(1)
    return this.#builder.constant({ type: 'uint8', shape, data })
  }

  #sums(key: string, make: () => Value): Value {
    const known = this.#knownSums.get(key)
    if (known !== undefined) return known
    const sum = make()
    this.#knownSums.set(key, sum)
    return sum
  }

  /** The codes of an activation; what is quantized in the same way twice is quantized once. */
  #codesOf({ site, quantizer }: PlacedQuantizer): RunningCodes {
    const { bits } = quantizer
    const [lower, upper] = [Math.fround(quantizer.lower), Math.fround(quantizer.upper)]
    const key = [site.value, lower, upper, bits].join(' ')
    const known = this.#codes.get(key)
    if (known !== undefined) return known
    const builder = this.#builder
    const step = stepOf({ lower, upper }, bits)
    const offset = lower === 0 ? null : builder.scalar(lower)
    const codes = codesAtRunTime(builder, site.value, { step: builder.scalar(step), offset, bits })
    const found = { codes, step, lower }
    this.#codes.set(key, found)
    return found
  }

  /** A weight as [inputs, outputs], whichever way it lies in the graph. */
  #weight(
    node: Node,
    placed: PlacedQuantizer
  ): {
    readonly codes: Tensor
    readonly inputs: number
    readonly outputs: number
    readonly steps: Float32Array
    readonly lowers: Float32Array
    /** Σ of what the codes of each output stand for. */
    readonly sums: Float64Array
  } {
    const { codes: found, axis } = this.#codesOfWeight(placed)
    const isTransposed = intAttribute(node, 'transB', 0) === 1
    const [first = 0, second = 0] = found.shape
    const [inputs, outputs] = isTransposed ? [second, first] : [first, second]
    const at = (k: number, n: number): number => (isTransposed ? n * inputs + k : k * outputs + n)
    const values = valuesOf(found, axis).data
    const sums = new Float64Array(outputs)
    const codes = new Uint8Array(inputs * outputs)
    for (let k = 0; k < inputs; k++) {
      for (let n = 0; n < outputs; n++) {
        codes[k * outputs + n] = found.codes[at(k, n)] ?? 0
        sums[n] = (sums[n] ?? 0) + (values[at(k, n)] ?? NaN)
      }
    }
    const shape = [inputs, outputs]
    // Faster, and as long as codes have few bits free of saturation within the processor's instructions.
    const isSmall = found.bits < 8
    const stored: Tensor = isSmall
      ? { type: 'int8', shape, data: Int8Array.from(codes) }
      : { type: 'uint8', shape, data: codes }
    return { codes: stored, inputs, outputs, steps: found.steps, lowers: found.lowers, sums }
  }

  #codesOfWeight(placed: PlacedQuantizer): NonNullable<ReturnType<typeof codesOfWeight>> {
    const found = codesOfWeight(this.#graph, placed)
    if (found === null) throw new Error(`"${placed.site.value}" is no weight`)
    return found
  }

  /** Has a quantized value as the numbers that its codes stand for. */
  #asNumbers(name: string): void {
    const placed = this.#quantizers.get(name)
    if (placed === undefined || this.#numbers.has(name)) return
    this.#numbers.add(name)
    const writer = standardWriter(21)
    if (placed.site.kind === 'activation') writer.activation(this.#builder, placed.site.value, placed.quantizer, name)
    else {
      const { codes, axis } = this.#codesOfWeight(placed)
      writer.weight(this.#builder, codes, axis, name)
    }
  }

  /** A size of a value; null where it depends on the picture. */
  #sizeOf(value: string, axis: number): number | null {
    const size = this.#types.get(value)?.shape.at(axis)
    return typeof size === 'number' ? size : null
  }
}

/** Whether a node multiplies matrices and does no more. */
function isPlainProduct(node: Node): boolean {
  if (node.op === 'MatMul') return true
  if (node.op !== 'Gemm' || intAttribute(node, 'transA', 0) !== 0) return false
  return ['alpha', 'beta'].every((name) => (node.attributes[name]?.value ?? 1) === 1)
}

/** A scalar where all are one. */
function scalarOrVector(values: Float32Array): Tensor {
  return values.length === 1 ? floatTensor(values, []) : floatTensor(values, [values.length])
}
