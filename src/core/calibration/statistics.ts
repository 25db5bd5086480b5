import { StudioError } from '../errors'
import { GraphBuilder, type Value } from '../graph/builder'
import { int, type Graph } from '../graph/graph'
import { bindInputs, dropDead } from '../graph/fold'
import { inferShapes } from '../graph/infer'
import { evaluateDimension } from '../graph/dimension'
import { pictureInput, sizes } from '../models/model'
import type { QuantizerSite } from '../quantization/placement'
import type { NamedTensors, Runtime, Session } from '../runtime'
import { elementCount, floatTensor, indexTensor, type Tensor, type TensorOf } from '../tensor'
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
 * Values of a tensor that are counted per patch at most. Attention maps have many times more (1.5 million a block in
 * SwinIR-light at 64×64); a third of their rows, others in each patch, tells the same (docs/decisions/0007).
 */
const mostCounted = 2 ** 19

/** Which part of a value is counted: whole, or so many of its rows (all axes but the last). */
interface CountedPart {
  readonly shape: readonly number[]
  /** Rows there are and rows that are counted; null where the value is counted whole. */
  readonly rows: { readonly total: number; readonly counted: number } | null
}

function countedPart(shape: readonly number[]): CountedPart {
  const row = shape.at(-1) ?? 1
  const total = elementCount(shape) / row
  const counted = Math.max(1, Math.floor(mostCounted / row))
  return counted >= total ? { shape, rows: null } : { shape: [counted, row], rows: { total, counted } }
}

/** Name of the input that says which rows are counted; values of equal size share it. */
const rowsInput = ({ total, counted }: NonNullable<CountedPart['rows']>): string => `observed.rows.${counted}.${total}`

/** An observed graph, and what is counted of each value. */
interface Observable {
  readonly graph: Graph
  readonly parts: ReadonlyMap<string, CountedPart>
}

/**
 * The graph that tells how some of its values are distributed instead of what it computes: the extremes of each, and
 * each as the bins of a histogram (16-bit numbers), whose widths and zero points are inputs [values]. Binning where the
 * values are made keeps them in the processor's cache and halves what must be copied out.
 *
 * @param graph of fixed size, batch included
 */
export function observe(graph: Graph, values: readonly string[]): Observable {
  const shapes = inferShapes(graph)
  const parts = new Map(
    values.map((value) => [value, countedPart((shapes.get(value)?.shape ?? []).map((size) => evaluateDimension(size)))])
  )
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) builder.append(node)
  const ones = values.map(() => 1)
  const split = (vector: Value): Value[] => builder.split(vector, ones, 0)
  const widths = split(builder.input(widthsInput, [values.length]))
  const zeroPoints = split(builder.cast(builder.input(zeroPointsInput, [values.length]), 'uint16'))
  const chosen = new Map<string, Value>()
  const countedOf = (value: string): Value => {
    const { shape, rows } = parts.get(value) ?? { shape: [], rows: null }
    if (rows === null) return value
    const name = rowsInput(rows)
    const indices = chosen.get(name) ?? builder.input(name, [rows.counted], 'int64')
    chosen.set(name, indices)
    return builder.gather(builder.reshape(value, [-1, shape.at(-1) ?? 1]), indices, 0)
  }
  // onnxruntime runs what ends in outputs from the last written to the first, each with all it needs: written backwards,
  // a value is counted right after it was made, while it is in the cache, and given back before the next (measured: half
  // the memory and two thirds of the time).
  const outputs = [...values.entries()].toReversed().flatMap(([i, value]) => {
    const grid = [widths[i] ?? '', zeroPoints[i] ?? '']
    return [
      builder.apply('ReduceMin', [value], { keepdims: int(0) }, minimumOutput(value)),
      builder.apply('ReduceMax', [value], { keepdims: int(0) }, maximumOutput(value)),
      builder.apply('QuantizeLinear', [countedOf(value), ...grid], {}, codesOutput(value))
    ]
  })
  return { graph: dropDead(builder.build(outputs)), parts }
}

