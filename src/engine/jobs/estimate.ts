import { mkdtemp, rm, stat } from 'node:fs/promises'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import { trains } from '../../contract/bounds'
import type { QuantizeRequest } from '../../contract/jobs'
import type { Estimate } from '../../contract/preparation'
import type { QuantizeSettings } from '../../contract/run'
import { dbdcBatch } from '../../core/calibration/dbdc'
import { Distribution } from '../../core/calibration/histogram'
import { collectStatistics } from '../../core/calibration/statistics'
import { estimateMemory } from '../../core/evaluation/memory'
import { psnr } from '../../core/evaluation/psnr'
import { ssim } from '../../core/evaluation/ssim'
import { bindInputs, foldConstants } from '../../core/graph/fold'
import { crop, quantizeTo8Bit, toRgb, type Image } from '../../core/imaging/image'
import { imresize } from '../../core/imaging/imresize'
import type { Patch } from '../../core/imaging/patches'
import { paddedSize, sizes, type Model } from '../../core/models/model'
import { lowerQuantizers } from '../../core/quantization/lowering'
import { placeQuantizers, type QuantizerSite } from '../../core/quantization/placement'
import { writeImage } from '../../formats/image-files'
import type { JobContext } from '../job'
import { loadModel, overridesOfRun, sha256OfFile } from '../model-file'
import { draw, mostPictures, readByPicture } from '../patches'
import { findPictures, lowResolutionSize, readPair, type PictureEntry, type PictureSet } from '../picture-sets'
import { plannedSites, quantizerFeeds } from '../plan'
import { packStatistics } from '../run-folder'
import { superResolver, type SuperResolver } from '../super-resolver'
import { iterationSeconds, measureTraining, secondsSince } from '../training/cost'
import { validateEvery } from '../training/pace'
import { expectTrainable, recipeOf, type Recipe } from '../training/recipe'
import { comparesFeatures, splitPictures, validationCount } from '../training/train'
import { BoundsSearch } from './bounds-search'
import { LiveCalibration } from './live-calibration'
import { countWeights, withStarts } from './quantize'

/** Pictures that are read, patches that are counted and quantizers that are searched, to measure what one takes. */
const sampled = { pictures: 3, patches: 4, quantizers: 12 }

/** Patches of a training that are drawn; the others are taken to be like the last of them. */
const mostDrawn = 100_000

/** Seconds that enlarging a piece of a picture takes before larger pieces need not be tried. */
const longEnlargement = 0.6

/** Pixels across the first piece. */
const firstPiece = 48

/** What is known once the model and the pictures are found. */
interface Plan {
  readonly model: Model
  readonly sites: readonly QuantizerSite[]
  readonly settings: QuantizeSettings
  readonly pictures: PictureSet
  /** Low-resolution pixels of the pictures, and the seconds that reading takes for each. */
  readonly pixels: readonly number[]
  readonly readingPixel: number
  readonly context: JobContext
}

/**
 * What a run would take on this machine: a few steps of each kind are taken and counted up. Gives way between the steps, and
 * ends once the signal of the context is aborted.
 *
 * @param memoryCap bytes that the values of a network may take; null takes half of what is free
 * @throws StudioError where the run would, for reasons that are known before its first step
 */
export async function estimate(
  { model: file, overrides = {}, calibration, settings: asked, sets = [] }: QuantizeRequest,
  memoryCap: number | null,
  context: JobContext
): Promise<Estimate> {
  const freeBytes = freemem()
  const settings = withStarts(asked)
  expectTrainable(settings)
  const began = performance.now()
  const { imageRange = null, residualScale = null } = overrides
  const { model } = await loadModel(file, overridesOfRun({ imageRange, residualScale }))
  const loading = secondsSince(began)
  const sites = plannedSites(model, settings.quantizeFirstAndLast, settings.plan)
  const pictures = await findPictures(calibration.folder, model.scale, calibration.kind, '--calibration-kind')
  const { pixels, perPixel } = await measureReading(pictures.entries, model.scale, context)
  const plan: Plan = { model, sites, settings, pictures, pixels, readingPixel: perPixel, context }

  const calibrating = await calibrationCost(plan)
  const distilling = await distillationCost(plan)
  const found = await Promise.all(sets.map(({ folder, kind }) => findPictures(folder, model.scale, kind, '--set-kind')))
  const evaluating = await evaluationCost(plan, found, memoryCap ?? freeBytes / 2)
  return {
    seconds: {
      calibration: loading + calibrating.seconds,
      distillation: distilling.seconds,
      evaluation: evaluating.seconds + (evaluating.seconds > 0 ? loading : 0)
    },
    memoryBytes: Math.max(calibrating.memoryBytes, distilling.memoryBytes, evaluating.memoryBytes),
    freeBytes
  }
}

