import { StudioError } from '../../errors'
import { GraphBuilder } from '../builder'
import type { Graph, Node, ValueType } from '../graph'
import { axesAsInput } from './axes'
import type { Conversion, ShapedConversion } from './conversion'
import { withoutDropout } from './dropout'
import { einsumAsProducts } from './einsum'
import { groupsNormalized, instancesNormalized } from './group-normalization'
import { limitsAsInputs, padsAsInputs } from './limits'
import { foldBatchNormalization } from './normalization'
import { explicitPads, padAllAxes } from './padding'
import { explicitParts, partsAsInput } from './parts'
import { cornerResize } from './resizing'
import { flattenedSoftmax } from './softmax'

/** The oldest and the newest operator set that is read. Before 7, operands were not broadcast as now. */
const [oldest, newest] = [7, 25]

/** How nodes of older operator sets become ours: by operator, the set that changed it, and what is done before that. */
const changes: Readonly<Record<string, readonly [until: number, convert: Conversion]>> = {
  ReduceSum: [13, axesAsInput],
  Squeeze: [13, axesAsInput],
  Unsqueeze: [13, axesAsInput],
  ReduceMean: [18, axesAsInput],
  ReduceL2: [18, axesAsInput],
  ReduceMax: [18, axesAsInput],
  ReduceMin: [18, axesAsInput],
  ReduceProd: [18, axesAsInput],
  Split: [13, partsAsInput],
  Clip: [11, limitsAsInputs],
  Pad: [11, padsAsInputs],
  Resize: [11, cornerResize],
  Upsample: [10, cornerResize],
  Dropout: [Infinity, withoutDropout],
  Einsum: [Infinity, einsumAsProducts],
  InstanceNormalization: [Infinity, instancesNormalized],
  GroupNormalization: [Infinity, groupsNormalized],
  Conv: [Infinity, explicitPads],
  MaxPool: [Infinity, explicitPads],
  AveragePool: [Infinity, explicitPads]
}

/**
 * The graph in the operators of our set, as far as shapes need not be known for that.
 *
 * @param opset the set it was written in
 */
export function convertOperators(graph: Graph, opset: number): Graph {
  if (opset < oldest || opset > newest) {
    const what = `It is written in opset ${opset} of ONNX, and sets ${oldest} to ${newest} can be read`
    throw new StudioError('refused', `${what}; export it with opset 17.`)
  }
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) {
    const [until, convert] = changes[standardName(node)] ?? [0]
    if (convert === undefined || opset >= until) builder.append({ ...node, ...contributed(node) })
    else convert(node, builder, graph.initializers)
  }
  return foldBatchNormalization(builder.build(graph.outputs))
}

/**
 * The rest, by shapes.
 *
 * @param types of all values of the graph
 */
export function convertByShape(graph: Graph, opset: number, types: ReadonlyMap<string, ValueType>): Graph {
  const conversions: Readonly<Record<string, ShapedConversion>> = {
    Pad: padAllAxes,
    Split: explicitParts,
    ...(opset < 13 && { Softmax: flattenedSoftmax })
  }
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) {
    const convert = conversions[node.op]
    if (convert === undefined) builder.append(node)
    else convert(node, builder, types, graph.initializers)
  }
  return builder.build(graph.outputs)
}

/** Domain of operators that onnxruntime adds to the standard ones. */
export const contributedDomain = 'com.microsoft'

/** Of these, those that are read as they are. */
export const contributedOperators: ReadonlySet<string> = new Set(['MatMulIntegerToFloat'])

/** Of these, those that have since become standard operators of the same name and meaning. */
const adopted: ReadonlySet<string> = new Set(['Gelu'])

function contributed({ domain, op }: Node): Partial<Node> {
  return domain === contributedDomain && adopted.has(op) ? { domain: '' } : {}
}

function standardName({ domain, op }: Node): string {
  return domain === '' ? op : `${domain}.${op}`
}
