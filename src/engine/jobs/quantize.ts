import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import type { Bits, BoundsFile, CalibrationMethod, Quantizer, Variant } from '../../contract/bounds'
import type { QuantizeResult } from '../../contract/results'
import type { PictureKind, QuantizeSettings, RunFile } from '../../contract/run'
import type { JobEvent } from '../../contract/events'
import { searchBounds } from '../../core/calibration/dobi'
import { Distribution } from '../../core/calibration/histogram'
import { minmaxBounds } from '../../core/calibration/minmax'
import { percentileBounds } from '../../core/calibration/percentile'
import { collectStatistics, type Statistics } from '../../core/calibration/statistics'
import { assertNever, StudioError } from '../../core/errors'
import { bindInputs, foldConstants } from '../../core/graph/fold'
import { sizes, type Model, type ModelOverrides } from '../../core/models/model'
import type { QuantizerSite } from '../../core/quantization/placement'
import { trainVariants } from '../distillation'
import { report, type JobContext } from '../job'
import { expectScale, loadModel, sha256OfFile } from '../model-file'
import { draw, readByPicture } from '../patches'
import { findPictures, type PictureSet } from '../picture-sets'
import { plannedBits, plannedSites } from '../plan'
import { expectFreeFolder, writeRun } from '../run-folder'
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
}

/** Calibrates a network, finds the bounds of all variants from one pass of statistics, and writes the run folder. */
export async function quantize(config: QuantizeConfig, context: JobContext): Promise<QuantizeResult> {
  const events: JobEvent[] = []
  const recording: JobContext = {
    ...context,
    emit: (event) => {
      events.push(event)
      context.emit(event)
    }
  }
  const { settings } = config
  await expectFreeFolder(config.out)
  const { model, file, sha256 } = await loadModel(config.model, config.overrides)
  expectScale(model, basename(file), config.scale)
  expectPatchSize(model, basename(file), settings.patchSize)
  const sites = plannedSites(model, settings.quantizeFirstAndLast, settings.plan)
  const pictures = await findPictures(config.calibration, model.scale, config.calibrationKind, '--calibration-kind')
  const { patches: count, patchSize: size, seed } = settings
  const drawn = await draw(pictures.entries, model.scale, { count, size, seed })

  const fixed = new Map([
    [sizes.height, settings.patchSize],
    [sizes.width, settings.patchSize]
  ])
  const graph = foldConstants(bindInputs(model.graph, fixed))
  const patches = readByPicture(pictures, model, drawn)
  const statistics = await collectStatistics(graph, sites, patches, context.runtime, ({ patchesDone }) => {
    report(recording, 'statistics', patchesDone, drawn.length, 'patches')
  })
  warnOfConstants(sites, statistics, recording)
  const timed = await findVariants(model, sites, pictures, statistics, settings, recording)

  const run: RunFile = {
    schema: 1,
    appVersion,
    state: 'done',
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
    runtime: { name: context.runtime.name, version: context.runtime.version, device: context.runtime.device }
  }
  const bounds: BoundsFile = {
    schema: 1,
    model: { file, sha256 },
    variants: timed.map(({ variant }) => variant)
  }
  await writeRun(config.out, { run, bounds, statistics, events })
  return {
    run: config.out,
    quantizers: sites.length,
    variants: timed.map(({ variant: { method, bits }, seconds }) => ({ method, bits, seconds })),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024
  }
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

/** A variant, and the seconds it took. */
interface TimedVariant {
  readonly variant: Variant
  readonly seconds: number
}

/** Bounds of every method at all bits, in the order of the settings. */
async function findVariants(
  model: Model,
  sites: readonly QuantizerSite[],
  pictures: PictureSet,
  statistics: Statistics,
  settings: QuantizeSettings,
  context: JobContext
): Promise<readonly TimedVariant[]> {
  const distributions = new Map([...statistics].map(([value, histogram]) => [value, new Distribution(histogram)]))
  const search = (method: CalibrationMethod, bits: Bits): TimedVariant => {
    const started = performance.now()
    const quantizers = searchAll(sites, distributions, method, bits, settings)
    return { variant: { method, bits, quantizers }, seconds: (performance.now() - started) / 1000 }
  }
  const { bits: widths, methods, distillation } = settings
  const searched = methods.filter((method) => method !== '2dquant')
  const found: TimedVariant[] = []
  for (const method of searched) {
    for (const bits of widths) {
      found.push(search(method, bits))
      report(context, 'search', found.length, searched.length * widths.length, 'variants')
    }
  }
  if (methods.includes('2dquant') && distillation !== null) {
    const starts = widths.map((bits) => {
      const known = found.find(({ variant }) => variant.method === distillation.init && variant.bits === bits)
      return (known ?? search(distillation.init, bits)).variant
    })
    found.push(...(await trainVariants(model, sites, pictures, starts, settings, distillation, context)))
  }
  return found
}

function searchAll(
  sites: readonly QuantizerSite[],
  distributions: ReadonlyMap<string, Distribution>,
  method: CalibrationMethod,
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
  method: CalibrationMethod,
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

/** SHA-256 over the digests of all pictures, in the order of the set. */
async function fingerprint({ entries }: PictureSet): Promise<string> {
  const hash = createHash('sha256')
  for (const { hr, lr } of entries) {
    for (const path of [hr, lr]) if (path !== null) hash.update(await sha256OfFile(path))
  }
  return hash.digest('hex')
}