/** What a part of a run takes. */
interface Cost {
  readonly seconds: number
  /** Bytes that the engine holds at the worst moment. */
  readonly memoryBytes: number
}

/** Lets others go between two steps, and ends where nobody waits any more. */
async function breathe({ giveWay, signal }: JobContext): Promise<void> {
  await giveWay()
  signal.throwIfAborted()
}

/** Evenly spaced items. */
function sampleOf<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)] as T)
}

const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

/** Low-resolution pixels of pictures, from their headers, and the seconds that reading takes for each of them. */
async function measureReading(
  entries: readonly PictureEntry[],
  scale: number,
  context: JobContext
): Promise<{ readonly pixels: readonly number[]; readonly perPixel: number }> {
  const pixels = await Promise.all(
    entries.map(async (entry) => {
      const { width, height } = await lowResolutionSize(entry, scale)
      return width * height
    })
  )
  let [seconds, read] = [0, 0]
  for (const entry of sampleOf(entries, sampled.pictures)) {
    await breathe(context)
    const began = performance.now()
    const { lr } = await readPair(entry, scale)
    seconds += secondsSince(began)
    read += lr.width * lr.height
  }
  return { pixels, perPixel: seconds / read }
}

/** Seconds of reading the pictures that some patches lie in, each once. */
function readingOnce({ pixels, readingPixel }: Plan, drawn: readonly Patch[]): number {
  return readingPixel * total([...new Set(drawn.map(({ picture }) => picture))].map((i) => pixels[i] ?? 0))
}

/** Seconds of reading patches in the order of their drawing, where the last pictures are kept. */
function readingInOrder(
  { readingPixel }: Plan,
  pixels: readonly number[],
  drawn: readonly Pick<Patch, 'picture'>[]
): number {
  const kept = new Set<number>()
  let read = 0
  for (const { picture } of drawn) {
    if (!kept.delete(picture)) read += pixels[picture] ?? 0
    kept.add(picture)
    const [oldest] = kept
    if (kept.size > mostPictures && oldest !== undefined) kept.delete(oldest)
  }
  return read * readingPixel
}

/** Statistics of all patches, the searches of all methods, and the run folder. */
async function calibrationCost(plan: Plan): Promise<Cost> {
  const { model, sites, settings, pictures, context } = plan
  const { patches: count, patchSize: size, seed, bits: widths } = settings
  const drawn = await draw(pictures.entries, model.scale, { count, size, seed })
  const shown: Float32Array[] = []
  for await (const patch of readByPicture(pictures, model, drawn.slice(0, sampled.patches))) shown.push(patch)
  await breathe(context)

  const silent: JobContext = { ...context, emit: () => undefined }
  let began = performance.now()
  const fixed = new Map([
    [sizes.height, size],
    [sizes.width, size]
  ])
  const graph = foldConstants(bindInputs(model.graph, fixed))
  const search = new BoundsSearch(model.graph, sites, settings)
  const live = new LiveCalibration(sites, settings, search, () => null, silent)
  const weights = await countWeights(graph, sites, live, silent)
  let seconds = secondsSince(began)

  const activations = sites.filter(({ kind }) => kind === 'activation')
  const times: number[] = []
  let memoryBytes = 0
  began = performance.now()
  const counted = await collectStatistics(graph, activations, shown, context.runtime, async (progress) => {
    live.addPatch(progress)
    times.push(secondsSince(began))
    memoryBytes = Math.max(memoryBytes, process.memoryUsage.rss())
    await breathe(context)
    began = performance.now()
  })
  const [first = 0, ...others] = times
  // The first patch has the network loaded, and is shown twice.
  const each = others.length === 0 ? first / 2 : total(others) / others.length
  const collecting = (patches: number): number => first + Math.max(0, patches - 1) * each
  seconds += collecting(count) + readingOnce(plan, drawn)
  const batches = Math.ceil(count / dbdcBatch)
  if (settings.methods.includes('dbdc')) {
    for (let from = 0; from < count; from += dbdcBatch) {
      const part = drawn.slice(from, from + dbdcBatch)
      seconds += collecting(part.length) + readingOnce(plan, part)
    }
  }

  const statistics = new Map([...weights, ...counted])
  const values = [...new Map(sites.map((site) => [site.value, site])).values()]
  const searched = sampleOf(values, sampled.quantizers)
  for (const method of settings.methods.filter((each) => !trains(each))) {
    for (const bits of widths) {
      const fresh = new BoundsSearch(model.graph, sites, settings)
      let taken = 0
      for (const site of searched) {
        const histogram = statistics.get(site.value)
        if (histogram === undefined) continue
        await breathe(context)
        began = performance.now()
        const distribution = new Distribution(histogram)
        const several = Array.from({ length: method === 'dbdc' ? batches : 1 }, () => statistics)
        fresh.find(site, distribution, method, bits, several)
        taken += secondsSince(began)
      }
      seconds += (taken * values.length) / searched.length
    }
  }
  await breathe(context)
  began = performance.now()
  packStatistics(statistics)
  seconds += secondsSince(began)
  return { seconds: seconds + (await fingerprintCost(pictures, context)), memoryBytes }
}

