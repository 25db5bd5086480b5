import type { TrainingMethod } from '../../contract/bounds'

/** Iterations between two validations. */
export const validateEvery = (iterations: number): number => Math.max(20, Math.round(iterations / 20))

/** The training of a variant as far as its time depends on it. */
export interface PlannedTraining {
  readonly method: TrainingMethod
  /** Iterations in all and those that are done. */
  readonly iterations: number
  readonly done: number
  /** Patches of an iteration. */
  readonly batch: number
  readonly trainsWeights: boolean
}

/** How many times as long a step with all weights takes as one of bounds alone (measured: `npm run bench -- distillation`). */
const weightsFactor = 1.2

/** Milliseconds over which iterations are averaged. */
const window = 30_000

/** Milliseconds between two tellings at least. */
const interval = 1000

/** Seconds that were measured of a method. */
interface Measured {
  readonly iteration: number
  readonly validation: number
}

/**
 * Measures how fast iterations follow each other, over the last half minute, and how long validations take. What is to come
 * goes by what was measured of its method, and before that by its patches and by whether it trains weights.
 */
export class Pace {
  readonly #measured = new Map<TrainingMethod, Measured>()
  readonly #clock: () => number
  #times: readonly number[] = []
  #method: TrainingMethod | null = null
  /** Milliseconds of validations since the last restart, which are none of the iterations'. */
  #validating = 0
  #told = 0

  /** @param clock milliseconds */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** Carries a validation out and takes its time. */
  async validating<T>({ method }: PlannedTraining, work: () => Promise<T>): Promise<T> {
    const began = this.#clock()
    try {
      return await work()
    } finally {
      const taken = this.#clock() - began
      this.#validating += taken
      this.#measured.set(method, { iteration: NaN, ...this.#measured.get(method), validation: taken / 1000 })
    }
  }

  /**
   * Called after every iteration. At most once in a second it gives iterations per second, and the seconds that this
   * training and those after it will take.
   */
  tick(
    current: PlannedTraining,
    next: readonly PlannedTraining[]
  ): { readonly iterationsPerSecond: number; readonly secondsLeft: number } | null {
    if (this.#method !== current.method) this.restart()
    this.#method = current.method
    const now = this.#clock()
    const working = now - this.#validating
    this.#times = [...this.#times.filter((time) => working - time < window), working]
    const [first = working] = this.#times
    if (this.#times.length < 2 || now - this.#told < interval) return null
    this.#told = now
    const iteration = (working - first) / (this.#times.length - 1) / 1000
    this.#measured.set(current.method, { validation: 0, ...this.#measured.get(current.method), iteration })
    const secondsLeft = [current, ...next].reduce((sum, training) => sum + this.#secondsOf(training, current), 0)
    return { iterationsPerSecond: 1 / iteration, secondsLeft }
  }

  /** Forgets how fast it went: there was a break, or it is another training that goes. */
  restart(): void {
    this.#times = []
  }

  #secondsOf(training: PlannedTraining, current: PlannedTraining): number {
    const { iterations, done } = training
    const { iteration, validation } = this.#of(training, current)
    const every = validateEvery(iterations)
    // At the start, at every multiple, and at the end.
    const validations = (at: number): number =>
      1 + Math.floor(at / every) + (at === iterations && at % every > 0 ? 1 : 0)
    const validationsLeft = validations(iterations) - (done === 0 ? 0 : validations(done))
    return (iterations - done) * iteration + validationsLeft * validation
  }

  #of(training: PlannedTraining, current: PlannedTraining): Measured {
    const known = this.#measured.get(training.method)
    if (known !== undefined && Number.isFinite(known.iteration)) return known
    const { iteration, validation } = this.#measured.get(current.method) ?? { iteration: 0, validation: 0 }
    const factor = costOf(training) / costOf(current)
    return { iteration: (iteration * factor * training.batch) / current.batch, validation: validation * factor }
  }
}

/** What a patch costs, as a multiple of what it costs to train bounds alone. */
function costOf({ trainsWeights }: PlannedTraining): number {
  return trainsWeights ? weightsFactor : 1
}
