import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { QuantizeResult } from '../../contract/results'
import type { RunFile } from '../../contract/run'
import { StudioError } from '../../core/errors'
import { warning, type JobContext } from '../job'
import { loadModel, overridesOfRun, type LoadedModel } from '../model-file'
import { findPictures, fingerprint, type PictureSet } from '../picture-sets'
import { plannedSites } from '../plan'
import { openRun, settingsDigest } from '../run-folder'
import { TrainingControl } from '../training/control'
import { quantize, type QuantizeConfig } from './quantize'
import { summaryOf, trainRun } from '../training/train'

export interface ResumeConfig {
  /** The run folder. */
  readonly run: string
  /** Ends training at once and keeps the best parameters so far; variants that were not begun are left out. */
  readonly keepBest: boolean
}

/**
 * Goes on with a run whose training was paused, stopped or killed, from its last checkpoint. Stage 1 is not repeated. Ends
 * bit for bit where the uninterrupted run would have ended, on the same machine and runtime.
 *
 * @throws StudioError ('refused') where the run is finished, or its model, pictures or settings are not what they were
 */
export async function resume(
  { run: folder, keepBest }: ResumeConfig,
  context: JobContext,
  control = new TrainingControl()
): Promise<QuantizeResult> {
  const { run } = await openRun(folder)
  if (run.state === 'done') {
    throw new StudioError('refused', `"${folder}" is finished; there is nothing to resume.`)
  }
  const loaded = await loadModel(run.model.file, overridesOfRun(run.model))
  const pictures = await findPictures(
    run.calibration.folder,
    run.model.scale,
    run.calibration.kind,
    '--calibration-kind'
  )
  await expectUnchanged(folder, run, loaded, pictures)
  const { name, version } = context.runtime
  if (name !== run.runtime.name || version !== run.runtime.version) {
    const message = `"${folder}" was begun with ${run.runtime.name} ${run.runtime.version} and goes on with ${name} ${version}; results may differ in their last digits.`
    warning(context)(message)
  }
  const { model } = loaded
  const sites = plannedSites(model, run.settings.quantizeFirstAndLast, run.settings.plan)
  if (keepBest) control.stop()
  const trained = await trainRun(folder, { model, sites, pictures, control }, context)
  return {
    run: folder,
    quantizers: sites.length,
    variants: trained.map(summaryOf),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024
  }
}

/**
 * Takes a run to its end: begins it where it is not there, goes on with it where it was broken off, and leaves it where it
 * is finished.
 */
export async function quantizeOrResume(
  config: QuantizeConfig,
  context: JobContext,
  control: TrainingControl
): Promise<void> {
  if (!existsSync(config.out)) {
    await quantize(config, context, control)
    return
  }
  const { run } = await openRun(config.out)
  // Bounds are found as soon as the folder is there.
  if (config.endsWithBounds === true) return
  if (run.state !== 'done') await resume({ run: config.out, keepBest: false }, context, control)
}

async function expectUnchanged(
  folder: string,
  { model, calibration, settings, settingsSha256 }: RunFile,
  { sha256 }: LoadedModel,
  pictures: PictureSet
): Promise<void> {
  const changed = (what: string): StudioError =>
    new StudioError('refused', `${what} changed since "${folder}" was begun, so it cannot be resumed; quantize again.`)
  if (sha256 !== model.sha256) throw changed(`The model "${basename(model.file)}"`)
  if ((await fingerprint(pictures)) !== calibration.sha256) {
    throw changed(`The pictures in "${calibration.folder}"`)
  }
  if (settingsDigest(settings) !== settingsSha256) throw changed('The settings in its run.json')
}
