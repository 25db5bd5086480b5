import { StudioError } from '../errors'
import { evaluateDimension } from '../graph/dimension'
import { bindInputs } from '../graph/fold'
import { stringAttribute, type Graph, type ValueType } from '../graph/graph'
import { elements, inferShapes } from '../graph/infer'
import { sizes, type SizeRule } from './model'
import {
  enlargedOutput,
  withPictureShape,
  type EnlargedOutput,
  type PicturePort,
  type PictureShape
} from './picture-ports'

/** Steps that are tried in this order where a file does not tell of what its sizes are multiples. */
const possibleSteps: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 3, 6, 12, 24, 48, 5, 10, 20, 40, 7, 14, 28, 56, 9, 18]

/** Sizes up to this many steps are tried as the least one. */
const mostSteps = 64

/** A graph whose shapes all follow for every size it takes. */
export interface SizedGraph {
  readonly graph: Graph
  readonly types: ReadonlyMap<string, ValueType>
  readonly channels: 1 | 3
  readonly takes: SizeRule
  readonly enlarged: EnlargedOutput
}

/**
 * Finds what a network takes: a free batch where that is possible, its channels, and the smallest step of height and width
 * with which the shapes of all values follow in symbols, which proves that every multiple fits. The least size is the first
 * one with which they follow in numbers, without an empty value and without mirroring beyond the edge.
 *
 * @param told what the file says of it, where it does
 * @throws StudioError ('refused') why the shapes do not follow
 */
export function probeSizes(graph: Graph, port: PicturePort, told: Partial<SizeRule>): SizedGraph {
  const steps =
    port.fixed === null ? [...new Set([...(told.step === undefined ? [] : [told.step]), ...possibleSteps])] : [1]
  let failure = new StudioError('refused', 'It takes no picture of any size.')
  for (const step of steps) {
    for (const channels of port.channels === null ? ([3, 1] as const) : [port.channels]) {
      for (const batch of port.freeBatch ? (['free', 1] as const) : ([1] as const)) {
        const shape: PictureShape = { batch, channels, step }
        const sized = withPictureShape(graph, port, shape)
        try {
          const types = inferShapes(sized)
          const picture = { layout: port.layout, channels }
          const enlarged = enlargedOutput(sized, picture, { step, least: mostSteps * step }, types)
          const least = port.fixed === null ? leastSize(sized, port, channels, step, told.least) : 1
          const takes = { step, least }
          return { graph: sized, types, channels, takes, enlarged }
        } catch (error) {
          if (!(error instanceof StudioError)) throw error
          // What the first attempt says is about what the file itself tells.
          if (failure.cause === undefined) failure = new StudioError(error.code, error.message, { cause: error })
        }
      }
    }
  }
  throw failure
}

function leastSize(graph: Graph, port: PicturePort, channels: number, step: number, told: number | undefined): number {
  if (told !== undefined) return Math.max(told, 1)
  for (let size = step; size <= mostSteps * step; size += step) if (isPossible(graph, port, channels, size)) return size
  throw new StudioError('refused', `It takes no picture up to ${mostSteps * step} pixels.`)
}

function isPossible(graph: Graph, port: PicturePort, channels: number, size: number): boolean {
  const bound = bindInputs(
    graph,
    new Map(Object.entries({ [sizes.batch]: 1, [sizes.height]: size, [sizes.width]: size }))
  )
  try {
    const types = inferShapes(bound)
    enlargedOutput(bound, { layout: port.layout, channels }, { step: 1, least: 1 }, types)
    // Constants may be empty, as regions of a Resize are, and so may numbers that shapes are computed with.
    const made = bound.nodes.flatMap(({ outputs }) => outputs.map((name) => types.get(name)))
    const isEmpty = made.some(
      (type) => type?.type === 'float32' && type.shape.some((each) => evaluateDimension(each) < 1)
    )
    return !isEmpty && !mirrorsBeyond(bound, types)
  } catch (error) {
    if (error instanceof StudioError) return false
    throw error
  }
}

/** Whether a Pad with constant pads mirrors more than there is. */
function mirrorsBeyond(graph: Graph, types: ReadonlyMap<string, ValueType>): boolean {
  return graph.nodes.some((node) => {
    const [x = '', pads = ''] = node.inputs
    const tensor = graph.initializers.get(pads)
    if (node.op !== 'Pad' || stringAttribute(node, 'mode', 'constant') !== 'reflect' || tensor === undefined)
      return false
    const shape = types.get(x)?.shape ?? []
    return elements(tensor).some((pad, i) => pad >= evaluateDimension(shape[i % shape.length] ?? 0))
  })
}
