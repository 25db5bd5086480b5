import {
  contestantTitles,
  formatBits,
  trains,
  variantFileName,
  variantKey,
  type Bits,
  type Quantizer,
  type Variant
} from '../../contract/bounds'
import type { QuantizeResult } from '../../contract/results'
import { ParameterVector } from '../../core/distillation/parameters'
import {
  agreement,
  featureShare,
  studentBounds,
  Trainer,
  type Distillation,
  type TrainerSettings,
  type TrainingStep
} from '../../core/distillation/trainer'
import { StudioError } from '../../core/errors'
import { meanPsnr } from '../../core/evaluation/psnr'
import { crop, fromTensor, quantizeTo8Bit } from '../../core/imaging/image'
import { sheetOf } from '../../core/imaging/sheet'
import type { Model } from '../../core/models/model'
import type { QuantizerSite } from '../../core/quantization/placement'
import type { Session } from '../../core/runtime'
import { withListener, type JobContext } from '../job'
import { draw, readInOrder, readPairs } from '../patches'
import type { PictureEntry, PictureSet } from '../picture-sets'
import { boundRows, ofChannels } from '../plan'
import { TrainingPaused, type TrainingControl } from './control'
import { LiveRun, type TrainingCheckpoint, type VariantKey } from './live-run'
import { Pace, validateEvery, type PlannedTraining } from './pace'
import { recipeOf, type Recipe } from './recipe'
import { fewestAtOnce, withSessions, type TrainingSessions } from './sessions'

/** Patches on which training is validated. */
const validationPatches = 8

/** From so many pictures on, a tenth is held out of training for validation; below, other patches are. */
const fewPictures = 10

/** Iterations between two checkpoints. */
const checkpointEvery = 25

/** Iterations whose mean loss is compared with the loss at the start, and how many times that shows divergence. */
const divergenceWindow = 10
const divergenceFactor = 5

/** Pixels across what a preview has of a patch at most. */
const previewSide = 128

/** What is trained, and on what. */
interface TrainingWork {
  readonly model: Model
  readonly sites: readonly QuantizerSite[]
  readonly pictures: PictureSet
  /** The run folder, which holds the variants that training starts from. */
  readonly live: LiveRun
  readonly control: TrainingControl
}

/** A variant that was found or trained, and the seconds it took. */
export interface TimedVariant {
  readonly variant: Variant
  readonly seconds: number
}

/** What a result tells of a variant. */
export function summaryOf({ variant, seconds }: TimedVariant): QuantizeResult['variants'][number] {
  const { method, bits, training } = variant
  return { method, bits, seconds, ...(training && { training }) }
}

/** Opens a run folder and trains what is not trained yet. */
export async function trainRun(
  folder: string,
  work: Omit<TrainingWork, 'live'>,
  context: JobContext
): Promise<readonly TimedVariant[]> {
  const live = await LiveRun.open(folder)
  try {
    return await trainVariants({ ...work, live }, context)
  } finally {
    await live.close()
  }
}

/**
 * Trains every variant of a run that its settings ask for and that is not there yet, each from its checkpoint where there
 * is one, and adds it to the run. Bounds (and weights) are validated on held-out patches and the best are kept, which may be
 * those of the start. Where the job is aborted, all is on disk for going on later.
 */