/** What collecting statistics tells after every patch. */
export interface StatisticsProgress {
  readonly patchesDone: number
  /** How the values of an activation are distributed so far. */
  readonly histogramOf: (value: string) => Histogram | undefined
  /** Their extremes so far, which cost nothing to tell. */
  readonly rangeOf: (value: string) => Pick<Histogram, 'min' | 'max'> | undefined
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
  onProgress: (progress: StatisticsProgress) => void | Promise<void> = () => undefined
): Promise<Statistics> {
  const statistics = new Map<string, Histogram>()
  const scratch = new CountingScratch()
  for (const { kind, value } of sites) {
    const weight = graph.initializers.get(value)
    if (kind === 'weight' && weight?.type === 'float32') statistics.set(value, histogramOf(weight.data, scratch))
  }
  const values = [...new Set(sites.filter(({ kind }) => kind === 'activation').map(({ value }) => value))]
  const observable = observe(bindInputs(graph, new Map([[sizes.batch, 1]])), values)
  const session = await runtime.load(observable.graph)
  try {
    const observer = new Observer(session, observable, scratch)
    let patchesDone = 0
    for await (const patch of patches) {
      await observer.show(patch)
      await onProgress({
        patchesDone: ++patchesDone,
        histogramOf: (value) => observer.accumulator(value)?.snapshot(),
        rangeOf: (value) => observer.accumulator(value)?.range
      })
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
  readonly #places: ReadonlyMap<string, number>
  /** The outputs of a run that only tells extremes, and of one that tells all. */
  readonly #extremes: NamedTensors
  readonly #everything: NamedTensors
  /** The inputs that choose rows. */
  readonly #rows = new Map<string, NonNullable<CountedPart['rows']>>()
  #accumulators: readonly HistogramAccumulator[] = []
  #shown = 0

  constructor(session: Session, { graph, parts }: Observable, scratch: CountingScratch) {
    this.#session = session
    this.#scratch = scratch
    this.#inputShape = (graph.inputs.find(({ name }) => name === pictureInput)?.shape ?? []).map((size) =>
      evaluateDimension(size)
    )
    this.#observed = [...parts].map(([value, { shape, rows }]) => {
      const scalar = (): TensorOf<'float32'> => floatTensor(new Float32Array(1), [])
      const codes = { type: 'uint16', shape, data: new Uint16Array(elementCount(shape)) } as const
      if (rows !== null) this.#rows.set(rowsInput(rows), rows)
      return { value, codes, minimum: scalar(), maximum: scalar() }
    })
    this.#places = new Map(this.#observed.map(({ value }, i) => [value, i]))
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
    this.#shown++
  }

  accumulator(value: string): HistogramAccumulator | undefined {
    return this.#accumulators[this.#places.get(value) ?? -1]
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
      [zeroPointsInput, vector(({ zeroPoint }) => zeroPoint)],
      ...[...this.#rows].map(([name, rows]) => [name, indexTensor(rowsOfPatch(rows, this.#shown))] as const)
    ])
    await this.#session.run(feeds, { outputs: [...into.keys()], into })
  }
}

/** Evenly spaced rows; from patch to patch they move on by the golden section of a space, so that all have their turn. */
function rowsOfPatch({ total, counted }: NonNullable<CountedPart['rows']>, patch: number): number[] {
  const offset = (patch * 0.6180339887498949) % 1
  return Array.from({ length: counted }, (_, i) => Math.floor(((i + offset) * total) / counted))
}

/** Smallest and largest element of a value. Throws a StudioError where they are no finite numbers. */
function extremes({ value, minimum, maximum }: Observed): [min: number, max: number] {
  const [min = NaN, max = NaN] = [minimum.data[0], maximum.data[0]]
  if (Number.isFinite(min) && Number.isFinite(max)) return [min, max]
  const what = `The network computes values at "${value}" that are no finite numbers`
  throw new StudioError('refused', `${what}; the checkpoint is damaged, or its image range is another.`)
}
