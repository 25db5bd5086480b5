import type { Graph } from '../../../src/core/graph/graph'
import { Random } from '../../../src/core/imaging/random'
import { floatTensor, type Tensor, type TensorOf } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'

/** Random numbers from −1 to 1, always the same of a seed. */
export function noise(shape: readonly number[], seed: number): TensorOf<'float32'> {
  return noiseBy(Random.seeded(seed), shape)
}

/** Random numbers from −1 to 1. */
export function noiseBy(random: Random, shape: readonly number[]): TensorOf<'float32'> {
  const count = shape.reduce((a, b) => a * b, 1)
  return floatTensor(
    Float32Array.from({ length: count }, () => (random.word() / 2 ** 32) * 2 - 1),
    shape
  )
}

/** What onnxruntime makes of a graph, output by output. */
export async function outputsOf(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<readonly Tensor[]> {
  const session = await onnxruntimeCpu.load(graph)
  const outputs = await session.run(new Map(Object.entries(feeds)))
  await session.dispose()
  return graph.outputs.map((name) => {
    const output = outputs.get(name)
    if (output === undefined) throw new Error(`no "${name}"`)
    return output
  })
}
