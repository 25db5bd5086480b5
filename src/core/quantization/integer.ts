import { GraphBuilder, type Value } from '../graph/builder'
import { contributedDomain } from '../graph/conversion/convert'
import { dropDead } from '../graph/fold'
import { int, intAttribute, intsAttribute, type Graph, type Node } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { Neighbours } from '../graph/neighbours'
import { elementCount, floatTensor, type Tensor, type TensorOf } from '../tensor'
import type { Codes } from './codes'
import { foldIntoProducers } from './folding'
import { quantizeBeforeMovement } from './movement'
import { codesOfWeight, placeConstantQuantizers, standardWriter, valuesOf, type PlacedQuantizer } from './packing'
import { fakeQuantize } from './placement'
import { ActivationCodes, codesTensor, nearestToZero, typeOnTheRight, type RunningCodes } from './running-codes'

/**
 * A network that computes its quantized linear layers and products of activations in integers (section 1 of the method notes; the
 * data flow of the paper's Fig. 3). With a = sₐ·rₐ + lₐ and b = s_b·r_b + l_b, codes r counted from the one nearest to 0,
 *
 *     Σ a·b = sₐs_b Σ rₐr_b + sₐl_b Σ rₐ + s_blₐ Σ r_b + K·lₐl_b
 *
 * The first sum is of integers, by `MatMulIntegerToFloat` of onnxruntime, and so are those of one operand's codes. A convolution is
 * a product of what its kernel sees at every place, which takes a seventh of the time of `ConvInteger`; that is left to convolutions
 * in groups. What is of weights alone is part of the bias, or where a convolution meets the border of a picture, beyond which there
 * are zeros and no codes, a convolution of ones. Transposed convolutions, and products over as many numbers as the picture is
 * large, compute in float32 with the values that codes stand for.
 */
export function integerNetwork(graph: Graph, placed: readonly PlacedQuantizer[]): Graph {
  return foldIntoProducers(quantizeBeforeMovement(new IntegerLowering(graph, placed).lower()))
}

/** Codes of a weight as a value of the graph, and the code from which they count; '' where that is 0. */
interface StoredCodes {
  readonly codes: Value
  readonly zero: Value
}

/**
 * Sums of the rows of a product of at most so many columns stand in each column, which costs no more to multiply (onnxruntime pads
 * columns to 16) and adds faster.
 */
const fewColumns = 16

class IntegerLowering {
  readonly #graph: Graph
  readonly #placed: Graph
  readonly #builder: GraphBuilder
  /** Quantizers by the names of their quantized values. */
  readonly #quantizers: ReadonlyMap<string, PlacedQuantizer>
  readonly #types: ReturnType<typeof inferShapes>
  readonly #neighbours: Neighbours
  readonly #activations: ActivationCodes
  readonly #known = new Map<string, Value>()
  /** Factors with which sums of rows of codes were made first. */
  readonly #firstFactors = new Map<Value, number>()
  /** Quantized values that are there as numbers. */
  readonly #numbers = new Set<string>()

  constructor(graph: Graph, placed: readonly PlacedQuantizer[]) {
    this.#graph = graph
    const { graph: withQuantizers, quantizers } = placeConstantQuantizers(graph, placed)
    this.#placed = withQuantizers
    this.#builder = GraphBuilder.rewriting(withQuantizers)
    this.#quantizers = quantizers
    this.#neighbours = new Neighbours(graph)
    this.#activations = new ActivationCodes(this.#builder, this.#neighbours)
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
    if (left?.site.kind !== 'activation' || right === undefined) return false
    if (node.op === 'Conv' && right.site.kind === 'weight') return this.#convolution(node, left, right)
    if (!isPlainProduct(node)) return false
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
    const x = this.#activations.left(input, weight.quantizer.bits)
    const w = this.#weight(node, weight)
    const shift = bias.map((own, n) => own + x.offset * (w.sums[n] ?? NaN))
    const operands = [x.codes, w.codes, builder.scalar(x.step), builder.constant(scalarOrVector(w.steps))]
    const product = [...operands, x.zero, w.zero, builder.constant(floatTensor(shift, [w.outputs]))]
    const [offset = 0] = w.offsets
    if (w.offsets.every((each) => each === 0)) {
      builder.apply('MatMulIntegerToFloat', product, {}, output, contributedDomain)
      return
    }
    const main = builder.apply('MatMulIntegerToFloat', product, {}, undefined, contributedDomain)
    const isOne = w.offsets.length === 1
    const factor = isOne ? offset : 1
    const isMatrix = this.#types.get(input.site.value)?.shape.length === 2
    const rows = isMatrix ? this.#rowSumsOfMatrix(x, w.inputs, factor) : this.#rowSums(x, w.inputs, factor)
    builder.add(main, isOne ? rows : builder.multiply(rows, builder.constant(scalarOrVector(w.offsets))), output)
  }

