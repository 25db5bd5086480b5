import { basename, resolve } from 'node:path'
import {
  methodSchema,
  trains,
  type Bits,
  type BoundsFile,
  type CalibrationMethod,
  type Quantizer
} from '../../contract/bounds'
import type { QuantizeResult } from '../../contract/results'
import type { PictureKind, QuantizeSettings, RunFile } from '../../contract/run'
import type { JobEvent } from '../../contract/events'
import { channelExtremes, dbdcBatch, dbdcBounds } from '../../core/calibration/dbdc'
import { searchBounds } from '../../core/calibration/dobi'
import { Distribution } from '../../core/calibration/histogram'
import { minmaxBounds } from '../../core/calibration/minmax'
import { percentileBounds } from '../../core/calibration/percentile'
import { collectStatistics, type Statistics } from '../../core/calibration/statistics'
import { assertNever, StudioError } from '../../core/errors'
import { bindInputs, foldConstants } from '../../core/graph/fold'
import type { Patch } from '../../core/imaging/patches'
import { sizes, type Model, type ModelOverrides } from '../../core/models/model'
import { perChannel, type QuantizerSite } from '../../core/quantization/placement'
import { report, withListener, type JobContext } from '../job'
import { expectScale, loadModel } from '../model-file'
import { draw, readByPicture } from '../patches'
import { findPictures, fingerprint, type PictureSet } from '../picture-sets'
import { ofChannels, plannedBits, plannedSites } from '../plan'
import { expectFreeFolder, settingsDigest, writeRun } from '../run-folder'
import { liveHistogram } from './live-histogram'
import { TrainingControl } from '../training/control'
import { startOf } from '../training/recipe'
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
    events.push(event)
  })
  const settings = withStarts(config.settings)
  await expectFreeFolder(config.out)
  const { model, file, sha256 } = await loadModel(config.model, config.overrides)
  expectScale(model, basename(file), config.scale)
  expectPatchSize(model, basename(file), settings.patchSize)
  const sites = plannedSites(model, settings.quantizeFirstAndLast, settings.plan)
  const pictures = await findPictures(config.calibration, model.scale, config.calibrationKind, '--calibration-kind')
  const { patches: count, patchSize: size, seed } = settings
  const drawn = await draw(pictures.entries, model.scale, { count, size, seed })
  if (config.tellsTime) await tellTrainingTime(model, sites, settings, context)

  const searched = await findVariants(model, sites, pictures, drawn, settings, recording)
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

/** The settings with the methods that training starts from, which stay in the run beside what was trained. */
function withStarts(settings: QuantizeSettings): QuantizeSettings {
  const { methods, distillation } = settings
  const starts = methods.filter(trains).map((method) => startOf(method, distillation))
  const ordered = methodSchema.options.filter(
    (method) => methods.includes(method) || starts.some((start) => start === method)
  )
  return { ...settings, methods: ordered }
}

/** Throws a StudioError for patches that are not of the only size a network takes. */
function expectPatchSize({ fixedSize }: Model, name: string, patchSize: number): void {
  if (fixedSize === null || fixedSize === patchSize) return
  const what = `"${name}" takes pictures of ${fixedSize}×${fixedSize} only, not patches of ${patchSize}×${patchSize}`
  throw new StudioError('refused', `${what}; give --patch-size ${fixedSize}.`)
}

