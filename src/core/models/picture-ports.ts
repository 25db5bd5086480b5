import { StudioError } from '../errors'
import { GraphBuilder, type Value } from '../graph/builder'
import { evaluateDimension, symbol, type Dimension } from '../graph/dimension'
import type { Graph, GraphInput, ValueType } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { pictureInput, pictureOutput, sizes, type SizeRule } from './model'

/** How a network takes its picture. */
export interface PicturePort {
  readonly input: string
  readonly layout: 'NCHW' | 'NHWC'
  /** The channels the file tells, or null where it leaves them free. */
  readonly channels: 1 | 3 | null
  /** Whether the file leaves the batch free. */
  readonly freeBatch: boolean
  /** Height and width where the file fixes them. */
  readonly fixed: { readonly height: number; readonly width: number } | null
}

/**
 * The one input of a graph that takes a picture.
 *
 * @throws StudioError ('refused') where there is none, or more than one input
 */
export function picturePort({ inputs }: Graph): PicturePort {
  const [input, ...others] = inputs
  if (input === undefined) throw new StudioError('refused', 'It has no input, and a picture is expected.')
  if (others.length > 0) {
    const names = inputs.map(({ name }) => `"${name}"`).join(', ')
    throw new StudioError('refused', `It has ${inputs.length} inputs (${names}), and one picture is expected.`)
  }
  const { name, shape, type } = input
  const [batch, ...rest] = shape
  if (type !== 'float32' || batch === undefined || rest.length !== 3) {
    const found = `${type} with ${shape.length} axes`
    throw new StudioError('refused', `Its input "${name}" is ${found}, and a picture (float32, 4 axes) is expected.`)
  }
  const isChannels = (size: Dimension | undefined): size is 1 | 3 => size === 1 || size === 3
  const [first, , last] = rest
  const layout = !isChannels(first) && isChannels(last) ? 'NHWC' : 'NCHW'
  const [channels, height, width] = layout === 'NCHW' ? rest : [last, ...rest]
  if (typeof channels === 'number' && !isChannels(channels)) {
    throw new StudioError('refused', `It takes pictures of ${channels} channels; only 1 and 3 are supported.`)
  }
  // Zero and −1 stand for a free size with some exporters.
  const isFixed = (size: Dimension | undefined): size is number => typeof size === 'number' && size > 0
  if (isFixed(batch) && batch !== 1) {
    throw new StudioError('refused', `It takes ${batch} pictures at a time only; export it for one, or any number.`)
  }
  if (isFixed(height) !== isFixed(width)) {
    throw new StudioError('refused', 'It fixes one of height and width only; export it with both free, or both fixed.')
  }
  return {
    input: name,
    layout,
    channels: isChannels(channels) ? channels : null,
    freeBatch: !isFixed(batch),
    fixed: isFixed(height) && isFixed(width) ? { height, width } : null
  }
}

/** What the input of a network is taken to be. */
export interface PictureShape {
  readonly batch: 'free' | 1
  readonly channels: 1 | 3
  /** Of which height and width are multiples, where they are free. */
  readonly step: number
}

/** The graph with an input of that shape, sizes by the names of the house. */
export function withPictureShape(graph: Graph, port: PicturePort, { batch, channels, step }: PictureShape): Graph {
  const { fixed, layout } = port
  const height = fixed?.height ?? symbol(sizes.height, step)
  const width = fixed?.width ?? symbol(sizes.width, step)
  const first = batch === 'free' ? symbol(sizes.batch) : batch
  const shape = layout === 'NCHW' ? [first, channels, height, width] : [first, height, width, channels]
  return { ...graph, inputs: graph.inputs.map((input): GraphInput => ({ ...input, shape })) }
}

/** A picture that a network gives, and how many times larger it is than the one it was shown. */
export interface EnlargedOutput {
  readonly output: string
  readonly scale: number
}

