import { floatTensor, type Tensor, type TensorOf } from '../../tensor'
import { GraphBuilder, type Value } from '../builder'
import { dropDead } from '../fold'
import { intAttribute, type Graph, type Node } from '../graph'
import { Neighbours } from '../neighbours'
import { misfit } from '../operators/operator'

/**
 * The graph without BatchNormalization, whose statistics are constants once training is over: what follows a convolution
 * goes into its weights, others become a factor and a summand for each channel of [N, C, H, W].
 */
export function foldBatchNormalization(graph: Graph): Graph {
  if (!graph.nodes.some(({ op }) => op === 'BatchNormalization')) return graph
  const neighbours = new Neighbours(graph)
  const replaced = new Set<Node>()
  const folded = new Map<Node, { readonly convolution: Node; readonly affine: Affine }>()
  for (const node of graph.nodes) {
    if (node.op !== 'BatchNormalization') continue
    const [x = ''] = node.inputs
    const convolution = neighbours.makerOf(x)
    if (convolution?.op !== 'Conv' || constant(graph, convolution.inputs[1]) === null) continue
    if (neighbours.onlyReaderOf(x) === null) continue
    folded.set(node, { convolution, affine: affineOf(graph, node) })
    replaced.add(convolution)
  }
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) {
    if (replaced.has(node)) continue
    if (node.op !== 'BatchNormalization') {
      builder.append(node)
      continue
    }
    const known = folded.get(node)
    if (known === undefined) appendAffine(builder, node, affineOf(graph, node))
    else appendConvolution(builder, graph, node, known.convolution, known.affine)
  }
  return dropDead(builder.build(graph.outputs))
}

/** x·factor + summand, one of each for every channel. */
interface Affine {
  readonly factors: Float64Array
  readonly summands: Float64Array
}

function affineOf(graph: Graph, node: Node): Affine {
  if (intAttribute(node, 'training_mode', 0) !== 0) throw misfit(node, 'it is in training mode; export for inference')
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => constant(graph, node.inputs[i]))
  if (!scale || !bias || !mean || !variance) throw misfit(node, 'its statistics are no constants')
  const attribute = node.attributes['epsilon']
  const epsilon = attribute?.kind === 'float' ? attribute.value : 1e-5
  const factors = Float64Array.from(scale.data, (value, i) => value / Math.sqrt((variance.data[i] ?? 0) + epsilon))
  const summands = Float64Array.from(bias.data, (value, i) => value - (mean.data[i] ?? 0) * (factors[i] ?? 0))
  return { factors, summands }
}

function constant({ initializers }: Graph, name: string | undefined): TensorOf<'float32'> | null {
  const tensor: Tensor | undefined = initializers.get(name ?? '')
  return tensor?.type === 'float32' ? tensor : null
}

function appendAffine(builder: GraphBuilder, { inputs, outputs }: Node, { factors, summands }: Affine): void {
  const [x = ''] = inputs
  const perChannel = (values: Float64Array): Value =>
    builder.constant(floatTensor(Float32Array.from(values), [values.length, 1, 1]))
  builder.add(builder.multiply(x, perChannel(factors)), perChannel(summands), outputs[0])
}

function appendConvolution(
  builder: GraphBuilder,
  graph: Graph,
  { outputs }: Node,
  convolution: Node,
  { factors, summands }: Affine
): void {
  const [x = '', weightName = '', biasName] = convolution.inputs
  const weight = constant(graph, weightName)
  if (weight === null) throw misfit(convolution, 'its weight is no constant')
  const bias = constant(graph, biasName)
  const each = weight.data.length / factors.length
  const scaled = weight.data.map((value, i) => value * (factors[Math.floor(i / each)] ?? 0))
  const shifted = Float32Array.from(summands, (value, i) => value + (bias?.data[i] ?? 0) * (factors[i] ?? 0))
  const folded = (name: string, tensor: TensorOf<'float32'>): Value => builder.constant(tensor, `${name}.normalized`)
  const [output = ''] = outputs
  builder.append({
    ...convolution,
    inputs: [
      x,
      folded(`${output}.${weightName}`, floatTensor(scaled, weight.shape)),
      folded(`${output}.${biasName ?? 'bias'}`, floatTensor(shifted, [shifted.length]))
    ],
    outputs: [output]
  })
}