/** A tensor that is one value everywhere is quantized without error, but tells of a dead layer or an odd checkpoint. */
function warnOfConstants(sites: readonly QuantizerSite[], statistics: Statistics, { emit }: JobContext): void {
  for (const { name, value } of sites) {
    const histogram = statistics.get(value)
    if (histogram !== undefined && histogram.min === histogram.max) {
      const message = `"${name}" is ${histogram.min} everywhere; its quantizer keeps that value exactly.`
      emit({ kind: 'log', level: 'warning', message })
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
  context: JobContext
): Promise<{ readonly statistics: Statistics; readonly variants: readonly TimedVariant[] }> {
  const fixed = new Map([
    [sizes.height, settings.patchSize],
    [sizes.width, settings.patchSize]
  ])
  const graph = foldConstants(bindInputs(model.graph, fixed))
  const { methods, bits: widths } = settings
  const usesDbdc = methods.includes('dbdc')
  const total = usesDbdc ? 2 * drawn.length : drawn.length
  let shown = 0
  const live = liveHistogram(sites, settings, context.emit)
  const collect = (part: readonly Patch[]): Promise<Statistics> =>
    collectStatistics(graph, sites, readByPicture(pictures, model, part), context.runtime, async (progress) => {
      if (part === drawn) live(progress)
      await report(context, 'statistics', ++shown, total, 'patches')
    })
  const statistics = await collect(drawn)
  warnOfConstants(sites, statistics, context)
  const distributions = new Map([...statistics].map(([value, histogram]) => [value, new Distribution(histogram)]))
  const batches: Statistics[] = []
  for (let from = 0; usesDbdc && from < drawn.length; from += dbdcBatch) {
    batches.push(await collect(drawn.slice(from, from + dbdcBatch)))
  }
  const search = (method: CalibrationMethod, bits: Bits): Quantizer[] =>
    method === 'dbdc'
      ? dbdcQuantizers(model, sites, batches, bits, settings)
      : searchAll(sites, distributions, method, bits, settings)
  const searched = methods.filter((method) => !trains(method))
  const variants: TimedVariant[] = []
  for (const method of searched) {
    for (const bits of widths) {
      const started = performance.now()
      const quantizers = search(method, bits)
      variants.push({ variant: { method, bits, quantizers }, seconds: (performance.now() - started) / 1000 })
      await report(context, 'search', variants.length, searched.length * widths.length, 'variants')
    }
  }
  return { statistics, variants }
}

/** DBDC's bounds of activations, and the extremes of every channel of the weights. */
function dbdcQuantizers(
  model: Model,
  sites: readonly QuantizerSite[],
  batches: readonly Statistics[],
  bits: Bits,
  settings: QuantizeSettings
): Quantizer[] {
  return perChannel(model.graph, sites).map((site): Quantizer => {
    const siteBits = plannedBits(site, bits, settings.plan)
    const common = { name: site.name, kind: site.kind, bits: siteBits, search: 'dbdc' as const }
    const weight = model.graph.initializers.get(site.value)
    if (site.channels === undefined || weight?.type !== 'float32') {
      const histograms = batches.flatMap((statistics) => statistics.get(site.value) ?? [])
      return { ...common, ...apart(dbdcBounds(histograms, siteBits)) }
    }
    return { ...common, ...ofChannels(channelExtremes(weight, site.channels.axis).map(apart)) }
  })
}

/** Methods that need one histogram of each tensor. */
type HistogramMethod = Exclude<CalibrationMethod, 'dbdc'>

function searchAll(
  sites: readonly QuantizerSite[],
  distributions: ReadonlyMap<string, Distribution>,
  method: HistogramMethod,
  bits: Bits,
  settings: QuantizeSettings
): Quantizer[] {
  // q, k and v read one tensor: what was found for it at certain bits holds for all of them.
  const found = new Map<string, Pick<Quantizer, 'lower' | 'upper' | 'search'>>()
  return sites.map((site): Quantizer => {
    const siteBits = plannedBits(site, bits, settings.plan)
    const distribution = distributions.get(site.value)
    if (distribution === undefined) throw new Error(`There are no statistics of "${site.value}"`)
    const key = `${site.value} ${siteBits}`
    const bounds = found.get(key) ?? apart(findBounds(distribution, siteBits, method, settings))
    found.set(key, bounds)
    return { name: site.name, kind: site.kind, bits: siteBits, ...bounds }
  })
}

function findBounds(
  distribution: Distribution,
  bits: number,
  method: HistogramMethod,
  { percentile, search, searchSteps }: QuantizeSettings
): Pick<Quantizer, 'lower' | 'upper' | 'search'> {
  switch (method) {
    case 'minmax':
      return { ...minmaxBounds(distribution), search: 'minmax' }
    case 'percentile':
      return { ...percentileBounds(distribution, percentile), search: 'percentile' }
    case 'dobi': {
      const { lower, upper, search: taken } = searchBounds(distribution, bits, search, searchSteps)
      return { lower, upper, search: taken }
    }
    default:
      return assertNever(method)
  }
}

/** Bounds in float32 with upper > lower, without which there is no step; the quantizer then keeps the lower value. */
function apart<T extends { readonly lower: number; readonly upper: number }>(bounds: T): T {
  const lower = Math.fround(bounds.lower)
  const upper = Math.fround(bounds.upper)
  const least = Math.fround(lower + Math.max(Math.abs(lower) * 2 ** -16, 2 ** -100))
  return { ...bounds, lower, upper: upper > lower ? upper : least }
}
