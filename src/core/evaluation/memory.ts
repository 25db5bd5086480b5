import { evaluateDimension, product } from '../graph/dimension'
import type { Graph } from '../graph/graph'
import { inferShapes } from '../graph/infer'
import { sizes } from '../models/model'
import type { ElementType } from '../tensor'

const bytesPerElement: Readonly<Record<ElementType, number>> = {
  float32: 4,
  uint8: 1,
  int8: 1,
  uint16: 2,
  int32: 4,
  int64: 8,
  bool: 1,
  uint4: 0.5,
  uint2: 0.25
}

/** How much memory the values of a graph take at most at one time, for pictures of any size. */
export interface MemoryEstimate {
  /** Bytes alive at the worst moment for one picture of width × height input pixels. */
  peakBytes(width: number, height: number): number
}

/**
 * Follows which values are alive while the nodes run in order: a value is made by its node and given back after the last
 * node that reads it. Runtimes that reuse memory in place need less, those that fuse badly a little more.
 */
export function estimateMemory(graph: Graph): MemoryEstimate {
  const types = inferShapes(graph)
  const lastUse = new Map<string, number>()
  graph.nodes.forEach((node, i) => {
    for (const name of [...node.inputs, ...node.outputs]) lastUse.set(name, i)
  })
  for (const name of graph.outputs) lastUse.set(name, Infinity)
  const made = new Map(
    [...lastUse.keys()].filter((name) => !graph.initializers.has(name)).map((name) => [name, types.get(name)])
  )

  return {
    peakBytes(width, height) {
      const bindings = new Map([
        [sizes.batch, 1],
        [sizes.width, width],
        [sizes.height, height]
      ])
      const bytes = (name: string): number => {
        const type = made.get(name)
        return type === undefined ? 0 : evaluateDimension(product(type.shape), bindings) * bytesPerElement[type.type]
      }
      const ending = new Map<number, string[]>()
      for (const [name, at] of lastUse) ending.set(at, [...(ending.get(at) ?? []), name])
      let alive = graph.inputs.reduce((sum, { name }) => sum + bytes(name), 0)
      let peak = alive
      graph.nodes.forEach((node, i) => {
        for (const name of node.outputs) alive += bytes(name)
        peak = Math.max(peak, alive)
        for (const name of ending.get(i) ?? []) alive -= bytes(name)
      })
      return peak
    }
  }
}
