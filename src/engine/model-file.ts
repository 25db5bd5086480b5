import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { RunFile } from '../contract/run'
import { StudioError } from '../core/errors'
import { detectModel } from '../core/models/detect'
import { takenSize, type Model, type ModelOverrides } from '../core/models/model'
import { readCheckpoint } from '../formats/checkpoint'
import { isOnnxFile, loadOnnxModel } from './onnx-file'

/** A network read from a file. */
export interface LoadedModel {
  readonly model: Model
  /** Absolute path. */
  readonly file: string
  readonly sha256: string
}

/**
 * Reads a checkpoint or an ONNX file and builds its network. Throws a StudioError where the file or what it holds cannot be
 * used.
 */
export async function loadModel(path: string, overrides: ModelOverrides = {}): Promise<LoadedModel> {
  if (isOnnxFile(path)) return { ...(await loadOnnxModel(path, overrides)), file: resolve(path) }
  const checkpoint = await readCheckpoint(path)
  const model = detectModel(checkpoint, basename(path), overrides)
  return { model, file: resolve(path), sha256: await sha256OfFile(path) }
}

/** What a run's user told about its model. */
export function overridesOfRun({
  imageRange,
  residualScale
}: Pick<RunFile['model'], 'imageRange' | 'residualScale'>): ModelOverrides {
  return { ...(imageRange === null ? {} : { imageRange }), ...(residualScale === null ? {} : { residualScale }) }
}

/** Throws a StudioError unless the network's scale is the one wanted. */
export function expectScale(model: Model, name: string, scale: number | undefined): void {
  if (scale === undefined || scale === model.scale) return
  const what = `"${name}" enlarges ${model.scale} times, not ${scale} times`
  throw new StudioError('refused', `${what}; leave --scale out or give a model of that scale.`)
}

/** Throws a StudioError for patches of a size that a network does not take. */
export function expectPatchSize(model: Model, name: string, patchSize: number): void {
  const { fixedSize, takes } = model
  const taken = takenSize(model, patchSize)
  if (taken === patchSize) return
  const sizes =
    fixedSize === null
      ? `whose height and width are multiples of ${takes.step} from ${takes.least} on`
      : `of ${fixedSize}×${fixedSize} only`
  const what = `"${name}" takes pictures ${sizes}, not patches of ${patchSize}×${patchSize}`
  throw new StudioError('refused', `${what}; give --patch-size ${taken}.`)
}

/** SHA-256 of a file's bytes, in hexadecimal. */
export async function sha256OfFile(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
