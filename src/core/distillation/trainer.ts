import { gradientOf } from '../graph/gradients/differentiate'
import { meanPsnr } from '../evaluation/psnr'
import { pictureInput } from '../models/model'
import { boundsInput, levelsInput } from '../quantization/placement'
import { reachingZero, withZeroPoint, type ZeroPoint } from '../quantization/zero-point'
import type { NamedTensors, Session } from '../runtime'
import { floatTensor, type Tensor } from '../tensor'
import { Adam, type AdamSettings, type AdamState } from './adam'
import { distillationOutputs, featureWeightInput } from './objective'
import type { ParameterVector } from './parameters'

/** A distillation graph that was loaded, and what it takes. */
export interface Distillation {
  /** Copies of one session that run at the same time. */
  readonly sessions: readonly [Session, ...Session[]]
  /** Shape of the input `lr`, the batch of one run first. */
  readonly inputShape: readonly number[]
  readonly parameters: ParameterVector
  /** 2^bits − 1 of every row of bounds. */
  readonly levels: Float32Array
  /** With `integer` bounds are trained as if they were free, and what the student has is moved to integer zero points. */
  readonly zeroPoint: ZeroPoint
  /** Weight λ of the feature term. */
  readonly featureWeight: number
}

/** How learning rates change: they rise for `warmUp` steps and fall by a cosine to `floor` times the highest at the end. */
export interface Schedule {
  readonly warmUp: number
  readonly floor: number
}

export const schedules = {
  constant: { warmUp: 0, floor: 1 },
  cosine: { warmUp: 10, floor: 0.02 }
} as const satisfies Readonly<Record<string, Schedule>>

/** How parameters are trained. */
export interface TrainerSettings {
  readonly iterations: number
  /** Learning rate of each parameter at its highest. */
  readonly learningRates: Float64Array
  readonly schedule: Schedule
  readonly adam: AdamSettings
  /** Factors on the gradient before Adam sees it; 1 when absent. */
  readonly gradientScales?: Float64Array
}

/** Where training stands; plain data, so that it can be stored and continued bit for bit. */
export interface TrainerState {
  /** Iterations done. */
  readonly iteration: number
  readonly values: Float64Array
  /** Upper − lower bound of every row at the start. */
  readonly ranges: Float64Array
  readonly adam: AdamState
}

/** One iteration as it is reported. */
export interface TrainingStep {
  /** Counted from 1. */
  readonly iteration: number
  readonly outputLoss: number
  /** Already weighted. */
  readonly featureLoss: number
  /** Share of the highest learning rate that was taken. */
  readonly rateFactor: number
}

/** Bounds stay at least this share of the range they start with apart. */
const leastRange = 1e-3

/**
 * Stage 2 of 2DQuant (DQC): trains the bounds (and for 2DQuant+ the weights) so that the student gives what the teacher
 * gives. Every call of `step` is one iteration.
 */
export class Trainer {
  readonly #distillation: Distillation
  readonly #settings: TrainerSettings
  readonly #values: Float64Array
  readonly #ranges: Float64Array
  readonly #adam: Adam
  #iteration: number

  constructor(distillation: Distillation, settings: TrainerSettings, state: TrainerState) {
    this.#distillation = distillation
    this.#settings = settings
    this.#values = state.values.slice()
    this.#ranges = state.ranges.slice()
    this.#adam = new Adam(settings.adam, state.adam)
    this.#iteration = state.iteration
  }

  /** A trainer that has not taken a step. */
  static fresh(distillation: Distillation, settings: TrainerSettings, values: Float64Array): Trainer {
    const { adam } = settings
    const ranges = rangesOf(distillation.parameters.bounds(values))
    const state = Adam.fresh(adam, values.length).state
    return new Trainer(distillation, settings, { iteration: 0, values, ranges, adam: state })
  }

  get iteration(): number {
    return this.#iteration
  }

  /** The parameters as they are now; the next step changes them. */
  get values(): Float64Array {
    return this.#values
  }

  get state(): TrainerState {
    const { steps, firstMoments, secondMoments } = this.#adam.state
    return {
      iteration: this.#iteration,
      values: this.#values.slice(),
      ranges: this.#ranges.slice(),
      adam: { steps, firstMoments, secondMoments }
    }
  }

