import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import type { BoundsFile, Method, Quantizer, Variant } from '../../contract/bounds'
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
import { toRgb, toTensor } from '../../core/imaging/image'
import { toGrey } from '../../core/imaging/ycbcr'
import { cutPatch, drawPatches, type Patch } from '../../core/imaging/patches'
import { sizes, type Model, type ModelOverrides } from '../../core/models/model'
import type { QuantizerSite } from '../../core/quantization/placement'
import { report, type JobContext } from '../job'
import { expectScale, loadModel, sha256OfFile } from '../model-file'
import { findPictures, lowResolutionSize, readPair, type PictureSet } from '../picture-sets'
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
  const drawn = await drawCalibration(pictures, model, settings)

  const fixed = new Map([
    [sizes.height, settings.patchSize],
    [sizes.width, settings.patchSize]
  ])
  const graph = foldConstants(bindInputs(model.graph, fixed))
  const patches = readPatches(pictures, model, drawn)
  const statistics = await collectStatistics(graph, sites, patches, context.runtime, ({ patchesDone }) => {
    report(recording, 'statistics', patchesDone, drawn.length, 'patches')
  })
  warnOfConstants(sites, statistics, recording)
  const timed = findVariants(sites, statistics, settings, recording)

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

/** Draws the calibration patches. Only the pictures' headers are read for that. */
async function drawCalibration(
  pictures: PictureSet,
  model: Model,
  { patches, patchSize, seed }: QuantizeSettings
): Promise<readonly Patch[]> {
  const measured = await Promise.all(
    pictures.entries.map(async (entry) => ({ name: entry.name, ...(await lowResolutionSize(entry, model.scale)) }))
  )
  return drawPatches(measured, { size: patchSize, count: patches, seed })
}

/** The patches as the network takes them, picture by picture, so that one picture at a time is in memory. */
async function* readPatches(pictures: PictureSet, model: Model, drawn: readonly Patch[]): AsyncGenerator<Float32Array> {
  for (const [i, entry] of pictures.entries.entries()) {
    const wanted = drawn.filter(({ picture }) => picture === i)
    if (wanted.length === 0) continue
    const { lr } = await readPair(entry, model.scale)
    const fitting = model.channels === 3 ? toRgb(lr) : toGrey(lr)
    for (const patch of wanted) yield toTensor(cutPatch(fitting, patch))
  }
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

/** Bounds of every method at all bits, with the seconds each search took. */
function findVariants(
  sites: readonly QuantizerSite[],
  statistics: Statistics,
  settings: QuantizeSettings,
  context: JobContext
): readonly { readonly variant: Variant; readonly seconds: number }[] {
  const distributions = new Map([...statistics].map(([value, histogram]) => [value, new Distribution(histogram)]))
  const wanted = settings.methods.flatMap((method) => settings.bits.map((bits) => ({ method, bits })))
  return wanted.map(({ method, bits }, done) => {
    const started = performance.now()
    // q, k and v read one tensor: what was found for it at certain bits holds for all of them.
    const found = new Map<string, Pick<Quantizer, 'lower' | 'upper' | 'search'>>()
    const quantizers = sites.map((site): Quantizer => {
      const siteBits = plannedBits(site, bits, settings.plan)
      const distribution = distributions.get(site.value)
      if (distribution === undefined) throw new Error(`There are no statistics of "${site.value}"`)
      const key = `${site.value} ${siteBits}`
      const bounds = found.get(key) ?? apart(findBounds(distribution, siteBits, method, settings))
      found.set(key, bounds)
      return { name: site.name, kind: site.kind, bits: siteBits, ...bounds }
    })
    report(context, 'search', done + 1, wanted.length, 'variants')
    return { variant: { method, bits, quantizers }, seconds: (performance.now() - started) / 1000 }
  })
}

function findBounds(
  distribution: Distribution,
  bits: number,
  method: Method,
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
