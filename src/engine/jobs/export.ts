import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { formatBits, variantFileName, type Variant } from '../../contract/bounds'
import { exportFolder } from '../../contract/names'
import type { ExportKind, ExportResult } from '../../contract/results'
import type { PictureFolder } from '../../contract/run'
import { StudioError } from '../../core/errors'
import { psnr } from '../../core/evaluation/psnr'
import { crop, quantizeTo8Bit, type Image } from '../../core/imaging/image'
import { paddedSize, pictureInput, type Model } from '../../core/models/model'
import type { Session } from '../../core/runtime'
import { floatTensor } from '../../core/tensor'
import type { WrittenOpset } from '../../formats/onnx'
import { addExport } from '../exports-list'
import { endings, fullPrecisionFile, writers, type MadeFile } from '../export/files'
import { report, type JobContext } from '../job'
import { findPictures, readPair, type PictureEntry } from '../picture-sets'
import { isRunFolder, openRun, replaceFile, withDiskErrors } from '../run-folder'
import { openSubject, type Subject, type VariantFilter } from './variants'

export interface ExportConfig {
  readonly run: string
  /** Has to leave one variant. */
  readonly filter: VariantFilter
  readonly kind: ExportKind
  /** The file to make, which must not be there; where it is null, one in the run's folder, which may be replaced. */
  readonly out: string | null
  /** The newest version of ONNX operators that may be used. */
  readonly opset: WrittenOpset
  /** Pictures that the file is checked on; those of the calibration where it is null. */
  readonly pictures: PictureFolder | null
  /** Whether a forward pass is timed beside full precision. */
  readonly isTimed: boolean
}

/** Pictures that are looked at, and the most low-resolution pixels of each on a side. */
const checkedPictures = 4
const checkedSide = 96

/** Low-resolution pixels on a side at which speed is measured, and how often each is run. */
const timedSide = 128
const timedRuns = 3

/**
 * How far an exported network may be from the simulation: of all samples so many are the same, or PSNR differs by less. A network
 * of few bits turns another order of additions into other codes, by which a few small pieces of pictures differ by hundredths of a
 * dB either way; what is wrong differs by much more.
 */
const leastEqual = 0.999
const mostDifference = 0.1

/**
 * Writes a variant of a run as a file. A file that runs is first run, as plain onnxruntime has it, on real pictures beside the
 * simulation; where it does not give the same, nothing is left of it.
 */
export async function exportVariant(config: ExportConfig, context: JobContext): Promise<ExportResult> {
  const { run, kind, opset } = config
  if (!(await isRunFolder(run)))
    throw new StudioError('usage', `"${run}" is no folder of a run; \`2dquant quantize\` makes one.`)
  const subject = await openSubject(run, {}, config.filter)
  const variant = onlyVariant(subject, run)
  const { method, bits } = variant
  const file = resolve(config.out ?? usualFile(run, subject, variant, kind))
  if (config.out !== null && existsSync(file))
    throw new StudioError('refused', `There is "${file}" already; give another name by --out.`)
  const made = writers[kind](
    { variant, model: subject.model, sha256: subject.sha256, ...subject.partsOf(variant) },
    opset
  )
  const fpBytes = fullPrecisionFile(subject.model)
  const measured =
    made.opset === null ? { check: null, speed: null } : await measure(subject, variant, made, fpBytes, config, context)
  await withDiskErrors(file, () => mkdir(dirname(file), { recursive: true }))
  await replaceFile(file, made.bytes)
  const sizes = { bytes: made.bytes.length, fpBytes: fpBytes.length, parts: made.parts }
  const input = made.opset === null ? null : inputOf(subject.model)
  const result = { file, kind, method, bits, opset: made.opset, ...sizes, ...measured, input }
  // A file elsewhere is the user's own; the run may lie where nothing can be written.
  if (config.out === null) await addExport(run, result)
  return result
}

function inputOf({ channels, takes, multiple, fixedSize, padding }: Model): ExportResult['input'] {
  if (fixedSize !== null) return null
  return { channels, multiple: takes.step * multiple, least: takes.least, padding }
}

function onlyVariant({ variants }: Subject, run: string): Variant {
  const [variant, ...others] = variants
  if (variant !== undefined && others.length === 0) return variant
  const there = variants.map(({ method, bits }) => `--method ${method} --bits ${formatBits(bits)}`).join(', ')
  throw new StudioError('usage', `"${run}" holds several variants; say which: ${there}.`)
}

function usualFile(run: string, { file }: Subject, { method, bits }: Variant, kind: ExportKind): string {
  const stem = basename(file, extname(file))
  return join(run, exportFolder, `${stem}-${variantFileName(method, bits)}-${kind}.${endings[kind]}`)
}