  /** x ∗ W + bias, with what the offset of x adds to each output; whether that can be done. */
  #convolution(node: Node, input: PlacedQuantizer, weight: PlacedQuantizer): boolean {
    const { codes, axis } = this.#codesOfWeight(weight)
    const bias = this.#biasOf(node.inputs[2] ?? '', codes.shape[0] ?? 0)
    if (bias === null) return false
    const builder = this.#builder
    const x = this.#activations.bytes(input)
    const [output = ''] = node.outputs
    const { offsets } = nearestToZero(codes.lowers, codes.steps, codes.bits)
    const hasSums = offsets.some((offset) => offset !== 0)
    if (x.offset === 0 && !hasSums && isInOneGroup(node)) {
      this.#productOfSeen(node, x, codes, { bias, as: output })
      return true
    }
    const product = this.#convolveCodes(node, x, codes)
    const shift = this.#shiftOfConvolution(node, x.offset, floatTensor(bias, [bias.length]), valuesOf(codes, axis))
    const total = hasSums ? builder.add(product, this.#kernelSums(node, x, codes.shape, offsets)) : product
    builder.add(total, shift, output)
    return true
  }

  /** step of x · steps · (codes of x ∗ codes of a kernel [outputs, channels, …]), whose outputs have one step or one each. */
  #convolveCodes(node: Node, x: RunningCodes, kernel: Codes, steps = kernel.steps): Value {
    if (isInOneGroup(node)) return this.#productOfSeen(node, x, kernel, { steps })
    const builder = this.#builder
    const w = this.#stored(kernel, kernel.codes, kernel.shape)
    const sum = builder.apply('ConvInteger', [x.codes, w.codes, x.zero, w.zero], node.attributes)
    const scales = builder.constant(scalarOrVector(steps.map((step) => step * x.step)))
    return builder.apply('DequantizeLinear', [sum, scales], steps.length === 1 ? {} : { axis: int(1) })
  }

  /** The same of all channels, as a product of what the kernel sees, and a bias. */
  #productOfSeen(
    node: Node,
    x: RunningCodes,
    kernel: Codes,
    {
      steps = kernel.steps,
      bias,
      as
    }: { readonly steps?: Float32Array; readonly bias?: Float32Array; readonly as?: Value }
  ): Value {
    const builder = this.#builder
    const { codes, shape } = kernel
    const [outputs = 0, channels = 0, ...sizes] = shape
    const area = elementCount(sizes)
    // One row for each channel of each place in the kernel, as they are seen.
    const rows = Uint8Array.from({ length: codes.length }, (_, i) => {
      const [row, output] = [Math.floor(i / outputs), i % outputs]
      const [place, channel] = [Math.floor(row / channels), row % channels]
      return codes[(output * channels + channel) * area + place] ?? 0
    })
    const w = this.#stored(kernel, rows, [area * channels, outputs])
    const seen = this.#seenBy(node, x, sizes)
    const operands = [seen, w.codes, builder.scalar(x.step), builder.constant(scalarOrVector(steps)), x.zero, w.zero]
    if (bias !== undefined) operands.push(builder.constant(floatTensor(bias, [outputs])))
    const product = builder.apply('MatMulIntegerToFloat', operands, {}, undefined, contributedDomain)
    const last = sizes.length + 1
    return builder.transpose(product, [0, last, ...sizes.map((_, i) => i + 1)], as)
  }

  /** The codes that a kernel sees at every place of a picture, [N, rows, columns, places in the kernel · channels]. */
  #seenBy(node: Node, { codes, zero }: RunningCodes, sizes: readonly number[]): Value {
    const builder = this.#builder
    const rank = sizes.length
    const spatial = sizes.map((_, i) => i + 1)
    const ones = sizes.map(() => 1)
    const strides = intsAttribute(node, 'strides', ones)
    const dilations = intsAttribute(node, 'dilations', ones)
    const pads = intsAttribute(node, 'pads', [...ones, ...ones].fill(0))
    const reach = sizes.map((size, i) => (size - 1) * (dilations[i] ?? 1))
    return this.#shared([codes, 'seen', sizes, strides, dilations, pads].join(' '), () => {
      const last = builder.transpose(codes, [0, ...spatial.map((axis) => axis + 1), 1])
      const around = builder.integers([0, ...pads.slice(0, rank), 0, 0, ...pads.slice(rank), 0])
      const padded = isPadded(node) ? builder.apply('Pad', [last, around, ...(zero === '' ? [] : [zero])]) : last
      const parts = placesIn(sizes).map((place) => {
        const starts = place.map((at, i) => at * (dilations[i] ?? 1))
        // As far from the end as the kernel reaches beyond this place.
        const ends = starts.map((start, i) => start - (reach[i] ?? 0) || Number.MAX_SAFE_INTEGER)
        const view = [starts, ends, spatial, strides].map((list) => builder.integers(list))
        return builder.apply('Slice', [padded, ...view])
      })
      return builder.concat(parts, rank + 1)
    })
  }

  /**
   * offset of W · step of x · Σ of the codes of x under the kernel. One sum does for all outputs, but where groups of them see
   * channels of their own.
   */
  #kernelSums(node: Node, x: RunningCodes, shape: readonly number[], offsets: Float32Array): Value {
    const [outputs = 0, channels = 0, ...kernel] = shape
    const onesOf = (count: number): Codes => {
      const seen = [count, channels, ...kernel]
      const codes = new Uint8Array(elementCount(seen)).fill(1)
      return { codes, shape: seen, bits: 1, lowers: Float32Array.of(0), steps: Float32Array.of(1) }
    }
    if (!isInOneGroup(node)) return this.#convolveCodes(node, x, onesOf(outputs), offsets)
    if (offsets.length === 1) return this.#convolveCodes(node, x, onesOf(1), offsets)
    const sums = this.#convolveCodes(node, x, onesOf(1))
    return this.#builder.multiply(sums, this.#builder.constant(floatTensor(offsets, overChannels(outputs, kernel))))
  }

  /**
   * bias + offset · Σ W over what of the kernel lies within the picture: one number for each output where nothing is padded, else a
   * convolution of ones, for beyond the border there are zeros, which are no codes.
   */
  #shiftOfConvolution(node: Node, offset: number, bias: TensorOf<'float32'>, weight: TensorOf<'float32'>): Value {
    const [outputs = 0, channels = 0, ...kernel] = weight.shape
    const area = elementCount(kernel)
    const sums = new Float64Array(outputs * area)
    for (const [i, value] of weight.data.entries()) {
      const at = Math.floor(i / (channels * area)) * area + (i % area)
      sums[at] = (sums[at] ?? NaN) + offset * value
    }
    const builder = this.#builder
    if (offset !== 0 && isPadded(node)) {
      const seen = builder.constant(floatTensor(Float32Array.from(sums), [outputs, 1, ...kernel]))
      const attributes = { ...node.attributes, group: int(1) }
      const ones = this.#onesOver(node.inputs[0] ?? '', kernel.length)
      return builder.apply('Conv', [ones, seen, builder.constant(bias)], attributes)
    }
    const shift = bias.data.map((own, n) => sums.subarray(n * area, (n + 1) * area).reduce((a, b) => a + b, own))
    return builder.constant(floatTensor(shift, overChannels(outputs, kernel)))
  }

  /** Ones over the last axes of a value, [1, 1, …]. */
  #onesOver(quantized: Value, axes: number): Value {
    const value = this.#quantizers.get(quantized)?.site.value ?? quantized
    return this.#shared(`${value} ones`, () => {
      const builder = this.#builder
      const sizes = builder.apply('Shape', [value], { start: int(-axes) })
      const shape = builder.concat([builder.integers([1, 1]), sizes], 0)
      return builder.apply('ConstantOfShape', [shape], { value: { kind: 'tensor', value: floatTensor([1], [1]) } })
    })
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
    const a = this.#activations.left(left, right.quantizer.bits)
    const b = this.#activations.right(right)
    const areRowsLeftOut = this.#vanishInSoftmax(output)
    const rest = areRowsLeftOut ? 0 : length * a.offset * b.offset
    const bias = rest === 0 ? '' : builder.constant(floatTensor(new Float32Array(columns).fill(rest), [columns]))
    const operands = [a.codes, b.codes, builder.scalar(a.step), builder.scalar(b.step), a.zero, b.zero, bias]
    const hasRows = b.offset !== 0 && !areRowsLeftOut
    const rows = hasRows ? this.#rowSums(a, length, b.offset, columns <= fewColumns ? columns : 1) : null
    const hasColumns = a.offset !== 0
    const as = hasRows || hasColumns ? undefined : output
    const product = builder.apply('MatMulIntegerToFloat', operands, {}, as, contributedDomain)
    const withRows = rows === null ? product : builder.add(product, rows, hasColumns ? undefined : output)
    if (hasColumns) this.#addColumnSums(withRows, node, { right, length, columns }, a.offset)
  }

  /**
   * Appends what a node makes: a product [.., rows, columns] and factor · what the codes on its right sum to in each column. Several
   * rows lie side by side while these are added, where their number is known: onnxruntime adds long rows faster.
   */
  #addColumnSums(
    product: Value,
    node: Node,
    { right, length, columns }: { readonly right: PlacedQuantizer; readonly length: number; readonly columns: number },
    factor: number
  ): void {
    const builder = this.#builder
    const codes = this.#activations.right(right)
    const [output = ''] = node.outputs
    const rows = this.#sizeOf(output, -2)
    const together = [4, 2].find((count) => rows !== null && rows % count === 0)
    if (together === undefined || rows === null) {
      builder.add(product, this.#columnSums(codes, length, factor, 1), output)
      return
    }
    const outer = (value: Value): number[] => (this.#types.get(value)?.shape ?? []).slice(0, -2).map(() => 0)
    const sums = this.#columnSums(codes, length, factor, together)
    const wide = builder.reshape(product, [...outer(output), rows / together, together * columns])
    const added = builder.add(wide, builder.reshape(sums, [...outer(right.site.value), 1, together * columns]))
    builder.reshape(added, [...outer(output), rows, columns], output)
  }

  /**
   * Whether what is the same along the last axis of a value makes no difference: because nothing but a softmax reads it, behind
   * additions and reshapes that keep that axis, and softmax(x + c) = softmax(x).
   */
  #vanishInSoftmax(value: Value): boolean {
    const reader = this.#neighbours.onlyReaderOf(value)
    if (reader === null) return false
    const [output = ''] = reader.outputs
    const keepsAxis = this.#sizeOf(value, -1) !== null && this.#sizeOf(value, -1) === this.#sizeOf(output, -1)
    if (reader.op === 'Softmax') {
      const axis = intAttribute(reader, 'axis', -1)
      return axis === -1 || axis === (this.#types.get(value)?.shape.length ?? 0) - 1
    }
    return (reader.op === 'Add' || reader.op === 'Reshape') && keepsAxis && this.#vanishInSoftmax(output)
  }

  /** factor · step · Σ codes over the last axis, whose size becomes `times`: the sum stands there so many times. */
  #rowSums({ codes, zero, step }: RunningCodes, length: number, factor: number, times = 1): Value {
    return this.#shared(`${codes} rows ${factor} ${times}`, () => {
      const ones = this.#builder.constant(onesTensor('int8', [length, times]))
      const operands = [codes, ones, this.#builder.scalar(step), this.#builder.scalar(factor), zero]
      return this.#builder.apply('MatMulIntegerToFloat', operands, {}, undefined, contributedDomain)
    })
  }

  /**
   * The same of codes [rows, length], as [rows, 1]. Of several factors, as those of q, k and v, all but the first multiply what there
   * is, as a vector: onnxruntime takes every row of [rows, 1] by itself.
   */
  #rowSumsOfMatrix(x: RunningCodes, length: number, factor: number): Value {
    const builder = this.#builder
    const first = this.#firstFactors.get(x.codes) ?? factor
    this.#firstFactors.set(x.codes, first)
    const sums = this.#rowSums(x, length, first)
    if (factor === first) return sums
    const scaled = builder.multiply(builder.reshape(sums, [-1]), builder.scalar(factor / first))
    return builder.reshape(scaled, [-1, 1])
  }

  /** factor · step · Σ codes over the axis before the last, whose size becomes `times`: the sum stands there so many times. */
  #columnSums({ codes, zero, step }: RunningCodes, length: number, factor: number, times: number): Value {
    return this.#shared(`${codes} columns ${factor} ${times}`, () => {
      const ones = this.#builder.constant(onesTensor('uint8', [times, length]))
      const operands = [ones, codes, this.#builder.scalar(factor), this.#builder.scalar(step), '', zero]
      return this.#builder.apply('MatMulIntegerToFloat', operands, {}, undefined, contributedDomain)
    })
  }

  #shared(key: string, make: () => Value): Value {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const sum = make()
    this.#known.set(key, sum)
    return sum
  }

  /** A weight as [inputs, outputs], whichever way it lies in the graph. */
  #weight(
    node: Node,
    placed: PlacedQuantizer
  ): StoredCodes & {
    readonly inputs: number
    readonly outputs: number
    readonly steps: Float32Array
    readonly offsets: Float32Array
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
    return { ...this.#stored(found, codes, [inputs, outputs]), inputs, outputs, steps: found.steps, sums }
  }

  /** Codes of a weight in some order as a constant: those with a sign are counted from the code nearest to 0. */
  #stored(
    { bits, lowers, steps }: Codes,
    codes: Uint8Array,
    shape: readonly number[]
  ): StoredCodes & { readonly offsets: Float32Array } {
    const builder = this.#builder
    const { zero, offsets } = nearestToZero(lowers, steps, bits)
    const type = typeOnTheRight(bits)
    const isCounted = type === 'int8'
    const stored = isCounted ? Array.from(codes, (code) => code - zero) : codes
    const from = isCounted || zero === 0 ? '' : builder.constant(codesTensor(type, [zero], []))
    return { codes: builder.constant(codesTensor(type, stored, shape)), zero: from, offsets }
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

/** Whether a convolution reaches beyond its input. */
function isPadded(node: Node): boolean {
  return (intsAttribute(node, 'pads', null) ?? []).some((pad) => pad !== 0)
}

/** Whether every output of a convolution sees all channels. */
function isInOneGroup(node: Node): boolean {
  return intAttribute(node, 'group', 1) === 1
}

/** All places in a kernel, row by row. */
function placesIn([size, ...rest]: readonly number[]): readonly (readonly number[])[] {
  if (size === undefined) return [[]]
  return Array.from({ length: size }, (_, at) => placesIn(rest).map((place) => [at, ...place])).flat()
}

/** The shape of numbers of the channels of pictures. */
const overChannels = (channels: number, kernel: readonly number[]): readonly number[] => [
  1,
  channels,
  ...kernel.map(() => 1)
]

function onesTensor(type: 'int8' | 'uint8', shape: readonly number[]): Tensor {
  return codesTensor(type, new Uint8Array(elementCount(shape)).fill(1), shape)
}

/** A scalar where all are one. */
function scalarOrVector(values: Float32Array): Tensor {
  return values.length === 1 ? floatTensor(values, []) : floatTensor(values, [values.length])
}