/**
 * The output that is the enlarged picture. Where inference has sizes by a formula that is no multiple of the input's, three
 * sizes are tried.
 */
export function enlargedOutput(
  graph: Graph,
  { layout, channels }: { readonly layout: PicturePort['layout']; readonly channels: number },
  takes: SizeRule,
  types: ReadonlyMap<string, ValueType> = inferShapes(graph)
): EnlargedOutput {
  const placed = (shape: readonly Dimension[]): readonly Dimension[] => {
    const [batch = 0, a = 0, b = 0, c = 0] = shape
    return layout === 'NCHW' ? [batch, a, b, c] : [batch, c, a, b]
  }
  const [, , height = 0, width = 0] = placed(graph.inputs[0]?.shape ?? [])
  const found = graph.outputs.flatMap((output): EnlargedOutput[] => {
    const type = types.get(output)
    if (type?.type !== 'float32' || type.shape.length !== 4) return []
    const [, depth, tall = 0, wide = 0] = placed(type.shape)
    if (depth !== channels) return []
    const scales = [1, 3, 4].flatMap((factor) => {
      const size = factor * takes.step * Math.ceil(takes.least / takes.step)
      const bindings = new Map(Object.entries({ [sizes.batch]: 1, [sizes.height]: size, [sizes.width]: 2 * size }))
      const worth = (dimension: Dimension): number => evaluateDimension(dimension, bindings)
      return [worth(tall) / worth(height), worth(wide) / worth(width)]
    })
    const [scale = 0] = scales
    return scale >= 1 && Number.isInteger(scale) && scales.every((each) => each === scale) ? [{ output, scale }] : []
  })
  const [only, ...others] = found
  if (only === undefined || others.length > 0) {
    const what = only === undefined ? 'None of its outputs is' : `${found.length} of its outputs are`
    const wanted = `a picture of ${channels} channels, a whole number of times as large as the input`
    throw new StudioError('refused', `${what} ${wanted}; one is expected.`)
  }
  return only
}

/**
 * The graph between `lr` and `sr`, both [batch, channels, height, width]: with other names, and with transpositions where it
 * takes channels last. Values whose names the house gives to others are renamed.
 */
export function withHouseNames(graph: Graph, { input, layout }: PicturePort, output: string): Graph {
  const taken = new Set<string>([...houseNames, ...allNames(graph)])
  const renamed = new Map<string, Value>()
  const rename = (name: string): Value => renamed.get(name) ?? name
  const replacement = (name: string): Value => {
    let candidate = name
    for (let i = 2; taken.has(candidate); i++) candidate = `${name}#${i}`
    taken.add(candidate)
    return candidate
  }
  for (const name of houseNames) if (allNames(graph).has(name)) renamed.set(name, replacement(name))
  const isDirect = layout === 'NCHW'
  if (isDirect) renamed.set(input, pictureInput)

  const builder = new GraphBuilder()
  const [batch = 0, a = 0, b = 0, c = 0] = graph.inputs[0]?.shape ?? []
  const picture = builder.input(pictureInput, isDirect ? [batch, a, b, c] : [batch, c, a, b])
  if (!isDirect) builder.transpose(picture, [0, 2, 3, 1], rename(input))
  for (const [name, tensor] of graph.initializers) builder.constant(tensor, rename(name))
  for (const node of graph.nodes) {
    builder.append({ ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) })
  }
  const network = rename(output)
  const result = isDirect
    ? builder.apply('Identity', [network], {}, pictureOutput)
    : builder.transpose(network, [0, 3, 1, 2], pictureOutput)
  return builder.build([result])
}

/** Names that graphs here give to values of their own. */
const houseNames: readonly string[] = [pictureInput, pictureOutput, 'bounds', 'levels']

function allNames({ inputs, initializers, nodes }: Graph): ReadonlySet<string> {
  return new Set([
    ...inputs.map(({ name }) => name),
    ...initializers.keys(),
    ...nodes.flatMap(({ outputs }) => outputs)
  ])
}
