import { GraphBuilder, type Value } from '../graph/builder'
import { dropDead } from '../graph/fold'
import { int, type Graph, type Node } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { floatTensor, type ElementType, type TensorOf } from '../tensor'
import { codesOf, type Codes, type QuantizedBy } from './codes'
import { boundsInput, fakeQuantize, levelsInput, placeQuantizers, quantizedName, type QuantizerSite } from './placement'
import { levelsOf, stepOf } from './quantizer'

/** Types that hold codes of so many bits, the narrowest first. */
const codeTypes = [
  { type: 'uint2', bits: 2 },
  { type: 'uint4', bits: 4 },
  { type: 'uint8', bits: 8 }
] as const satisfies readonly { readonly type: ElementType; readonly bits: number }[]

/** The narrowest type of ONNX that holds codes of so many bits; UINT2 came with opset 25. */
export function codeType(bits: number, opset: number): (typeof codeTypes)[number]['type'] {
  return codeTypes.find((each) => bits <= each.bits && (each.type !== 'uint2' || opset >= 25))?.type ?? 'uint8'
}

/** A quantizer and where it stands. */
export interface PlacedQuantizer {
  readonly site: QuantizerSite
  readonly quantizer: QuantizedBy
}

/** The codes of a weight, and the axis of its channels where these have bounds of their own; null for an activation. */
export function codesOfWeight(
  graph: Graph,
  { site, quantizer }: PlacedQuantizer
): { readonly codes: Codes; readonly axis: number | null } | null {
  const weight = site.kind === 'weight' ? graph.initializers.get(site.value) : undefined
  if (weight?.type !== 'float32') return null
  const axis = quantizer.channels === undefined ? null : (site.channels?.axis ?? null)
  return { codes: codesOf(weight, quantizer, axis), axis }
}

/**
 * The graph with a FakeQuantize node for each quantizer, as `placeQuantizers` has it but without bounds and levels as inputs, and
 * the quantizers by the names of their quantized values.
 */
export function placeConstantQuantizers(
  graph: Graph,
  placed: readonly PlacedQuantizer[]
): { readonly graph: Graph; readonly quantizers: ReadonlyMap<string, PlacedQuantizer> } {
  const whole = placeQuantizers(
    graph,
    placed.map(({ site }) => site)
  )
  const inputs = whole.inputs.filter(({ name }) => name !== boundsInput && name !== levelsInput)
  return { graph: { ...whole, inputs }, quantizers: new Map(placed.map((each) => [quantizedName(each.site), each])) }
}

/** How quantizers are written into a graph. */
export interface QuantizerWriter {
  /** What a weight's codes stand for, under a name. */
  weight(builder: GraphBuilder, codes: Codes, axis: number | null, as: Value): void
  /** The quantized value of x, under a name. */
  activation(builder: GraphBuilder, x: Value, quantizer: QuantizedBy, as: Value): void
}

/**
 * A network with its quantizers as constants: weights as codes, activations as the simulation has them (`lowerQuantizers`), so
 * that in one runtime both give the same bit for bit. What is quantized in the same way twice is quantized once.
 *
 * @param graph in full precision, with the weights of the variant
 * @param placed in the order of their sites, all of which the graph has
 */
export function packQuantizers(graph: Graph, placed: readonly PlacedQuantizer[], writer: QuantizerWriter): Graph {
  const { graph: withQuantizers, quantizers } = placeConstantQuantizers(graph, placed)
  const types = inferShapes(graph)
  const builder = GraphBuilder.rewriting(withQuantizers)
  const quantized = new Map<string, Value>()
  const renamed = new Map<string, Value>()
  for (const given of withQuantizers.nodes) {
    const node: Node = { ...given, inputs: given.inputs.map((name) => renamed.get(name) ?? name) }
    if (node.op !== fakeQuantize) {
      builder.append(node)
      continue
    }
    const output = node.outputs[0] ?? ''
    const found = quantizers.get(output)
    if (found === undefined) throw new Error(`"${output}" belongs to no quantizer`)
    const { site, quantizer } = found
    const weight = codesOfWeight(graph, found)
    if (weight !== null) {
      writer.weight(builder, weight.codes, weight.axis, output)
      continue
    }
    const key = [site.value, quantizer.lower, quantizer.upper, quantizer.bits].join(' ')
    const same = quantized.get(key)
    if (same !== undefined) {
      renamed.set(output, same)
      continue
    }
    if (types.get(site.value)?.type !== 'float32') throw new Error(`"${site.value}" holds no numbers to quantize`)
    writer.activation(builder, site.value, quantizer, output)
    quantized.set(key, output)
  }
  return dropDead(builder.build(graph.outputs))
}

