import { basename } from 'node:path'
import type { Bits } from '../../contract/bounds'
import type { EvaluateResult } from '../../contract/results'
import type { PictureFolder } from '../../contract/run'
import { StudioError } from '../../core/errors'
import { EvaluationRecorder } from '../evaluation-file'
import type { JobContext } from '../job'
import { findPictures } from '../picture-sets'
import { openRun } from '../run-folder'
import { bicubicSubject, evaluate, type EvaluatedImage } from './evaluate'
import { openSubject } from './variants'

export interface MeasureConfig {
  /** The run folder. */
  readonly run: string
  readonly sets: readonly PictureFolder[]
  /** Bytes the values of a network may take. */
  readonly memoryCap: number | undefined
  /** Sees every picture that was made. */
  readonly onImage?: ((image: EvaluatedImage) => Promise<void>) | undefined
}

/**
 * Measures bicubic interpolation, full precision and all variants of a run on sets of pictures, and keeps what was measured
 * and every picture in the run folder in place of an earlier evaluation.
 *
 * @returns full precision first, then from many bits to few; in the order of methods where bits are the same
 * @throws StudioError where a set or the model cannot be used; an earlier evaluation then stays
 */
export async function measure(
  { run, sets, memoryCap, onImage }: MeasureConfig,
  context: JobContext
): Promise<EvaluateResult['results']> {
  const { scale } = (await openRun(run)).run.model
  await openSubject(run, {}, {})
  await expectSets(sets, scale)
  const recorder = await EvaluationRecorder.open(run)
  const shared = {
    overrides: {},
    filter: {},
    sets,
    scale,
    memoryCap,
    onImage: async (image: EvaluatedImage) => {
      await recorder.add(image)
      await onImage?.(image)
    }
  }
  const bicubic = await evaluate({ subject: bicubicSubject, ...shared }, context)
  const quantized = await evaluate({ subject: run, ...shared }, context)
  const results = [...bicubic.results, ...quantized.results].toSorted(byWidth)
  await recorder.save(results)
  return results
}

/**
 * Throws a StudioError unless there are pictures in every set ('missing', 'usage') and every set has a name of its own
 * ('refused'), by which an evaluation tells them apart.
 */
export async function expectSets(sets: readonly PictureFolder[], scale: number): Promise<void> {
  for (const { folder, kind } of sets) await findPictures(folder, scale, kind, '--set-kind')
  const names = sets.map(({ folder }) => basename(folder))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice === undefined) return
  throw new StudioError(
    'refused',
    `Two sets are called "${twice}", and tables could not tell them apart; rename a folder.`
  )
}

/** Full precision first, then from many bits to few. */
export function byWidth(a: { readonly bits: Bits | null }, b: { readonly bits: Bits | null }): number {
  return (b.bits?.weight ?? 32) - (a.bits?.weight ?? 32)
}
