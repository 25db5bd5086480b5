import { GraphBuilder, type Value } from '../graph/builder'
import type { Graph, GraphFunction, Node } from '../graph/graph'
import { floatTensor, indexTensor, type TensorOf } from '../tensor'
import { packQuantizers, quantizeBy, spreadOver, standardWriter, type PlacedQuantizer } from './packing'
import { stepOf } from './quantizer'

/** Domain of the functions that a compact file defines; it stands in every node that calls one. */
const domain = 'q'

/** A network, and what operators of it are that are no standard ones. */
export interface CompactNetwork {
  readonly graph: Graph
  readonly functions: readonly GraphFunction[]
}

/**
 * The smallest form of a quantized network: codes of weights as planes of bits, which functions of standard operators unpack;
 * each quantizer of an activation one call; names of a letter or two; index tables in bytes. It gives the same bit for bit as
 * the simulation does.
 */
export function compactNetwork(graph: Graph, placed: readonly PlacedQuantizer[]): CompactNetwork {
  const functions = new Map<string, GraphFunction>()
  const called = (op: string, make: () => GraphFunction): string => {
    if (!functions.has(op)) functions.set(op, make())
    return op
  }
  const standard = standardWriter(21)
  const packed = packQuantizers(graph, placed, {
    weight(builder, codes, axis, as) {
      // A byte of a plane holds eight codes.
      if (codes.codes.length % 8 !== 0) {
        standard.weight(builder, codes, axis, as)
        return
      }
      const { bits, shape, steps, lowers } = codes
      const spread = spreadOver(shape, axis)
      const operands = [
        builder.constant(planesOf(codes.codes, bits), `${as}.codes`),
        builder.constant(indexTensor(shape)),
        builder.constant(floatTensor(steps, spread)),
        builder.constant(floatTensor(lowers, spread))
      ]
      builder.apply(
        called(`W${bits}`, () => unpackingWeights(bits)),
        operands,
        {},
        as,
        domain
      )
    },
    activation(builder, x, { bits, ...bounds }, as) {
      const [lower, upper] = [Math.fround(bounds.lower), Math.fround(bounds.upper)]
      const step = builder.scalar(stepOf({ lower, upper }, bits))
      const offset = lower === 0 ? [] : [builder.scalar(lower)]
      const op = called(`${lower === 0 ? 'P' : 'Q'}${bits}`, () => quantizing(bits, lower !== 0))
      builder.apply(op, [x, step, ...offset], {}, as, domain)
    }
  })
  return { graph: withShortNames(withNarrowIndices(packed)), functions: [...functions.values()] }
}

/** Codes as one plane of bits after the other, the lowest bits first: [bits, codes / 8, 1], the first code in the lowest bit. */
export function planesOf(codes: Uint8Array, bits: number): TensorOf<'uint8'> {
  const length = codes.length / 8
  const planes = new Uint8Array(bits * length)
  for (let plane = 0; plane < bits; plane++) {
    for (const [i, code] of codes.entries()) {
      const at = plane * length + (i >> 3)
      planes[at] = (planes[at] ?? 0) | (((code >> plane) & 1) << (i & 7))
    }
  }
  return { type: 'uint8', shape: [bits, length, 1], data: planes }
}

/** step · Σ 2^plane · bit + lower, in the given shape. */
function unpackingWeights(bits: number): GraphFunction {
  const builder = new GraphBuilder()
  const [planes, shape, step, lower] = ['planes', 'shape', 'step', 'lower'].map((name) => builder.input(name, []))
  const bytes = (values: readonly number[]): Value =>
    builder.constant({ type: 'uint8', shape: [values.length], data: Uint8Array.from(values) })
  const shifted = builder.apply('BitShift', [planes ?? '', bytes([0, 1, 2, 3, 4, 5, 6, 7])], {
    direction: { kind: 'string', value: 'RIGHT' }
  })
  const digits = builder.cast(builder.modulo(shifted, bytes([2])), 'float32')
  const powers = Array.from({ length: bits }, (_, plane) => 2 ** plane)
  const parts = builder.multiply(digits, builder.constant(floatTensor(powers, [bits, 1, 1])))
  const codes = builder.apply('ReduceSum', [parts, builder.integers([0])], { keepdims: { kind: 'int', value: 0 } })
  const scaled = builder.multiply(builder.reshapeTo(codes, shape ?? ''), step ?? '')
  const text = `Weights of ${bits} bits: planes of bits, the lowest first, as step * code + lower`
  return { op: `W${bits}`, domain, text, body: builder.build([builder.add(scaled, lower ?? '', 'y')]) }
}

/** The quantizer of 2DQuant with bounds that are given as step and lower bound; a lower bound of 0 is left out. */
function quantizing(bits: number, hasOffset: boolean): GraphFunction {
  const builder = new GraphBuilder()
  const [x, step] = ['x', 'step'].map((name) => builder.input(name, []))
  const offset = hasOffset ? builder.input('lower', []) : null
  quantizeBy(builder, x ?? '', { step: step ?? '', offset, bits }, 'y')
  const text = `Quantizes to ${bits} bits: step * round(clip(x - lower) / step) + lower`
  return { op: `${hasOffset ? 'Q' : 'P'}${bits}`, domain, text, body: builder.build(['y']) }
}

/** Fewer indices than this are left as they are. */
const fewIndices = 64

/** Tables of indices that fit into bytes, in bytes. */
function withNarrowIndices(graph: Graph): Graph {
  const builder = new GraphBuilder()
  for (const { name, type, shape } of graph.inputs) builder.input(name, shape, type)
  for (const [name, tensor] of graph.initializers) {
    const { type, shape, data } = tensor
    if (type !== 'int64' || data.length < fewIndices || !data.every((index) => index >= 0n && index < 256n)) {
      builder.constant(tensor, name)
      continue
    }
    const narrow = builder.constant({ type: 'uint8', shape, data: Uint8Array.from(data, Number) }, `${name}.narrow`)
    builder.cast(narrow, 'int64', name)
  }
  for (const node of graph.nodes) builder.append(node)
  return builder.build(graph.outputs)
}

/** Values by short names, all but inputs and outputs; nodes without. */
function withShortNames(graph: Graph): Graph {
  const kept = new Set([...graph.inputs.map(({ name }) => name), ...graph.outputs])
  const names = new Map<string, string>([['', '']])
  let count = 0
  const short = (name: string): string => {
    if (kept.has(name)) return name
    const known = names.get(name)
    if (known !== undefined) return known
    while (kept.has(count.toString(36))) count++
    const next = (count++).toString(36)
    names.set(name, next)
    return next
  }
  const nodes = graph.nodes.map((node): Node => {
    return { ...node, name: '', inputs: node.inputs.map(short), outputs: node.outputs.map(short) }
  })
  const initializers = new Map([...graph.initializers].map(([name, tensor]) => [short(name), tensor]))
  return { ...graph, initializers, nodes }
}
