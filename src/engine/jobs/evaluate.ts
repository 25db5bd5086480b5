import type { EvaluateResult, SetScores } from '../../contract/results'
import type { PictureFolder } from '../../contract/run'
import { StudioError } from '../../core/errors'
import { psnr } from '../../core/evaluation/psnr'
import { ssim } from '../../core/evaluation/ssim'
import { quantizeTo8Bit, toRgb, type Image } from '../../core/imaging/image'
import { toGrey } from '../../core/imaging/ycbcr'
import { imresize } from '../../core/imaging/imresize'
import type { ModelOverrides } from '../../core/models/model'
import { memoryIn, report, type JobContext } from '../job'
import { expectScale } from '../model-file'
import { findPictures, readPair, type PicturePair, type PictureSet } from '../picture-sets'
import { openSubject, type Subject, type VariantFilter } from './variants'

export interface EvaluateConfig {
  /** A model file, a run folder, or `bicubic`. */
  readonly subject: string
  readonly overrides: ModelOverrides
  readonly filter: VariantFilter
  readonly sets: readonly PictureFolder[]
  readonly scale: number | undefined
  /** Bytes the values of a network may take. */
  readonly memoryCap: number | undefined
  /** Sees every picture that was made, e.g. to show it in a report. */
  readonly onImage?: ((image: EvaluatedImage) => Promise<void>) | undefined
}

/** A picture that was evaluated, rounded to 8 bits, with what it was made from and what it should become. */
export interface EvaluatedImage extends PicturePair {
  readonly set: string
  readonly name: string
  readonly result: ResultKey
  readonly image: Image
  /** Against `hr`. */
  readonly scores: Scores | null
}

type ResultKey = Pick<EvaluateResult['results'][number], 'method' | 'bits'>

/** Name that stands for bicubic interpolation in place of a model. */
export const bicubicSubject = 'bicubic'

/** One way to enlarge a picture, and the scores it gathers. */
interface Contestant {
  readonly key: ResultKey
  enlarge(lr: Image): Promise<Image>
}

/**
 * PSNR and SSIM on Y (BasicSR's protocol: 8-bit output, a border of `scale` pixels left out) of every variant, against the
 * high-resolution pictures where there are any, and against the full-precision output.
 */
export async function evaluate(config: EvaluateConfig, context: JobContext): Promise<EvaluateResult> {
  if (config.subject === bicubicSubject) {
    const { scale } = config
    if (scale === undefined) throw new StudioError('usage', 'Bicubic interpolation needs --scale.')
    const bicubic: Contestant = {
      key: { method: 'bicubic', bits: null },
      enlarge: (lr) => Promise.resolve(imresize(lr, scale))
    }
    return score(bicubicSubject, scale, [bicubic], config, context)
  }
  const subject = await openSubject(
    config.subject,
    config.overrides,
    config.filter,
    memoryIn(context, config.memoryCap)
  )
  const { scale } = subject.model
  expectScale(subject.model, subject.name, config.scale)
  const { contestants, dispose } = await loadContestants(subject, context)
  try {
    return await score(subject.name, scale, contestants, config, context)
  } finally {
    await dispose()
  }
}

/** The full-precision network first: the others are compared with it. */
async function loadContestants(
  subject: Subject,
  { runtime }: JobContext
): Promise<{ readonly contestants: readonly Contestant[]; dispose(): Promise<void> }> {
  const fp = await subject.loadFp(runtime)
  const fullPrecision: Contestant = { key: { method: 'fp', bits: null }, enlarge: (lr) => fp.enlarge(lr) }
  if (subject.variants.length === 0) return { contestants: [fullPrecision], dispose: () => fp.dispose() }
  const quantized = await subject.loadVariants(runtime)
  const variants = quantized.resolvers.map(({ variant: { method, bits }, enlarge }): Contestant => {
    return { key: { method, bits }, enlarge }
  })
  const dispose = async (): Promise<void> => {
    await fp.dispose()
    await quantized.dispose()
  }
  return { contestants: [fullPrecision, ...variants], dispose }
}

async function score(
  name: string,
  scale: number,
  contestants: readonly Contestant[],
  config: EvaluateConfig,
  context: JobContext
): Promise<EvaluateResult> {
  const sets: PictureSet[] = []
  for (const { folder, kind } of config.sets) sets.push(await findPictures(folder, scale, kind, '--set-kind'))
  const total = sets.reduce((sum, { entries }) => sum + entries.length, 0) * contestants.length
  const tables = contestants.map((): { hr: Scored[][]; fp: Scored[][] } => ({ hr: [], fp: [] }))
  let done = 0
  for (const set of sets) {
    for (const table of tables) {
      table.hr.push([])
      table.fp.push([])
    }
    for (const entry of set.entries) {
      const pair = await readPair(entry, scale)
      const { lr, hr } = pair
      let fullPrecision: Image | null = null
      for (const [i, contestant] of contestants.entries()) {
        const image = quantizeTo8Bit(await contestant.enlarge(lr))
        if (contestant.key.method === 'fp') fullPrecision = image
        else if (fullPrecision !== null) {
          tables[i]?.fp.at(-1)?.push({ name: entry.name, ...compare(image, fullPrecision, scale) })
        }
        const scores = hr === null ? null : compare(image, hr, scale)
        if (scores !== null) tables[i]?.hr.at(-1)?.push({ name: entry.name, ...scores })
        await config.onImage?.({ set: set.name, name: entry.name, result: contestant.key, image, ...pair, scores })
        await report(context, 'evaluate', ++done, total, 'pictures')
      }
    }
  }
  return {
    results: contestants.map(({ key }, i) => {
      const hr = setScores(sets, tables[i]?.hr ?? [], 'hr')
      const fp = setScores(sets, tables[i]?.fp ?? [], 'fp')
      // Without high-resolution pictures the comparison with full precision is all there is.
      const shown = sets.flatMap((_, s) => hr[s] ?? fp[s] ?? [])
      return {
        model: name,
        ...key,
        scale,
        sets: shown,
        ...(fp.some((scores) => scores !== undefined) ? { againstFp: fp.flatMap((scores) => scores ?? []) } : {})
      }
    })
  }
}

/** How near a picture is to another; PSNR in dB. */
interface Scores {
  readonly psnr: number
  readonly ssim: number
}

interface Scored extends Scores {
  readonly name: string
}

function compare(image: Image, reference: Image, scale: number): Scores {
  const [a, b] = image.channels === 1 ? [image, toGrey(reference)] : [image, toRgb(reference)]
  return { psnr: psnr(a, b, scale), ssim: ssim(a, b, scale) }
}

/** Means over each set; undefined where nothing was compared. Infinite PSNR is null, as JSON has no infinity. */
function setScores(
  sets: readonly PictureSet[],
  scored: readonly (readonly Scored[])[],
  reference: SetScores['reference']
): readonly (SetScores | undefined)[] {
  return sets.map(({ name }, s) => {
    const images = scored[s] ?? []
    if (images.length === 0) return undefined
    const mean = (pick: (score: Scored) => number): number | null =>
      finite(images.reduce((sum, image) => sum + pick(image), 0) / images.length)
    return {
      name,
      reference,
      mean: { psnr: mean((image) => image.psnr), ssim: mean((image) => image.ssim) },
      images: images.map((image) => ({ name: image.name, psnr: finite(image.psnr), ssim: finite(image.ssim) }))
    }
  })
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)
