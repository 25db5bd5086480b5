import { basename } from 'node:path'
import type { PatchSheet, SetCheck } from '../../contract/preparation'
import type { PictureFolder } from '../../contract/run'
import { fromTensor, type Image } from '../../core/imaging/image'
import type { Patch } from '../../core/imaging/patches'
import { sheetOf } from '../../core/imaging/sheet'
import { encodeWebp } from '../../formats/image-files'
import { expectPatchSize, loadModel } from '../model-file'
import { draw, readByPicture } from '../patches'
import { findPictures, lowResolutionSize } from '../picture-sets'
import { failureOf } from '../service/server'

/** Patches that a sheet shows at most. */
const mostShown = 100

/** What a run would be told of its patches. */
export interface PatchSheetConfig {
  readonly model: string
  readonly calibration: PictureFolder
  readonly patches: number
  readonly patchSize: number
  readonly seed: number
}

/** The patches that a run would calibrate on, as its network would take them. Throws a StudioError where it would. */
export async function patchSheet(
  { model: file, calibration, patches: count, patchSize: size, seed }: PatchSheetConfig,
  signal: AbortSignal
): Promise<PatchSheet> {
  const { model } = await loadModel(file)
  expectPatchSize(model, basename(file), size)
  const pictures = await findPictures(calibration.folder, model.scale, calibration.kind, '--calibration-kind')
  const drawn = await draw(pictures.entries, model.scale, { count, size, seed })
  const shown = drawn.slice(0, mostShown)
  const cells = new Map<Patch, Image>()
  // Patches are read picture by picture, and shown in the order of their drawing.
  const read = pictures.entries.flatMap((_, i) => shown.filter(({ picture }) => picture === i))
  for await (const values of readByPicture(pictures, model, shown)) {
    signal.throwIfAborted()
    const patch = read[cells.size]
    if (patch !== undefined) cells.set(patch, fromTensor(values, size, size, model.channels))
  }
  const [first, ...others] = shown.flatMap((patch) => cells.get(patch) ?? [])
  if (first === undefined) throw new Error('No patch was drawn')
  const columns = Math.ceil(Math.sqrt(shown.length))
  return {
    kind: pictures.kind,
    pictures: pictures.entries.length,
    count,
    side: size,
    columns,
    patches: shown.map(({ picture, left, top }) => ({ picture: pictures.entries[picture]?.name ?? '', left, top })),
    webp: new Uint8Array(await encodeWebp(sheetOf([first, ...others], columns)))
  }
}

/** What folders of pictures would be to an evaluation at a scale; what is wrong with one does not keep it from the others. */
export async function checkSets(
  scale: number,
  sets: readonly PictureFolder[],
  signal: AbortSignal
): Promise<SetCheck[]> {
  const checks: SetCheck[] = []
  for (const { folder, kind } of sets) {
    signal.throwIfAborted()
    const nothing = { folder, name: basename(folder), pictures: 0, pixels: 0, kind: null, failure: null }
    try {
      const found = await findPictures(folder, scale, kind, '--set-kind')
      const sizes = await Promise.all(found.entries.map((entry) => lowResolutionSize(entry, scale)))
      const pixels = sizes.reduce((sum, { width, height }) => sum + width * height, 0)
      checks.push({ ...nothing, name: found.name, pictures: sizes.length, pixels, kind: found.kind })
    } catch (error) {
      checks.push({ ...nothing, failure: failureOf(error).message })
    }
  }
  return checks
}
