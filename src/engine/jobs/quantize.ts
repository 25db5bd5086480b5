import { basename, resolve } from 'node:path'
import { methodSchema, trains, type BoundsFile, type Quantizer } from '../../contract/bounds'
import type { QuantizeResult } from '../../contract/results'
import type { PictureFolder, PictureKind, QuantizeSettings, RunFile } from '../../contract/run'
import type { JobEvent } from '../../contract/events'
import { dbdcBatch } from '../../core/calibration/dbdc'
import { CountingScratch, Distribution, histogramOf, type Histogram } from '../../core/calibration/histogram'
import { collectStatistics, type Statistics } from '../../core/calibration/statistics'
import { bindInputs, foldConstants } from '../../core/graph/fold'
import type { Graph } from '../../core/graph/graph'
import type { Patch } from '../../core/imaging/patches'
import { sizes, type Model, type ModelOverrides } from '../../core/models/model'
import type { QuantizerSite } from '../../core/quantization/placement'
import { report, warning, withListener, type JobContext } from '../job'
import { expectPatchSize, expectScale, loadModel } from '../model-file'
import { draw, readByPicture } from '../patches'
import { findPictures, fingerprint, type PictureSet } from '../picture-sets'
import { plannedSites } from '../plan'
import { eventLine, expectFreeFolder, settingsDigest, writeRun } from '../run-folder'
import { BoundsSearch } from './bounds-search'
import { LiveCalibration } from './live-calibration'
import { TrainingControl } from '../training/control'
import { expectTrainable, recipeOf, startOf } from '../training/recipe'
import { fewestAtOnce, trainingGraph } from '../training/sessions'
import { tellTrainingTime } from '../training/estimate'
import { summaryOf, trainRun, type TimedVariant } from '../training/train'
import { appVersion } from '../version'

export interface QuantizeConfig {
  readonly model: string
  readonly overrides: ModelOverrides
  readonly scale: number | undefined
  readonly calibration: string
  readonly calibrationKind: PictureKind | undefined
  readonly settings: QuantizeSettings
  /** The run folder to make. */
  readonly out: string
  /** What the run is to be measured on once it is finished, which its run.json then tells. */
  readonly sets?: readonly PictureFolder[] | undefined
  /** Ends once bounds are found; where a method trains, the run waits to be resumed. False when absent. */
  readonly endsWithBounds?: boolean | undefined
  /** Whether the time of training is measured by a few steps and told beforehand. */
  readonly tellsTime: boolean
}

/**
 * Calibrates a network, finds the bounds of all variants from one pass of statistics, and writes the run folder; then trains
 * where a method asks for it. From the moment the folder is there, training can be stopped and resumed.
 */
export async function quantize(
  config: QuantizeConfig,
  context: JobContext,
  control = new TrainingControl()
): Promise<QuantizeResult> {
  const events: JobEvent[] = []
  const recording = withListener(context, (event) => {
    // Rows and histograms would add up.
    if (eventLine(event) !== '') events.push(event)
  })
  const settings = withStarts(config.settings)
  const { sets = [] } = config
  expectTrainable(settings)
  await expectFreeFolder(config.out)
  const { model, file, sha256 } = await loadModel(config.model, config.overrides)
  expectScale(model, basename(file), config.scale)
  expectPatchSize(model, basename(file), settings.patchSize)
  const sites = plannedSites(model, settings.quantizeFirstAndLast, settings.plan)
  expectDifferentiable(model, sites, settings)
  const pictures = await findPictures(config.calibration, model.scale, config.calibrationKind, '--calibration-kind')
  const { patches: count, patchSize: size, seed } = settings
  const drawn = await draw(pictures.entries, model.scale, { count, size, seed })
  if (config.tellsTime) await tellTrainingTime(model, sites, settings, context)

  const searched = await findVariants(model, sites, pictures, drawn, settings, control, recording)
  const isTrained = settings.methods.some(trains)
  const waits = isTrained && config.endsWithBounds === true
  const run: RunFile = {
    schema: 1,
    appVersion,
    state: waits ? 'paused' : isTrained ? 'training' : 'done',
    created: new Date().toISOString(),
    model: {
      file,
      sha256,
      architecture: model.architecture,
      scale: model.scale,
      imageRange: config.overrides.imageRange ?? null,
      residualScale: config.overrides.residualScale ?? null
    },
    calibration: {
      folder: resolve(config.calibration),
      kind: pictures.kind,
      sha256: await fingerprint(pictures),
      pictures: pictures.entries.length
    },
    ...(sets.length > 0 && { sets: sets.map((set) => ({ ...set, folder: resolve(set.folder) })) }),
    settings,
    settingsSha256: settingsDigest(settings),
    runtime: { name: context.runtime.name, version: context.runtime.version, device: context.runtime.device }
  }
  const bounds: BoundsFile = {
    schema: 1,
    model: { file, sha256 },
    variants: searched.variants.map(({ variant }) => variant)
  }
  await writeRun(config.out, { run, bounds, statistics: searched.statistics, events })
  const trained = isTrained && !waits ? await trainRun(config.out, { model, sites, pictures, control }, context) : []
  return {
    run: config.out,
    quantizers: sites.length,
    variants: [...searched.variants, ...trained].map(summaryOf),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024
  }
}

/** Throws a StudioError ('refused') where a method is to train a network that cannot be trained so. */
function expectDifferentiable(
  model: Model,
  sites: readonly QuantizerSite[],
  { methods, distillation, patchSize }: QuantizeSettings
): void {
  if (distillation === null) return
  for (const method of methods.filter(trains)) {
    const recipe = recipeOf(method, model, sites, distillation, patchSize)
    trainingGraph(recipe, model, patchSize, fewestAtOnce(recipe))
  }
}

