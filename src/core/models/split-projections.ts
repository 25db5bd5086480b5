import { GraphBuilder, type Value } from '../graph/builder'
import { intAttribute, intsAttribute, type Graph, type Node, type ValueType } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { Neighbours } from '../graph/neighbours'
import { floatTensor, type TensorOf } from '../tensor'

/** A linear layer whose outputs are taken apart by [Add →] Reshape → Transpose → one Gather for each part. */
interface Projection {
  readonly layer: Node
  readonly weight: TensorOf<'float32'>
  readonly bias: TensorOf<'float32'> | null
  readonly add: Node | null
  readonly reshape: Node
  readonly transpose: Node
  /** The axis of what Reshape makes that counts the parts, and their number. */
  readonly axis: number
  readonly count: number
  readonly parts: readonly { readonly gather: Node; readonly part: number }[]
}

/**
 * The graph with a layer for each of q, k and v where one layer makes all of them, as the authors of attention write it
 * (`qkv(x).reshape(…, 3, heads, depth).permute(2, …)[i]`): 2DQuant quantizes them apart. Every number stays what it was.
 */
export function splitProjections(graph: Graph): Graph {
  const types = inferShapes(graph)
  const neighbours = new Neighbours(graph)
  const found = graph.nodes.flatMap((node) => projectionAt(graph, types, neighbours, node) ?? [])
  if (found.length === 0) return graph
  const gone = new Set(
    found.flatMap(({ layer, add, reshape, transpose, parts }) => {
      return [layer, add, reshape, transpose, ...parts.map(({ gather }) => gather)]
    })
  )
  // The shape that Reshape is given may be computed behind the layer.
  const byReshape = new Map(found.map((projection) => [projection.reshape, projection]))
  const builder = GraphBuilder.rewriting(graph)
  const weights = new Map<string, Value>()
  for (const node of graph.nodes) {
    const projection = byReshape.get(node)
    if (projection !== undefined) appendParts(builder, weights, projection)
    else if (!gone.has(node)) builder.append(node)
  }
  return builder.build(graph.outputs)
}

function projectionAt(
  graph: Graph,
  types: ReadonlyMap<string, ValueType>,
  neighbours: Neighbours,
  layer: Node
): Projection | null {
  const float = (name = ''): TensorOf<'float32'> | null => {
    const tensor = graph.initializers.get(name)
    return tensor?.type === 'float32' ? tensor : null
  }
  const onlyReader = ({ outputs: [output = ''] }: Node): Node | null => neighbours.onlyReaderOf(output)
  const weight = layer.op === 'MatMul' ? float(layer.inputs[1]) : null
  if (weight === null || weight.shape.length !== 2) return null
  const next = onlyReader(layer)
  const add = next?.op === 'Add' ? next : null
  const bias = add === null ? null : (float(add.inputs[0]) ?? float(add.inputs[1]))
  const width = weight.shape[1] ?? 0
  if (add !== null && (bias?.shape.length !== 1 || bias.data.length !== width)) return null
  const reshape = add === null ? next : onlyReader(add)
  const transpose = reshape?.op === 'Reshape' ? onlyReader(reshape) : null
  if (reshape === null || transpose?.op !== 'Transpose') return null
  const [axis = -1] = intsAttribute(transpose, 'perm', [])
  const sizes = types.get(reshape.outputs[0] ?? '')?.shape.slice(axis) ?? []
  const [count] = sizes
  const product = sizes.reduce<number>((total, size) => (typeof size === 'number' ? total * size : NaN), 1)
  if (axis < 0 || typeof count !== 'number' || count < 2 || product !== width) return null
  const [all = ''] = transpose.outputs
  const gathers = neighbours.readersOf(all)
  const parts = gathers.flatMap((gather) => {
    const index = graph.initializers.get(gather.inputs[1] ?? '')
    const isPart = gather.op === 'Gather' && gather.inputs[0] === all && intAttribute(gather, 'axis', 0) === 0
    if (!isPart || index?.shape.length !== 0 || graph.outputs.includes(gather.outputs[0] ?? '')) return []
    const at = Number(index.data[0])
    return [{ gather, part: at < 0 ? at + count : at }]
  })
  if (graph.outputs.includes(all) || parts.length < 2 || parts.length < gathers.length) return null
  return { layer, weight, bias, add, reshape, transpose, axis, count, parts }
}

/** @param weights what was cut out of weights already, by name: several layers may share one */
function appendParts(builder: GraphBuilder, weights: Map<string, Value>, projection: Projection): void {
  const { layer, weight, bias, reshape, transpose, axis, count, parts } = projection
  const [x = '', weightName = ''] = layer.inputs
  const depth = (weight.shape[1] ?? 0) / count
  const order = intsAttribute(transpose, 'perm', [])
  const axes = [...order.keys()].filter((each) => each !== axis)
  const shape = builder.gather(reshape.inputs[1] ?? '', builder.integers(axes), 0)
  const rest = order.slice(1).map((each) => axes.indexOf(each))
  for (const { gather, part } of parts) {
    const letter = count === 3 ? (['q', 'k', 'v'][part] ?? '') : String(part)
    const named = (name: string, ending: RegExp): string => {
      return ending.test(name) ? name.replace(ending, `.${letter}$&`) : `${name}.${letter}`
    }
    const ofPart = named(weightName, /[./]\w+$/)
    const known = weights.get(ofPart)
    const columns = known ?? builder.constant(columnsOf(weight, part * depth, depth), ofPart)
    weights.set(ofPart, columns)
    let value: Value = builder.matmul(x, columns, named(layer.name, /\/[^/]*$/))
    if (bias !== null) {
      const slice = bias.data.slice(part * depth, (part + 1) * depth)
      value = builder.add(value, builder.constant(floatTensor(slice, [depth])))
    }
    builder.transpose(builder.reshapeTo(value, shape), rest, gather.outputs[0])
  }
}

/** Some columns of a matrix. */
function columnsOf({ shape, data }: TensorOf<'float32'>, first: number, count: number): TensorOf<'float32'> {
  const [rows = 0, width = 0] = shape
  const columns = new Float32Array(rows * count)
  for (let row = 0; row < rows; row++) {
    const from = row * width + first
    columns.set(data.subarray(from, from + count), row * count)
  }
  return floatTensor(columns, [rows, count])
}
