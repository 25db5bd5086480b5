import { StudioError } from '../errors'
import { GraphBuilder } from '../graph/builder'
import { int, type Graph } from '../graph/graph'
import { dropDead } from '../graph/fold'
import { inferShapes } from '../graph/infer'
import { evaluateDimension } from '../graph/dimension'
import { pictureInput, sizes } from '../models/model'
import type { QuantizerSite } from '../quantization/placement'
import type { NamedTensors, Runtime, Session } from '../runtime'
import { elementCount, floatTensor, type Tensor, type TensorOf } from '../tensor'
import { CountingScratch, HistogramAccumulator, histogramOf, type Histogram } from './histogram'

/** Histograms by the names of the values that are quantized. */
export type Statistics = ReadonlyMap<string, Histogram>

/** Names of what an observed graph takes and gives beside its picture. */
const originsInput = 'observed.origins'
const widthsInput = 'observed.widths'
const minimaOutput = 'observed.minima'
const maximaOutput = 'observed.maxima'
const codesOutput = (value: string): string => `${value}.bins`

/**
 * The graph that tells how some of its values are distributed instead of what it computes: the extremes of each, and
 * each as the bins of a histogram (16-bit numbers), whose origins and widths are inputs [values]. Binning where the
 * values are made keeps them in the processor's cache and halves what must be copied out.
 */
export function observe(graph: Graph, values: readonly string[]): Graph {
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) builder.append(node)
  const ones = builder.integers(values.map(() => 1))
  const split = (name: string): string[] =>
    builder.applyMany('Split', [builder.input(name, [values.length]), ones], values.length, { axis: int(0) })
  const [origins, widths] = [split(originsInput), split(widthsInput)]
  const zero = builder.constant({ type: 'uint16', shape: [], data: Uint16Array.of(0) })
  const extremes = (op: string, as: string): string => {
    const each = values.map((value) => builder.reshape(builder.apply(op, [value], { keepdims: int(0) }), [1]))
    return builder.concat(each, 0, as)
  }
  const codes = values.map((value, i) => {
    const offset = builder.subtract(value, origins[i] ?? '')
    return builder.apply('QuantizeLinear', [offset, builder.reshape(widths[i] ?? '', []), zero], {}, codesOutput(value))
  })
  const outputs = [extremes('ReduceMin', minimaOutput), extremes('ReduceMax', maximaOutput), ...codes]
  return dropDead(builder.build(outputs))
}

/** What collecting statistics reports after every patch. */
export interface StatisticsProgress {
  readonly patchesDone: number
}

/**
 * Shows patches to a full-precision network and counts the values that will be quantized. One forward pass per patch
 * (one more for the first, whose ranges lay out the bins, and for the rare patch that leaves them); memory does not
 * depend on the number of patches.
 *
 * @param graph fixed height and width, batch free
 * @param patches pictures [channels, height, width], values 0 to 1
 * @throws StudioError ('refused') naming the value that is not finite, or when there is no patch
 */
export async function collectStatistics(
  graph: Graph,
  sites: readonly QuantizerSite[],
  patches: Iterable<Float32Array>,
  runtime: Runtime,
  onProgress: (progress: StatisticsProgress) => void = () => undefined
): Promise<Statistics> {
  const statistics = new Map<string, Histogram>()
  for (const { kind, value } of sites) {
    const weight = graph.initializers.get(value)
    if (kind === 'weight' && weight?.type === 'float32') statistics.set(value, histogramOf(weight.data))
  }
  const values = [...new Set(sites.filter(({ kind }) => kind === 'activation').map(({ value }) => value))]
  const session = await runtime.load(observe(graph, values))
  try {
    const observer = new Observer(session, graph, values)
    let patchesDone = 0
    for (const patch of patches) {
      await observer.show(patch)
      onProgress({ patchesDone: ++patchesDone })
    }
    for (const [name, histogram] of observer.histograms()) statistics.set(name, histogram)
  } finally {
    await session.dispose()
  }
  return statistics
}

/** Runs an observed graph and keeps its histograms. */
class Observer {
  readonly #session: Session
  readonly #values: readonly string[]
  readonly #inputShape: readonly number[]
  readonly #outputs: ReadonlyMap<string, Tensor>
  readonly #codes: readonly TensorOf<'uint16'>[]
  readonly #scratch = new CountingScratch()
  #accumulators: readonly HistogramAccumulator[] = []

  constructor(session: Session, graph: Graph, values: readonly string[]) {
    const single = new Map([[sizes.batch, 1]])
    const shapes = inferShapes(graph)
    const shapeOf = (name: string): number[] =>
      (shapes.get(name)?.shape ?? []).map((size) => evaluateDimension(size, single))
    this.#session = session
    this.#values = values
    this.#inputShape = shapeOf(pictureInput)
    this.#codes = values.map((value) => {
      const shape = shapeOf(value)
      return { type: 'uint16', shape, data: new Uint16Array(elementCount(shape)) }
    })
    this.#outputs = new Map(
      [
        ...values.map((value, i) => [codesOutput(value), this.#codes[i]] as const),
        ...[minimaOutput, maximaOutput].map((name) => {
          return [name, floatTensor(new Float32Array(values.length), [values.length])] as const
        })
      ].flatMap(([name, tensor]) => (tensor === undefined ? [] : [[name, tensor] as const]))
    )
  }

  async show(patch: Float32Array): Promise<void> {
    const picture = floatTensor(patch, this.#inputShape)
    if (this.#accumulators.length === 0) {
      await this.#run(picture)
      this.#accumulators = this.#values.map((_, i) => new HistogramAccumulator(this.#minimum(i), this.#maximum(i)))
    }
    await this.#run(picture)
    const moved = this.#accumulators.map((accumulator, i) => accumulator.reach(this.#minimum(i), this.#maximum(i)))
    if (moved.includes(true)) await this.#run(picture)
    this.#accumulators.forEach((accumulator, i) => {
      const codes = this.#codes[i]
      if (codes !== undefined) accumulator.add(codes.data, this.#minimum(i), this.#maximum(i), this.#scratch)
    })
  }

  *histograms(): Iterable<readonly [string, Histogram]> {
    if (this.#accumulators.length === 0 && this.#values.length > 0) {
      throw new StudioError('refused', 'There is no calibration patch to measure the network with.')
    }
    for (const [i, accumulator] of this.#accumulators.entries()) yield [this.#values[i] ?? '', accumulator.snapshot()]
  }

  async #run(picture: Tensor): Promise<void> {
    const grids = this.#accumulators.map(({ grid }) => grid)
    const vector = (pick: (grid: { origin: number; width: number }) => number): Tensor =>
      floatTensor(
        this.#values.map((_, i) => pick(grids[i] ?? { origin: 0, width: 1 })),
        [this.#values.length]
      )
    const feeds: NamedTensors = new Map([
      [pictureInput, picture],
      [originsInput, vector(({ origin }) => origin)],
      [widthsInput, vector(({ width }) => width)]
    ])
    await this.#session.run(feeds, { into: this.#outputs })
    this.#values.forEach((value, i) => {
      if (!Number.isFinite(this.#minimum(i)) || !Number.isFinite(this.#maximum(i))) {
        const what = `The network computes values at "${value}" that are no finite numbers`
        throw new StudioError('refused', `${what}; the checkpoint is damaged, or its image range is another.`)
      }
    })
  }

  #minimum(i: number): number {
    return this.#extreme(minimaOutput, i)
  }

  #maximum(i: number): number {
    return this.#extreme(maximaOutput, i)
  }

  #extreme(output: string, i: number): number {
    return Number(this.#outputs.get(output)?.data[i])
  }
}