async function measure(
  subject: Subject,
  variant: Variant,
  made: MadeFile,
  fpBytes: Uint8Array,
  config: ExportConfig,
  context: JobContext
): Promise<Pick<ExportResult, 'check' | 'speed'>> {
  const entries = await checkedEntries(subject, config)
  const exported = await context.runtime.loadFile(made.bytes)
  try {
    const check = await compare(subject, variant, exported, entries, context)
    if (!config.isTimed) return { check, speed: null }
    const fp = await context.runtime.loadFile(fpBytes)
    try {
      return { check, speed: await timeBoth(subject.model, fp, exported, context) }
    } finally {
      await fp.dispose()
    }
  } finally {
    await exported.dispose()
  }
}

async function checkedEntries({ model }: Subject, { run, pictures }: ExportConfig): Promise<readonly PictureEntry[]> {
  const { calibration } = (await openRun(run)).run
  const { folder, kind } = pictures ?? calibration
  if (!existsSync(folder)) {
    const what = `There is no "${folder}" any more, whose pictures the file would be checked on`
    throw new StudioError('missing', `${what}; name others by --pictures.`)
  }
  const { entries } = await findPictures(folder, model.scale, kind, '--pictures-kind')
  return entries.slice(0, checkedPictures)
}

/** The file beside the simulation. Throws a StudioError ('failed') where they are not the same. */
async function compare(
  subject: Subject,
  variant: Variant,
  exported: Session,
  entries: readonly PictureEntry[],
  context: JobContext
): Promise<NonNullable<ExportResult['check']>> {
  const simulated = await subject.loadNetwork(variant, context.runtime)
  const { scale } = subject.model
  const scores: { readonly simulation: number; readonly exported: number }[] = []
  let [equal, count] = [0, 0]
  try {
    const simulation = subject.resolverOn(simulated, variant)
    const ofFile = subject.resolverOn(exported, null)
    for (const [i, entry] of entries.entries()) {
      await report(context, 'export', i, entries.length, 'pictures')
      const { lr, hr } = await readPair(entry, scale)
      const piece = middleOf(lr, checkedSide, 1)
      const [a, b] = [quantizeTo8Bit(await simulation.enlarge(piece)), quantizeTo8Bit(await ofFile.enlarge(piece))]
      equal += a.data.reduce((sum, value, at) => sum + (value === b.data[at] ? 1 : 0), 0)
      count += a.data.length
      if (hr === null) continue
      const wanted = middleOf(hr, checkedSide * scale, scale)
      scores.push({ simulation: psnr(a, wanted, scale), exported: psnr(b, wanted, scale) })
    }
    await report(context, 'export', entries.length, entries.length, 'pictures')
  } finally {
    await simulated.dispose()
  }
  const mean = (pick: (each: (typeof scores)[number]) => number): number | null =>
    scores.length === 0 ? null : scores.reduce((sum, each) => sum + pick(each), 0) / scores.length
  const means = { simulation: mean((each) => each.simulation), exported: mean((each) => each.exported) }
  const check = { pictures: entries.length, equalPixels: equal / count, ...means }
  const difference = Math.abs((means.exported ?? NaN) - (means.simulation ?? NaN))
  if (check.equalPixels >= leastEqual || difference <= mostDifference) return check
  const share = `${(100 * check.equalPixels).toFixed(2)} % of all samples are the same`
  throw new StudioError('failed', `The file does not give what the simulation gives (${share}); nothing was written.`)
}

/** The middle of a picture: `side` pixels or all there are, begun at a multiple of `step`. */
function middleOf(picture: Image, side: number, step: number): Image {
  const from = (total: number): number => Math.floor(Math.max(0, total - side) / 2 / step) * step
  const [left, top] = [from(picture.width), from(picture.height)]
  return crop(picture, left, top, Math.min(side, picture.width), Math.min(side, picture.height))
}

/** Seconds of a forward pass of both, one after the other, the least of some. */
async function timeBoth(
  model: Model,
  fp: Session,
  exported: Session,
  { signal, giveWay }: JobContext
): Promise<NonNullable<ExportResult['speed']>> {
  const side = paddedSize(model, timedSide)
  const x = floatTensor(
    Float32Array.from({ length: model.channels * side * side }, (_, i) => (i % 251) / 250),
    [1, model.channels, side, side]
  )
  const seconds = { fp: Infinity, exported: Infinity }
  for (let i = 0; i <= timedRuns; i++) {
    for (const [name, session] of [
      ['fp', fp],
      ['exported', exported]
    ] as const) {
      signal.throwIfAborted()
      await giveWay()
      const began = performance.now()
      await session.run(new Map([[pictureInput, x]]))
      // The first run takes memory that later ones have.
      if (i > 0) seconds[name] = Math.min(seconds[name], (performance.now() - began) / 1000)
    }
  }
  return { width: side, height: side, ...seconds }
}