/** The settings with the methods that training starts from, which stay in the run beside what was trained. */
export function withStarts(settings: QuantizeSettings): QuantizeSettings {
  const { methods, distillation } = settings
  const starts = methods.filter(trains).map((method) => startOf(method, distillation))
  const ordered = methodSchema.options.filter(
    (method) => methods.includes(method) || starts.some((start) => start === method)
  )
  return { ...settings, methods: ordered }
}

/** A tensor that is one value everywhere is quantized without error, but tells of a dead layer or an odd checkpoint. */
function warnOfConstants(sites: readonly QuantizerSite[], statistics: Statistics, context: JobContext): void {
  for (const { name, value } of sites) {
    const histogram = statistics.get(value)
    if (histogram !== undefined && histogram.min === histogram.max) {
      const message = `"${name}" is ${histogram.min} everywhere; its quantizer keeps that value exactly.`
      warning(context)(message)
    }
  }
}

/** Statistics of everything that will be quantized, and the bounds that every method without training finds in them. */
async function findVariants(
  model: Model,
  sites: readonly QuantizerSite[],
  pictures: PictureSet,
  drawn: readonly Patch[],
  settings: QuantizeSettings,
  control: TrainingControl,
  context: JobContext
): Promise<{ readonly statistics: Statistics; readonly variants: readonly TimedVariant[] }> {
  const fixed = new Map([
    [sizes.height, settings.patchSize],
    [sizes.width, settings.patchSize]
  ])
  const graph = foldConstants(bindInputs(model.graph, fixed))
  const usesDbdc = settings.methods.includes('dbdc')
  const total = usesDbdc ? 2 * drawn.length : drawn.length
  const search = new BoundsSearch(model.graph, sites, settings)
  const live = new LiveCalibration(sites, settings, search, () => control.watched, context)
  control.onWatch(live.tellWatched)
  try {
    const statistics = new Map(await countWeights(graph, sites, live, context))
    const activations = sites.filter(({ kind }) => kind === 'activation')
    let shown = 0
    const collect = (part: readonly Patch[]): Promise<Statistics> =>
      collectStatistics(graph, activations, readByPicture(pictures, model, part), context.runtime, async (progress) => {
        if (part === drawn) live.addPatch(progress)
        await report(context, 'statistics', ++shown, total, 'patches')
      })
    for (const [value, histogram] of await collect(drawn)) statistics.set(value, histogram)
    warnOfConstants(sites, statistics, context)
    const distributions = new Map([...statistics].map(([value, histogram]) => [value, new Distribution(histogram)]))
    live.finish(distributions)
    const batches: Statistics[] = []
    for (let from = 0; usesDbdc && from < drawn.length; from += dbdcBatch) {
      batches.push(await collect(drawn.slice(from, from + dbdcBatch)))
    }
    const variants = await searchVariants(sites, { distributions, batches }, settings, search, live, context)
    return { statistics, variants }
  } finally {
    control.onWatch(() => undefined)
  }
}

/** Counts the weights and tells their bounds, before the network is loaded. */
export async function countWeights(
  graph: Graph,
  sites: readonly QuantizerSite[],
  live: LiveCalibration,
  { signal, giveWay }: JobContext
): Promise<Statistics> {
  const statistics = new Map<string, Histogram>()
  const scratch = new CountingScratch()
  let last = performance.now()
  for (const { kind, value } of sites) {
    const weight = graph.initializers.get(value)
    if (kind !== 'weight' || weight?.type !== 'float32' || statistics.has(value)) continue
    const histogram = histogramOf(weight.data, scratch)
    statistics.set(value, histogram)
    live.addWeight(value, new Distribution(histogram))
    if (performance.now() - last < longestHold) continue
    await giveWay()
    signal.throwIfAborted()
    last = performance.now()
  }
  live.begin()
  await giveWay()
  return statistics
}

/** Milliseconds that a search holds the thread at most before it gives way. */
const longestHold = 30

/** What bounds are searched in. */
interface SearchedStatistics {
  readonly distributions: ReadonlyMap<string, Distribution>
  /** For DBDC, what each batch of patches showed. */
  readonly batches: readonly Statistics[]
}

/** The quantizers of every variant without training. */
async function searchVariants(
  sites: readonly QuantizerSite[],
  { distributions, batches }: SearchedStatistics,
  { methods, bits: widths }: QuantizeSettings,
  search: BoundsSearch,
  live: LiveCalibration,
  context: JobContext
): Promise<readonly TimedVariant[]> {
  const searched = methods.filter((method) => !trains(method))
  const variants: TimedVariant[] = []
  for (const method of searched) {
    for (const bits of widths) {
      const quantizers: Quantizer[] = []
      let [milliseconds, began] = [0, performance.now()]
      for (const site of sites) {
        const distribution = distributions.get(site.value)
        if (distribution === undefined) throw new Error(`There are no statistics of "${site.value}"`)
        const quantizer = search.find(site, distribution, method, bits, batches)
        quantizers.push(quantizer)
        if (live.shows(method, bits)) live.addFound(quantizer, distribution)
        if (performance.now() - began < longestHold) continue
        milliseconds += performance.now() - began
        await context.giveWay()
        context.signal.throwIfAborted()
        began = performance.now()
      }
      if (live.shows(method, bits)) live.end()
      milliseconds += performance.now() - began
      variants.push({ variant: { method, bits, quantizers }, seconds: milliseconds / 1000 })
      await report(context, 'search', variants.length, searched.length * widths.length, 'variants')
    }
  }
  return variants
}