/** Seconds of taking the digest of all picture files. */
async function fingerprintCost({ entries }: PictureSet, context: JobContext): Promise<number> {
  const files = entries.flatMap(({ hr, lr }) => [hr, lr]).filter((path) => path !== null)
  const bytes = await Promise.all(files.map(async (path) => (await stat(path)).size))
  let [seconds, read] = [0, 0]
  for (const path of sampleOf(files, sampled.pictures)) {
    await breathe(context)
    const began = performance.now()
    await sha256OfFile(path)
    seconds += secondsSince(began)
    read += (await stat(path)).size
  }
  return (seconds * total(bytes)) / read
}

/** The training of all variants. */
async function distillationCost(plan: Plan): Promise<Cost> {
  const { model, sites, settings, pictures, context } = plan
  const { methods, distillation, patchSize, bits: widths } = settings
  let cost: Cost = { seconds: 0, memoryBytes: 0 }
  if (distillation === null) return cost
  for (const method of methods.filter(trains)) {
    const recipe = recipeOf(method, model, sites, distillation, patchSize)
    await breathe(context)
    const measured = await measureTraining(recipe, model, patchSize, context)
    const held = validationCount(recipe)
    const rounds = Math.ceil(held / measured.patches) + (comparesFeatures(recipe) ? 2 : 0)
    const validations = 1 + Math.ceil(recipe.iterations / validateEvery(recipe.iterations))
    const variant = recipe.iterations * iterationSeconds(measured, recipe.batch) + validations * rounds * measured.round
    const reading = await trainingReading(plan, pictures, recipe)
    const seconds = measured.load + reading.once + widths.length * (variant + reading.ofVariant)
    cost = {
      seconds: cost.seconds + seconds,
      memoryBytes: Math.max(cost.memoryBytes, measured.memoryBytes)
    }
  }
  return cost
}

/** Seconds of reading held-out patches, once, and those of every variant's training. */
async function trainingReading(
  plan: Plan,
  { entries }: PictureSet,
  recipe: Recipe
): Promise<{ readonly once: number; readonly ofVariant: number }> {
  const { model, settings, pixels, readingPixel } = plan
  const { patchSize: size, seed } = settings
  const [trained, heldOut] = splitPictures(entries)
  const count = recipe.iterations * recipe.batch
  const drawn = await draw(trained, model.scale, { count: Math.min(count, mostDrawn), size, seed: seed + 1 })
  const seconds = readingInOrder(plan, pixels, drawn)
  // In the first half pictures are read for the first time.
  const half = drawn.length >> 1
  const each = (seconds - readingInOrder(plan, pixels, drawn.slice(0, half))) / (drawn.length - half)
  const heldPixels = heldOut === entries ? pixels : pixels.slice(trained.length)
  return {
    once: (validationCount(recipe) * total(heldPixels) * readingPixel) / heldPixels.length,
    ofVariant: seconds + (count - drawn.length) * each
  }
}

