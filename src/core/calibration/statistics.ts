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
import { CountingScratch, HistogramAccumulator, histogramOf, type BinGrid, type Histogram } from './histogram'

/** Histograms by the names of the values that are quantized. */
export type Statistics = ReadonlyMap<string, Histogram>

/** Names of what an observed graph takes and gives beside its picture. */
const zeroPointsInput = 'observed.zero_points'
const widthsInput = 'observed.widths'
const codesOutput = (value: string): string => `${value}.bins`
const minimumOutput = (value: string): string => `${value}.minimum`
const maximumOutput = (value: string): string => `${value}.maximum`

/**
 * The graph that tells how some of its values are distributed instead of what it computes: the extremes of each, and
 * each as the bins of a histogram (16-bit numbers), whose widths and zero points are inputs [values]. Binning where the
 * values are made keeps them in the processor's cache and halves what must be copied out.
 */
export function observe(graph: Graph, values: readonly string[]): Graph {
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) builder.append(node)
  const ones = builder.integers(values.map(() => 1))
  const split = (vector: string): string[] =>
    builder.applyMany('Split', [vector, ones], values.length, { axis: int(0) })
  const widths = split(builder.input(widthsInput, [values.length]))
  const zeroPoints = split(builder.cast(builder.input(zeroPointsInput, [values.length]), 'uint16'))
  // onnxruntime runs what ends in outputs from the last written to the first, each with all it needs: written backwards,
  // a value is counted right after it was made, while it is in the cache, and given back before the next (measured: half
  // the memory and two thirds of the time).
  const outputs = values.toReversed().flatMap((value) => {
    const i = values.indexOf(value)
    const grid = [widths[i] ?? '', zeroPoints[i] ?? '']
    return [
      builder.apply('ReduceMin', [value], { keepdims: int(0) }, minimumOutput(value)),
      builder.apply('ReduceMax', [value], { keepdims: int(0) }, maximumOutput(value)),
      builder.apply('QuantizeLinear', [value, ...grid], {}, codesOutput(value))
    ]
  })
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
  patches: Iterable<Float32Array> | AsyncIterable<Float32Array>,
  runtime: Runtime,
  onProgress: (progress: StatisticsProgress) => void = () => undefined
): Promise<Statistics> {
  const statistics = new Map<string, Histogram>()
  const scratch = new CountingScratch()
  for (const { kind, value } of sites) {
    const weight = graph.initializers.get(value)
    if (kind === 'weight' && weight?.type === 'float32') statistics.set(value, histogramOf(weight.data, scratch))
  }
  const values = [...new Set(sites.filter(({ kind }) => kind === 'activation').map(({ value }) => value))]
  const session = await runtime.load(observe(graph, values))
  try {
    const observer = new Observer(session, graph, values, scratch)
    let patchesDone = 0
    for await (const patch of patches) {
      await observer.show(patch)
      onProgress({ patchesDone: ++patchesDone })
    }
    for (const [name, histogram] of observer.histograms()) statistics.set(name, histogram)
  } finally {
    await session.dispose()
  }
  return statistics
}

/** What one run of an observed graph tells of one value: memory that later runs overwrite. */
interface Observed {
  readonly value: string
  readonly codes: TensorOf<'uint16'>
  readonly minimum: TensorOf<'float32'>
  readonly maximum: TensorOf<'float32'>
}

/** Runs an observed graph and keeps its histograms. */
class Observer {
  readonly #session: Session
  readonly #scratch: CountingScratch
  readonly #inputShape: readonly number[]
  readonly #observed: readonly Observed[]
  /** The outputs of a run that only tells extremes, and of one that tells all. */
  readonly #extremes: NamedTensors
  readonly #everything: NamedTensors
  #accumulators: readonly HistogramAccumulator[] = []

  constructor(session: Session, graph: Graph, values: readonly string[], scratch: CountingScratch) {
    const single = new Map([[sizes.batch, 1]])
    const shapes = inferShapes(graph)
    const shapeOf = (name: string): number[] =>
      (shapes.get(name)?.shape ?? []).map((size) => evaluateDimension(size, single))
    this.#session = session
    this.#scratch = scratch
    this.#inputShape = shapeOf(pictureInput)
    this.#observed = values.map((value) => {
      const shape = shapeOf(value)
      const scalar = (): TensorOf<'float32'> => floatTensor(new Float32Array(1), [])
      const codes = { type: 'uint16', shape, data: new Uint16Array(elementCount(shape)) } as const
      return { value, codes, minimum: scalar(), maximum: scalar() }
    })
    this.#extremes = new Map(
      this.#observed.flatMap(({ value, minimum, maximum }) => [
        [minimumOutput(value), minimum],
        [maximumOutput(value), maximum]
      ])
    )
    const codes = this.#observed.map(({ value, codes }): [string, Tensor] => [codesOutput(value), codes])
    this.#everything = new Map([...this.#extremes, ...codes])
  }

  /** Shows one more patch, and counts what the network makes of it. */
  async show(patch: Float32Array): Promise<void> {
    if (this.#accumulators.length === 0) {
      await this.#run(patch, this.#extremes)
      this.#accumulators = this.#observed.map((each) => new HistogramAccumulator(...extremes(each)))
    }
    await this.#run(patch, this.#everything)
    const moved = this.#observed.map((each, i) => this.#accumulators[i]?.reach(...extremes(each)))
    if (moved.includes(true)) await this.#run(patch, this.#everything)
    for (const [i, each] of this.#observed.entries()) {
      this.#accumulators[i]?.add(each.codes.data, ...extremes(each), this.#scratch)
    }
  }

  *histograms(): Iterable<readonly [string, Histogram]> {
    if (this.#accumulators.length === 0 && this.#observed.length > 0) {
      throw new StudioError('refused', 'There is no calibration patch to measure the network with.')
    }
    for (const [i, accumulator] of this.#accumulators.entries()) {
      yield [this.#observed[i]?.value ?? '', accumulator.snapshot()]
    }
  }

  async #run(patch: Float32Array, into: NamedTensors): Promise<void> {
    const vector = (pick: (grid: BinGrid) => number): Tensor =>
      floatTensor(
        this.#observed.map((_, i) => pick(this.#accumulators[i]?.grid ?? { width: 1, zeroPoint: 0 })),
        [this.#observed.length]
      )
    const feeds: NamedTensors = new Map([
      [pictureInput, floatTensor(patch, this.#inputShape)],
      [widthsInput, vector(({ width }) => width)],
      [zeroPointsInput, vector(({ zeroPoint }) => zeroPoint)]
    ])
    await this.#session.run(feeds, { outputs: [...into.keys()], into })
  }
}

/** Smallest and largest element of a value. Throws a StudioError where they are no finite numbers. */
function extremes({ value, minimum, maximum }: Observed): [min: number, max: number] {
  const [min = NaN, max = NaN] = [minimum.data[0], maximum.data[0]]
  if (Number.isFinite(min) && Number.isFinite(max)) return [min, max]
  const what = `The network computes values at "${value}" that are no finite numbers`
  throw new StudioError('refused', `${what}; the checkpoint is damaged, or its image range is another.`)
}
