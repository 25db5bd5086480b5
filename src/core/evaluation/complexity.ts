import { divideFloor, evaluateDimension, multiply, product, type Dimension } from '../graph/dimension'
import { intAttribute, intsAttribute, type Graph, type Node, type ValueType } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { sizes, type Model } from '../models/model'
import type { QuantizerSite } from '../quantization/placement'

/** Multiplications of one layer for one picture. */
interface LayerCost {
  readonly node: string
  readonly macs: Dimension
}

/**
 * Multiply-accumulate operations of every layer, symbolic in the picture's size: matrix products and convolutions count
 * their multiplications, layer normalizations one per value, everything else nothing (as SwinIR's own count does).
 */
export function layerCosts(graph: Graph): readonly LayerCost[] {
  const types = inferShapes(graph)
  return graph.nodes.flatMap((node) => {
    const output = types.get(node.outputs[0] ?? '')
    const each = output === undefined ? null : multiplicationsPerOutput(node, types)
    return each === null ? [] : [{ node: node.name, macs: product([...(output?.shape ?? []), ...each]) }]
  })
}

/** Factors of the number of multiplications behind each output value, or null for operators that do not count. */
function multiplicationsPerOutput(node: Node, types: ReadonlyMap<string, ValueType>): readonly Dimension[] | null {
  const shape = (input: number): readonly Dimension[] => types.get(node.inputs[input] ?? '')?.shape ?? []
  switch (node.op) {
    case 'MatMul':
      return [shape(0).at(-1) ?? 0]
    case 'Gemm':
      return [shape(0)[intAttribute(node, 'transA', 0) === 1 ? 0 : 1] ?? 0]
    case 'Conv':
      return shape(1).slice(1)
    case 'ConvTranspose': {
      // Every pixel of the input reaches a whole kernel; steps spread these over as many more outputs.
      const strides = product(intsAttribute(node, 'strides', [1, 1]))
      return [
        divideFloor(
          product([shape(1)[0] ?? 0, ...shape(1).slice(2)]),
          multiply(strides, intAttribute(node, 'group', 1))
        )
      ]
    }
    case 'LayerNormalization':
      return []
    default:
      return null
  }
}

/** Multiply-accumulate operations of a network for one picture of width × height input pixels. */
export function countMacs(graph: Graph, width: number, height: number): number {
  return layerCosts(graph).reduce((sum, { macs }) => sum + macsAtSize(macs, width, height), 0)
}

/** A symbolic number of operations for one picture of width × height input pixels. */
export function macsAtSize(macs: Dimension, width: number, height: number): number {
  return evaluateDimension(
    macs,
    new Map([
      [sizes.batch, 1],
      [sizes.width, width],
      [sizes.height, height]
    ])
  )
}

/** Theoretical gains of quantization. None of these is a measurement. */
export interface Complexity {
  readonly bits: number
  /** Weights in 10⁶ bytes as published tables count them. */
  readonly sizeMB: number
  readonly compression: number
  readonly speedup: number
  /** With everything counted: all parameters, the bounds, all multiplications. */
  readonly sizeMBCorrected: number
  readonly compressionCorrected: number
  readonly speedupCorrected: number
}

/**
 * The figures of 2DQuant's Table 1 for a bit width (method notes, section 4): size P − P_q + P_q·bits/32 in float32
 * values, cost of a quantized multiplication bits/32 of a float one; everything not quantized stays as it is.
 *
 * @param width,height input pixels; the paper counts at 128×128
 */
export function complexity(
  model: Model,
  sites: readonly QuantizerSite[],
  bits: number,
  width: number,
  height: number
): Complexity {
  const weights = new Set(sites.filter(({ kind }) => kind === 'weight').map(({ value }) => value))
  const quantized = [...weights].reduce((sum, name) => sum + (model.graph.initializers.get(name)?.data.length ?? 0), 0)
  const share = bits / 32
  const published = model.parameters - model.published.omittedParameters
  const small = published - quantized + quantized * share
  const bounds = 2 * sites.length
  const smallCorrected = model.parameters - quantized + quantized * share + bounds

  const quantizedNodes = new Set(sites.flatMap(({ readers }) => readers.map(({ node }) => node)))
  const costs = layerCosts(model.graph).map(({ node, macs }) => ({ node, macs: macsAtSize(macs, width, height) }))
  const speedup = (counted: (node: string) => number): number => {
    let full = 0
    let reduced = 0
    for (const { node, macs } of costs) {
      full += macs * counted(node)
      reduced += macs * counted(node) * (quantizedNodes.has(node) ? share : 1)
    }
    return full / reduced
  }
  return {
    bits,
    sizeMB: (4 * small) / 1e6,
    compression: published / small,
    speedup: speedup((node) => model.published.countedShare.get(node) ?? 1),
    sizeMBCorrected: (4 * smallCorrected) / 1e6,
    compressionCorrected: model.parameters / smallCorrected,
    speedupCorrected: speedup(() => 1)
  }
}