  /**
   * One iteration. Where a loss is no number, the step is reported but not taken.
   *
   * @param batch pictures [channels, height, width]
   */
  async step(batch: readonly Float32Array[]): Promise<TrainingStep> {
    const { gradientScales, learningRates } = this.#settings
    const { outputLoss, featureLoss, gradient } = await gradientOn(this.#distillation, this.#values, batch)
    this.#iteration++
    const rateFactor = factorOf(this.#iteration, this.#settings)
    if (Number.isFinite(outputLoss + featureLoss)) {
      if (gradientScales !== undefined) scaleBy(gradient, gradientScales)
      this.#adam.step(this.#values, gradient, learningRates, rateFactor)
      const bounds = this.#distillation.parameters.bounds(this.#values)
      if (this.#distillation.zeroPoint === 'integer') keepReachingZero(bounds)
      keepApart(bounds, this.#ranges)
    }
    return { iteration: this.#iteration, outputLoss, featureLoss, rateFactor }
  }
}

/** Upper − lower bound of every row. */
export function rangesOf(bounds: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: bounds.length / 2 }, (_, i) => (bounds[2 * i + 1] ?? 0) - (bounds[2 * i] ?? 0))
}

/** The bounds that the student has where parameters have these values, [rows, 2]. */
export function studentBounds({ parameters, levels, zeroPoint }: Distillation, values: Float64Array): Float32Array {
  const bounds = Float32Array.from(parameters.bounds(values))
  for (const [row, each] of levels.entries()) {
    const [lower = NaN, upper = NaN] = bounds.subarray(2 * row, 2 * row + 2)
    const moved = withZeroPoint({ lower, upper }, each, zeroPoint)
    bounds.set([moved.lower, moved.upper], 2 * row)
  }
  return bounds
}

/** Means of losses and gradient over a batch. */
interface BatchGradient {
  readonly outputLoss: number
  readonly featureLoss: number
  /** Of all parameters. */
  readonly gradient: Float64Array
}

/** Losses and gradient on a batch; the sums are taken in the order of the pictures, whichever session was faster. */
export async function gradientOn(
  distillation: Distillation,
  values: Float64Array,
  batch: readonly Float32Array[]
): Promise<BatchGradient> {
  const { parameters } = distillation
  const names = [boundsInput, ...parameters.weights.map(({ name }) => name)].map(gradientOf)
  const { outputLoss, featureLoss } = distillationOutputs
  const outputs = [outputLoss, featureLoss, ...names]
  const gradient = new Float64Array(parameters.length)
  const losses = { outputLoss: 0, featureLoss: 0 }
  const { count, runs } = runAll(distillation, values, batch, outputs)
  for (const pending of runs) {
    const results = await pending
    losses.outputLoss += scalarOf(results, outputLoss) / count
    losses.featureLoss += scalarOf(results, featureLoss) / count
    let at = 0
    for (const name of names) {
      const part = results.get(name)
      if (part?.type !== 'float32') throw new Error(`There is no gradient "${name}"`)
      for (const value of part.data) {
        gradient[at] = (gradient[at] ?? 0) + value / count
        at++
      }
    }
  }
  return { ...losses, gradient }
}

/** How near the student is to the teacher on some pictures. */
export interface Agreement {
  /** Mean PSNR in dB of the pictures. */
  readonly psnr: number
  /** Mean of output and feature loss together. */
  readonly loss: number
  /** What the student makes of each picture, [channels, height, width]. */
  readonly pictures: readonly Float32Array[]
  /** What the teacher makes of them. */
  readonly references: readonly Float32Array[]
}

export async function agreement(
  distillation: Distillation,
  values: Float64Array,
  pictures: readonly Float32Array[]
): Promise<Agreement> {
  const [runBatch = 1] = distillation.inputShape
  const { outputLoss, featureLoss, picture, teacherPicture } = distillationOutputs
  const wanted = [outputLoss, featureLoss, picture, teacherPicture]
  const { count, runs } = runAll(distillation, values, pictures, wanted)
  const outputs = new Map([picture, teacherPicture].map((name) => [name, [] as Float32Array[]]))
  let loss = 0
  for (const pending of runs) {
    const results = await pending
    loss += (scalarOf(results, outputLoss) + scalarOf(results, featureLoss)) / count
    for (const [name, kept] of outputs) {
      const output = results.get(name)
      if (output?.type !== 'float32') throw new Error(`There is no picture "${name}"`)
      const size = output.data.length / runBatch
      for (let i = 0; i < runBatch; i++) kept.push(output.data.slice(i * size, (i + 1) * size))
    }
  }
  const of = (name: string): readonly Float32Array[] => (outputs.get(name) ?? []).slice(0, pictures.length)
  const [made, references] = [of(picture), of(teacherPicture)]
  return { psnr: meanPsnr(made, references), loss, pictures: made, references }
}

/**
 * The share of the gradient of the bounds that the feature term supplies: ‖∂feature‖ / (‖∂output‖ + ‖∂feature‖), 0 to 1.
 */
export async function featureShare(
  distillation: Distillation,
  values: Float64Array,
  batch: readonly Float32Array[]
): Promise<number> {
  const { parameters } = distillation
  const whole = await gradientOn(distillation, values, batch)
  const ofOutput = await gradientOn({ ...distillation, featureWeight: 0 }, values, batch)
  const output = parameters.bounds(ofOutput.gradient)
  const feature = parameters.bounds(whole.gradient).map((value, i) => value - (output[i] ?? 0))
  const [fromOutput, fromFeature] = [Math.hypot(...output), Math.hypot(...feature)]
  return fromFeature === 0 ? 0 : fromFeature / (fromOutput + fromFeature)
}

/**
 * Shows pictures to the sessions in turn; the results come in the order of the pictures. Where they do not fill whole runs, all are
 * shown once more until they do, each as often as the others, so that means stay what they are.
 */
function runAll(
  distillation: Distillation,
  values: Float64Array,
  pictures: readonly Float32Array[],
  outputs: readonly string[]
): { readonly count: number; readonly runs: readonly Promise<NamedTensors>[] } {
  const { sessions, inputShape, parameters, levels, featureWeight } = distillation
  const [runBatch = 1] = inputShape
  const size = inputShape.slice(1).reduce((product, each) => product * each, 1)
  const constants: readonly (readonly [string, Tensor])[] = [
    [boundsInput, floatTensor(studentBounds(distillation, values), [parameters.rows, 2])],
    [levelsInput, floatTensor(levels, [parameters.rows])],
    [featureWeightInput, floatTensor([featureWeight], [])],
    ...parameters.tensors(values)
  ]
  let shown = pictures.length
  while (shown % runBatch !== 0) shown += pictures.length
  const count = shown / runBatch
  const last: Promise<unknown>[] = sessions.map(() => Promise.resolve())
  const runs = Array.from({ length: count }, (_, i) => {
    const data = new Float32Array(runBatch * size)
    for (let j = 0; j < runBatch; j++) data.set(pictures[(i * runBatch + j) % pictures.length] ?? [], j * size)
    const feeds = new Map([[pictureInput, floatTensor(data, inputShape)], ...constants])
    const turn = i % sessions.length
    const session = sessions[turn] ?? sessions[0]
    const run = (last[turn] ?? Promise.resolve()).then(() => session.run(feeds, { outputs }))
    // A failure is reported by the run itself.
    last[turn] = run.catch(() => undefined)
    return run
  })
  for (const run of runs) run.catch(() => undefined)
  return { count, runs }
}

function scalarOf(results: NamedTensors, name: string): number {
  return Number(results.get(name)?.data[0] ?? NaN)
}

function scaleBy(values: Float64Array, factors: Float64Array): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * (factors[i] ?? 1)
}

/** Share of the learning rate that an iteration (from 1) takes. */
function factorOf(iteration: number, { schedule: { warmUp, floor }, iterations }: TrainerSettings): number {
  const rise = warmUp === 0 ? 1 : Math.min(1, iteration / warmUp)
  const progress = (iteration - 1) / Math.max(1, iterations - 1)
  return rise * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * progress)))
}

/** Moves bounds that left 0 behind back to it: how far they are from it would make no difference. */
function keepReachingZero(bounds: Float64Array): void {
  for (let i = 0; i < bounds.length; i += 2) {
    const { lower, upper } = reachingZero({ lower: bounds[i] ?? 0, upper: bounds[i + 1] ?? 0 })
    bounds.set([lower, upper], i)
  }
}

/** Moves bounds that met or crossed apart, around their middle. */
function keepApart(bounds: Float64Array, ranges: Float64Array): void {
  for (let i = 0; i < bounds.length; i += 2) {
    const [lower, upper] = [bounds[i] ?? 0, bounds[i + 1] ?? 0]
    const least = (ranges[i / 2] ?? 0) * leastRange
    if (upper - lower >= least) continue
    const middle = (lower + upper) / 2
    bounds[i] = middle - least / 2
    bounds[i + 1] = middle + least / 2
  }
}
