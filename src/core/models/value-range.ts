import { GraphBuilder, type Value } from '../graph/builder'
import type { Graph } from '../graph/graph'
import { pictureInput, pictureOutput, type Model } from './model'
import { denormalize, normalize } from './weights'

/** The values that stand for black and white in what a network takes and gives. */
export interface ValueRange {
  readonly black: number
  readonly white: number
}

/** The ranges that are usual. */
export const usualRanges: readonly [ValueRange, ...ValueRange[]] = [
  { black: 0, white: 1 },
  { black: 0, white: 255 },
  { black: -1, white: 1 }
]

/** The range that a file tells as `0..1`, `0-255`, `-1..1` or `[0, 1]`; undefined where it tells none. */
export function parseRange(text: string | undefined): ValueRange | undefined {
  const [, black, white] =
    /^\s*\[?\s*(-?\d+(?:\.\d+)?)\s*(?:\.\.|,|;|:|-|–|to)\s*(\d+(?:\.\d+)?)\s*\]?\s*$/.exec(text ?? '') ?? []
  const range = { black: Number(black), white: Number(white) }
  return range.white > range.black ? range : undefined
}

/** A network of any range as one that takes and gives values from 0 to 1. */
export function withValueRange(model: Model, { black, white }: ValueRange): Model {
  const span = white - black
  if (black === 0 && span === 1) return model
  return { ...model, graph: scaled(model.graph, model.channels, -black / span, span) }
}

/** The graph between (x − mean)·span and its inverse. */
function scaled(graph: Graph, channels: number, mean: number, span: number): Graph {
  const [input, output] = ['network.input', 'network.output']
  const rename = (name: string): Value => (name === pictureInput ? input : name === pictureOutput ? output : name)
  const means = new Array<number>(channels).fill(mean)
  const builder = new GraphBuilder()
  builder.input(pictureInput, graph.inputs[0]?.shape ?? [])
  for (const [name, tensor] of graph.initializers) builder.constant(tensor, name)
  builder.apply('Identity', [normalize(builder, pictureInput, means, span)], {}, input)
  for (const node of graph.nodes) {
    const names = { inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }
    builder.append({ ...node, name: rename(node.name), ...names })
  }
  return builder.build([builder.apply('Identity', [denormalize(builder, output, means, span)], {}, pictureOutput)])
}