/** Enlarging all pictures by full precision, bicubic interpolation and every variant, and comparing and writing them. */
async function evaluationCost(plan: Plan, sets: readonly PictureSet[], memoryCap: number): Promise<Cost> {
  const { model, sites, settings, context } = plan
  const entries = sets.flatMap((set) => set.entries)
  if (entries.length === 0) return { seconds: 0, memoryBytes: 0 }
  const { scale } = model
  const { perPixel } = await measureReading(entries, scale, context)
  const all = await Promise.all(entries.map((entry) => lowResolutionSize(entry, scale)))
  const middle = [...all.keys()].toSorted((a, b) => areaOf(all[a]) - areaOf(all[b]))[all.length >> 1] ?? 0
  const entry = entries[middle]
  if (entry === undefined) throw new Error('There is no picture')
  const { lr, hr } = await readPair(entry, scale)

  const feeds = quantizerFeeds(sites.map(() => ({ lower: -1, upper: 1, bits: 4 })))
  const fp = await measureEnlarging(plan, lr, model.graph, new Map(), memoryCap)
  const quantized = await measureEnlarging(
    plan,
    lr,
    lowerQuantizers(placeQuantizers(model.graph, sites)),
    feeds,
    memoryCap
  )
  const ofPixel = await measureComparing(fp.enlarged, fp.piece, scale, context)

  const variants = settings.methods.length * settings.bits.length
  const own = settings.methods.filter((method) => method === '2dquant+').length * settings.bits.length
  const channels = settings.methods.some((method) => method.startsWith('dbdc')) ? 1 : 0
  const others = settings.methods.some((method) => method !== '2dquant+' && !method.startsWith('dbdc')) ? 1 : 0
  let seconds = fp.load + (own + channels + others) * quantized.load
  for (const { width, height } of all) {
    const pixels = width * height
    const enlarged = fp.computedPixels(width, height)
    // Bicubic interpolation is measured on its own, and reads the pictures again.
    seconds += 2 * pixels * perPixel + enlarged * (fp.perPixel + variants * quantized.perPixel)
    const compared = (hr === null ? 0 : variants + 2) + variants
    const written = variants + 2 + (hr === null ? 0 : 1)
    seconds += pixels * (ofPixel.bicubic + compared * ofPixel.comparing + written * ofPixel.writing)
  }
  const memory = estimateMemory(model.graph)
  const peak = (size: { readonly width: number; readonly height: number }): number =>
    Math.min(memoryCap, memory.peakBytes(paddedSize(model, size.width), paddedSize(model, size.height)))
  const most = Math.max(...all.map(peak))
  return { seconds, memoryBytes: quantized.memoryBytes + Math.max(0, most - peak(fp.piece)) }
}

function areaOf(size: { readonly width: number; readonly height: number } | undefined): number {
  return size === undefined ? 0 : size.width * size.height
}

/** What enlarging takes, and what it made of a piece of a picture. */
interface Enlarging {
  readonly load: number
  /** Seconds for each pixel that the network is shown. */
  readonly perPixel: number
  readonly computedPixels: SuperResolver['computedPixels']
  readonly piece: Image
  readonly enlarged: Image
  readonly memoryBytes: number
}

/** Enlarges ever larger pieces of a picture, until one takes long enough to tell what the whole would. */
async function measureEnlarging(
  { model, context }: Plan,
  picture: Image,
  graph: Model['graph'],
  feeds: ReturnType<typeof quantizerFeeds>,
  memoryCap: number
): Promise<Enlarging> {
  await breathe(context)
  let began = performance.now()
  const session = await context.runtime.load(graph)
  const load = secondsSince(began)
  try {
    const resolver = superResolver(session, model, memoryCap)
    for (let side = model.fixedSize ?? firstPiece; ; side *= 2) {
      const [width, height] = [Math.min(side, picture.width), Math.min(side, picture.height)]
      const piece = crop(picture, 0, 0, width, height)
      await breathe(context)
      began = performance.now()
      const enlarged = await resolver.enlarge(piece, feeds)
      const seconds = secondsSince(began)
      const isWhole = width === picture.width && height === picture.height
      if (!isWhole && seconds < longEnlargement) continue
      const { computedPixels } = resolver
      const memoryBytes = process.memoryUsage.rss()
      return { load, perPixel: seconds / computedPixels(width, height), computedPixels, piece, enlarged, memoryBytes }
    }
  } finally {
    await session.dispose()
  }
}

/** Seconds for each low-resolution pixel: of bicubic interpolation, of PSNR and SSIM, and of rounding and writing. */
async function measureComparing(
  enlarged: Image,
  piece: Image,
  scale: number,
  context: JobContext
): Promise<{ readonly bicubic: number; readonly comparing: number; readonly writing: number }> {
  const pixels = piece.width * piece.height
  const folder = await mkdtemp(join(tmpdir(), '2dquant-estimate-'))
  try {
    await breathe(context)
    let began = performance.now()
    const reference = quantizeTo8Bit(imresize(piece, scale))
    const bicubic = secondsSince(began) / pixels
    await breathe(context)
    began = performance.now()
    const rounded = quantizeTo8Bit(enlarged)
    await writeImage(join(folder, 'piece.png'), rounded)
    const writing = secondsSince(began) / pixels
    await breathe(context)
    began = performance.now()
    const compared = rounded.channels === 1 ? rounded : toRgb(reference)
    psnr(rounded, compared, scale)
    ssim(rounded, compared, scale)
    return { bicubic, comparing: secondsSince(began) / pixels, writing }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
