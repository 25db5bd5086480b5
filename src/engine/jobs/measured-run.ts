import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { PictureFolder } from '../../contract/run'
import { evaluationFile } from '../evaluation-file'
import type { JobContext } from '../job'
import { loadModel } from '../model-file'
import { openRun } from '../run-folder'
import type { TrainingControl } from '../training/control'
import { expectSets, measure } from './measure'
import type { QuantizeConfig } from './quantize'
import { quantizeOrResume, resume } from './resume'

/** What a run is measured on once it is finished. */
export interface Measuring {
  /** None where it is not measured. */
  readonly sets: readonly PictureFolder[]
  /** Bytes the values of a network may take. */
  readonly memoryCap: number | undefined
}

/**
 * Takes a run from its begin, or from where it was broken off, to its end and measures it there; where it is to end with its
 * bounds, it is not measured. Sets that cannot be used are told before any work on a run that is not there yet.
 */
export async function quantizeAndMeasure(
  config: QuantizeConfig,
  { sets, memoryCap }: Measuring,
  context: JobContext,
  control: TrainingControl
): Promise<void> {
  if (sets.length > 0 && !existsSync(config.out)) {
    await expectSets(sets, (await loadModel(config.model, config.overrides)).model.scale)
  }
  await quantizeOrResume({ ...config, sets }, context, control)
  if (sets.length > 0 && config.endsWithBounds !== true) await measure({ run: config.out, sets, memoryCap }, context)
}

/**
 * Goes on with a run and measures it at its end. A run that is finished is measured alone: it may have been broken off
 * between the two. Without sets it is measured on those of its run.json where it is not measured yet. Sets that cannot be used
 * do not keep it from being trained.
 *
 * @throws StudioError ('refused') where the run is finished and is not to be measured
 */
export async function resumeAndMeasure(
  folder: string,
  { sets: given, memoryCap }: Pick<Measuring, 'memoryCap'> & { readonly sets: Measuring['sets'] | undefined },
  context: JobContext,
  control: TrainingControl
): Promise<void> {
  const { run } = await openRun(folder)
  const isMeasured = existsSync(join(folder, evaluationFile))
  const sets = given ?? (isMeasured ? [] : (run.sets ?? []))
  if (run.state !== 'done' || sets.length === 0) await resume({ run: folder, keepBest: false }, context, control)
  if (sets.length > 0) await measure({ run: folder, sets, memoryCap }, context)
}