async function trainVariants(work: TrainingWork, context: JobContext): Promise<readonly TimedVariant[]> {
  const { model, sites, live, control } = work
  const { methods, bits: widths, distillation, patchSize } = live.run.settings
  if (distillation === null) return []
  const telling = withListener(context, (event) => {
    live.keep(event)
  })
  const trained: TimedVariant[] = []
  const recipes = methods.filter(trains).map((method) => recipeOf(method, model, sites, distillation, patchSize))
  const total = recipes.reduce((sum, { iterations }) => sum + iterations * widths.length, 0)
  const pace = new Pace()
  const isThere = (method: VariantKey['method'], bits: Bits): boolean => findVariant(live, method, bits) !== undefined
  /** What is trained after a variant. */
  const after = (key: VariantKey): readonly PlannedTraining[] =>
    recipes.flatMap((recipe) =>
      widths
        .filter(
          (bits) => !isThere(recipe.method, bits) && variantKey({ method: recipe.method, bits }) !== variantKey(key)
        )
        .map(() => plannedOf(recipe))
    )
  let done = 0
  for (const recipe of recipes) {
    const { method } = recipe
    const wanted = widths.filter((bits) => !isThere(method, bits))
    done += recipe.iterations * (widths.length - wanted.length)
    if (wanted.length === 0) continue
    // What loads takes seconds, in which a program that ends would wait for nothing.
    if (control.isStopped && !(await isBegun(live, method, wanted))) continue
    const data = await drawPatches(work, recipe)
    await withSessions(recipe, model, patchSize, telling, async (sessions) => {
      for (const bits of wanted) {
        const key = { method, bits }
        // Where memory was short, some may have been trained before.
        if (isThere(method, bits)) continue
        if (control.isStopped && (await live.loadCheckpoint(key)) === null) continue
        const started = performance.now()
        const training = new VariantTraining(key, recipe, work, data, sessions, pace, telling)
        const variant = await training.run({ done, total }, after(key))
        trained.push({ variant, seconds: (performance.now() - started) / 1000 })
        done += recipe.iterations
      }
    })
  }
  await live.removeCheckpoint()
  await live.setState('done')
  return trained
}

function plannedOf(recipe: Recipe): PlannedTraining {
  const { method, iterations, batch, weights } = recipe
  return { method, iterations, done: 0, batch, trainsWeights: weights.size > 0 }
}

function findVariant(live: LiveRun, method: Variant['method'], bits: Bits): Variant | undefined {
  return live.variants.find((variant) => variantKey(variant) === variantKey({ method, bits }))
}

/** Whether there is a checkpoint of one of these variants. */
async function isBegun(live: LiveRun, method: VariantKey['method'], widths: readonly Bits[]): Promise<boolean> {
  for (const bits of widths) if ((await live.loadCheckpoint({ method, bits })) !== null) return true
  return false
}

/** Patches of all iterations as they were drawn, and those that training is validated on. */
interface PatchData {
  readonly entries: readonly PictureEntry[]
  readonly drawn: Awaited<ReturnType<typeof draw>>
  readonly validation: readonly Float32Array[]
  /** The high-resolution patches of these; null where there are none. */
  readonly validationHr: readonly Float32Array[] | null
}

async function drawPatches({ model, pictures, live }: TrainingWork, recipe: Recipe): Promise<PatchData> {
  const { patchSize: size, seed } = live.run.settings
  const { batch, iterations } = recipe
  const [entries, heldOut] = splitPictures(pictures.entries)
  const drawn = await draw(entries, model.scale, { count: iterations * batch, size, seed: seed + 1 })
  const count = validationCount(recipe)
  const pairs = await readPairs(heldOut, model, await draw(heldOut, model.scale, { count, size, seed: seed + 2 }))
  const hr = pairs.flatMap((pair) => (pair.hr === null ? [] : [pair.hr]))
  return {
    entries,
    drawn,
    validation: pairs.map(({ lr }) => lr),
    validationHr: hr.length === pairs.length ? hr : null
  }
}

/** Whether there is a feature term. */
export function comparesFeatures({ featureWeight, objective }: Recipe): boolean {
  return featureWeight > 0 && objective.features.length > 0
}

/** Held-out patches of a recipe: what runs take the whole batch together are given whole batches. */
export function validationCount(recipe: Recipe): number {
  const together = fewestAtOnce(recipe)
  return together * Math.ceil(validationPatches / together)
}

/** Pictures to train on and pictures to validate on. */
export function splitPictures(
  entries: readonly PictureEntry[]
): readonly [readonly PictureEntry[], readonly PictureEntry[]] {
  if (entries.length < fewPictures) return [entries, entries]
  const kept = entries.length - Math.ceil(entries.length / 10)
  return [entries.slice(0, kept), entries.slice(kept)]
}