/** s · min(QuantizeLinear(x − l; s), 2^bits − 1) + l; what changes nothing is left out. */
function quantizeActivation(builder: GraphBuilder, x: Value, { bits, ...bounds }: QuantizedBy, as: Value): void {
  const [lower, upper] = [Math.fround(bounds.lower), Math.fround(bounds.upper)]
  const offset = lower === 0 ? null : builder.scalar(lower)
  quantizeBy(builder, x, { step: builder.scalar(stepOf({ lower, upper }, bits)), offset, bits }, as)
}

/** Step and offset as values of a graph; no offset is an offset of 0. */
export interface RunningQuantizer {
  readonly step: Value
  readonly offset: Value | null
  readonly bits: number
}

/** The codes of x as uint8: min(QuantizeLinear(x − l; s), 2^bits − 1). */
export function codesAtRunTime(builder: GraphBuilder, x: Value, { step, offset, bits }: RunningQuantizer): Value {
  const shifted = offset === null ? x : builder.subtract(x, offset)
  const unbounded = builder.apply('QuantizeLinear', [shifted, step, byte(builder, 0)])
  return bits === 8 ? unbounded : builder.apply('Min', [unbounded, byte(builder, levelsOf(bits))])
}

const byte = (builder: GraphBuilder, value: number): Value =>
  builder.constant({ type: 'uint8', shape: [], data: Uint8Array.of(value) })

/** What the codes of x stand for. */
export function quantizeBy(builder: GraphBuilder, x: Value, quantizer: RunningQuantizer, as: Value): void {
  const { step, offset } = quantizer
  const codes = codesAtRunTime(builder, x, quantizer)
  const zero = byte(builder, 0)
  if (offset === null) builder.apply('DequantizeLinear', [codes, step, zero], {}, as)
  else builder.add(builder.apply('DequantizeLinear', [codes, step, zero]), offset, as)
}

/**
 * Standard operators alone: codes of weights are an initializer of their type, which DequantizeLinear makes numbers, and the
 * offset is added in float32.
 */
export function standardWriter(opset: number): QuantizerWriter {
  return {
    weight: (builder, { codes, shape, bits, steps, lowers }, axis, as) => {
      const stored = builder.constant({ type: codeType(bits, opset), shape, data: codes }, `${as}.codes`)
      const scale = builder.constant(floatTensor(steps, axis === null ? [] : [steps.length]))
      const offset = builder.constant(floatTensor(lowers, spreadOver(shape, axis)))
      const scaled = builder.apply('DequantizeLinear', [stored, scale], axis === null ? {} : { axis: int(axis) })
      builder.add(scaled, offset, as)
    },
    activation: quantizeActivation
  }
}

/** The shape in which numbers of the channels spread over a tensor; a scalar where there are no channels. */
export function spreadOver(shape: readonly number[], axis: number | null): readonly number[] {
  return axis === null ? [] : shape.map((size, i) => (i === axis ? size : 1))
}

/** What codes stand for: Q = step · code + lower in float32. */
export function valuesOf({ codes, shape, steps, lowers }: Codes, axis: number | null): TensorOf<'float32'> {
  const run = axis === null ? codes.length : shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const values = Float32Array.from(codes, (code, i) => {
    const channel = Math.floor(i / run) % steps.length
    return Math.fround(code * (steps[channel] ?? NaN)) + (lowers[channel] ?? NaN)
  })
  return floatTensor(values, shape)
}