/** The same sessions, which give way before every run: an iteration of a large network may take many seconds. */
function givingWay(
  [first, ...others]: TrainingSessions['sessions'],
  { giveWay }: JobContext
): TrainingSessions['sessions'] {
  const wrap = (session: Session): Session => ({
    run: async (...run) => {
      await giveWay()
      return session.run(...run)
    },
    dispose: () => session.dispose()
  })
  return [wrap(first), ...others.map(wrap)]
}

/** Where training stands beside its optimizer. */
type Standing = Omit<TrainingCheckpoint, 'state'>

/** The training of one variant. */
class VariantTraining {
  readonly #key: VariantKey
  readonly #recipe: Recipe
  readonly #work: TrainingWork
  readonly #data: PatchData
  readonly #context: JobContext
  readonly #start: Variant
  readonly #distillation: Distillation
  readonly #pace: Pace
  readonly #validateEvery: number
  readonly #planned: PlannedTraining

  constructor(
    key: VariantKey,
    recipe: Recipe,
    work: TrainingWork,
    data: PatchData,
    { sessions, inputShape }: TrainingSessions,
    pace: Pace,
    context: JobContext
  ) {
    const start = findVariant(work.live, recipe.init, key.bits)
    if (start === undefined) {
      throw new StudioError('unreadable', `The run lacks the ${recipe.init} bounds that training starts from.`)
    }
    const rows = boundRows(start.quantizers)
    this.#key = key
    this.#recipe = recipe
    this.#work = work
    this.#data = data
    this.#context = context
    this.#start = start
    this.#distillation = {
      sessions: givingWay(sessions, context),
      inputShape,
      parameters: new ParameterVector(rows.length, recipe.weights),
      levels: Float32Array.from(rows, ({ levels }) => levels),
      zeroPoint: work.live.run.settings.zeroPoint,
      featureWeight: recipe.featureWeight
    }
    this.#validateEvery = validateEvery(recipe.iterations)
    this.#pace = pace
    this.#planned = plannedOf(recipe)
  }

  /**
   * @param progress iterations of all variants, done before and in total
   * @param next what is trained after this
   */
  async run(
    progress: { readonly done: number; readonly total: number },
    next: readonly PlannedTraining[]
  ): Promise<Variant> {
    const { live, control } = this.#work
    const { parameters } = this.#distillation
    const { bits } = this.#key
    const startValues = parameters.pack(
      boundRows(this.#start.quantizers).flatMap(({ lower, upper }) => [lower, upper]),
      this.#recipe.weights
    )
    const phases = this.#recipe.phases(bits, parameters, startValues).map((phase) => holding(this.#start, phase))
    const checkpoint = await live.loadCheckpoint(this.#key)
    const iteration = checkpoint === null ? 0 : checkpoint.before + checkpoint.state.iteration
    // From here on nothing refuses to go on, so that the run is no longer as it was found.
    if (live.run.state !== 'training') await live.setState('training')
    await live.rewindEvents(this.#key, checkpoint === null ? -1 : iteration)
    let standing: Standing = checkpoint ?? (await this.#begin(startValues))
    let trainer = this.#trainer(phases, standing, checkpoint?.state ?? startValues)
    const rest = this.#data.drawn.slice(iteration * this.#recipe.batch)
    let outcome: NonNullable<Variant['training']>['outcome'] = 'finished'
    for await (const batch of readInOrder(this.#data.entries, this.#work.model, rest, this.#recipe.batch)) {
      if (control.isStopped) {
        outcome = 'stopped'
        break
      }
      const step = await trainer.step(batch)
      const done = standing.before + step.iteration
      this.#tell(step, done)
      standing = watched(standing, step)
      if (hasDiverged(standing)) {
        outcome = 'diverged'
        break
      }
      const isLast = done === this.#recipe.iterations
      if (done % this.#validateEvery === 0 || isLast) standing = await this.#validate(done, trainer.values, standing)
      if (step.iteration === phases[standing.phase]?.iterations && !isLast) {
        standing = { ...standing, phase: standing.phase + 1, before: done }
        trainer = this.#trainer(phases, standing, trainer.values)
      }
      if (done % checkpointEvery === 0) await live.saveCheckpoint({ ...standing, state: trainer.state })
      this.#tellPace(done, next)
      const { done: before, total } = progress
      this.#context.emit({ kind: 'progress', phase: 'distillation', done: before + done, total, unit: 'iterations' })
      await this.#context.giveWay()
      // After giving way, so that what broke the job off meanwhile finds all on disk.
      await this.#heed(trainer, standing)
    }
    const variant = this.#outcome(standing, standing.before + trainer.iteration, outcome)
    const tensors = parameters.tensors(standing.bestValues)
    const added = await live.addVariant(variant, tensors)
    this.#comment(variant)
    return added
  }

  /** A trainer for the phase that training stands in, at its begin or where it was left. */
  #trainer(
    phases: readonly TrainerSettings[],
    { phase }: Standing,
    from: TrainingCheckpoint['state'] | Float64Array
  ): Trainer {
    const settings = phases[phase]
    if (settings === undefined) throw new Error(`There is no phase ${phase} of training`)
    return from instanceof Float64Array
      ? Trainer.fresh(this.#distillation, settings, from)
      : new Trainer(this.#distillation, settings, from)
  }

  async #begin(values: Float64Array): Promise<Standing> {
    const best = { iteration: 0, psnr: -Infinity, psnrAtStart: 0 }
    const none = { key: this.#key, phase: 0, before: 0, best, bestValues: values, startLoss: NaN, lastLosses: [] }
    const standing = await this.#validate(0, values, none)
    return { ...standing, best: { ...standing.best, psnrAtStart: standing.best.psnr } }
  }

  /** Validates, which is no part of how fast iterations follow each other. */
  #validate(iteration: number, values: Float64Array, standing: Standing): Promise<Standing> {
    return this.#pace.validating(this.#planned, () => this.#judge(iteration, values, standing))
  }

  async #judge(iteration: number, values: Float64Array, standing: Standing): Promise<Standing> {
    const { validation, validationHr } = this.#data
    const { psnr, loss, pictures, references } = await agreement(this.#distillation, values, validation)
    const [runBatch = 1] = this.#distillation.inputShape
    const share = comparesFeatures(this.#recipe)
      ? await featureShare(this.#distillation, values, validation.slice(0, runBatch))
      : 0
    this.#context.emit({
      kind: 'validation',
      ...this.#key,
      iteration,
      psnr,
      psnrAgainstHr: validationHr === null ? null : meanPsnr(pictures, validationHr),
      featureShare: share,
      preview: await this.#preview(String(iteration).padStart(6, '0'), pictures),
      ...(iteration === 0 && { reference: await this.#preview('reference', references) })
    })
    const startLoss = iteration === 0 ? loss : standing.startLoss
    if (!(psnr > standing.best.psnr)) return { ...standing, startLoss }
    return { ...standing, startLoss, best: { ...standing.best, iteration, psnr }, bestValues: values.slice() }
  }

  /** Writes the middles of what was made of the held-out patches, side by side. */
  async #preview(name: string, pictures: readonly Float32Array[]): Promise<string> {
    const { model, live } = this.#work
    const side = live.run.settings.patchSize * model.scale
    const shown = Math.min(side, previewSide)
    const from = (side - shown) >> 1
    const middles = pictures
      .slice(0, validationPatches)
      .map((picture) => crop(fromTensor(picture, side, side, model.channels), from, from, shown, shown))
    const [first, ...others] = middles
    if (first === undefined) throw new Error('There is no held-out patch')
    const { method, bits } = this.#key
    const strip = quantizeTo8Bit(sheetOf([first, ...others], middles.length))
    return live.addPreview(`${variantFileName(method, bits)}-${name}`, strip)
  }

  #tell({ outputLoss, featureLoss, rateFactor }: TrainingStep, iteration: number): void {
    this.#context.emit({
      kind: 'loss',
      ...this.#key,
      iteration,
      output: finite(outputLoss),
      feature: finite(featureLoss),
      learningRate: this.#recipe.learningRate(this.#key.bits) * rateFactor
    })
  }

  #tellPace(done: number, next: readonly PlannedTraining[]): void {
    const told = this.#pace.tick({ ...this.#planned, done }, next)
    if (told !== null) this.#context.emit({ kind: 'pace', ...told, memoryBytes: process.memoryUsage.rss() })
  }

  /** Does what the user wants: stands still while paused; on abort puts all on disk. */
  async #heed(trainer: Trainer, standing: Standing): Promise<void> {
    const { live, control } = this.#work
    const { signal } = this.#context
    if (!control.isPaused && !signal.aborted) return
    await live.saveCheckpoint({ ...standing, state: trainer.state })
    await live.setState('paused')
    await control.whilePaused(signal)
    if (signal.aborted) {
      const at = `iteration ${standing.before + trainer.iteration} of ${this.#recipe.iterations}`
      const what = `${contestantTitles[this.#key.method]} at ${formatBits(this.#key.bits)} bits`
      throw new TrainingPaused(`Paused ${what} after ${at}; go on with \`2dquant resume ${live.folder}\`.`)
    }
    await live.setState('training')
    this.#pace.restart()
  }

  #outcome(
    { best, bestValues }: Standing,
    iterations: number,
    outcome: NonNullable<Variant['training']>['outcome']
  ): Variant {
    const bounds = studentBounds(this.#distillation, bestValues)
    let row = 0
    const next = (): { readonly lower: number; readonly upper: number } => {
      const [lower = NaN, upper = NaN] = bounds.subarray(2 * row, 2 * row + 2)
      row++
      return { lower, upper }
    }
    const quantizers = this.#start.quantizers.map((quantizer): Quantizer => {
      const { name, kind, bits, channels } = quantizer
      const trained = channels === undefined ? next() : ofChannels(channels.map(next))
      return quantizer.frozen === true ? quantizer : { name, kind, bits, ...trained, search: 'distilled' }
    })
    const { iteration: bestIteration, psnr, psnrAtStart } = best
    return { ...this.#key, quantizers, training: { iterations, bestIteration, psnrAtStart, psnr, outcome } }
  }

  /** Says what a user should know of how training ended. */
  #comment({ training, bits }: Variant): void {
    const { method } = this.#key
    const say = (level: 'info' | 'warning', message: string): void => {
      this.#context.emit({ kind: 'log', level, message })
    }
    const what = `${contestantTitles[method]} at ${formatBits(bits)} bits`
    if (training?.outcome === 'diverged') {
      const when = `diverged in iteration ${training.iterations}`
      say(
        'warning',
        `${what} ${when}; what was best until then (iteration ${training.bestIteration}) is kept. Choose a smaller --learning-rate.`
      )
    }
    if (training?.bestIteration === 0) {
      say('info', `${what} gained nothing over the ${this.#recipe.init} bounds it began with; these are kept.`)
    }
  }
}

/**
 * The settings under which bounds that a user froze stay bit for bit as they are: without a learning rate. Nor are they
 * moved apart, as their range is the one that they begin with.
 */
function holding({ quantizers }: Variant, settings: TrainerSettings): TrainerSettings {
  const frozen = quantizers.flatMap((quantizer) => (quantizer.channels ?? [quantizer]).map(() => quantizer.frozen))
  if (!frozen.includes(true)) return settings
  const learningRates = settings.learningRates.map((rate, i) => (frozen[i >> 1] === true ? 0 : rate))
  return { ...settings, learningRates }
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** Takes note of a step's loss for telling divergence. */
function watched(standing: Standing, { outputLoss, featureLoss }: TrainingStep): Standing {
  return { ...standing, lastLosses: [...standing.lastLosses, outputLoss + featureLoss].slice(-divergenceWindow) }
}

/** Whether a loss is no number, or losses are far above that of the start. */
function hasDiverged({ startLoss, lastLosses }: Standing): boolean {
  const mean = lastLosses.reduce((sum, loss) => sum + loss, 0) / lastLosses.length
  return !Number.isFinite(mean) || (lastLosses.length === divergenceWindow && mean > divergenceFactor * startLoss)
}
