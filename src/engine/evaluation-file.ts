import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { variantFileName, variantKey, type Bits, type Contestant } from '../contract/bounds'
import type { EvaluateResult } from '../contract/results'
import { evaluationFileSchema, type EvaluatedPicture, type EvaluationFile, type PictureView } from '../contract/runs'
import type { Image } from '../core/imaging/image'
import { writeImage } from '../formats/image-files'
import type { EvaluatedImage } from './jobs/evaluate'
import { json, readJson, replaceFile, withDiskErrors } from './run-folder'

export const evaluationFile = 'evaluation.json'

/** Folders of pictures: `images`, or `images-2` and so on while what was measured before is still there. */
const imageFolders = /^images(-\d+)?$/

/**
 * Keeps the pictures of an evaluation in a run folder, and what was measured on them. What was measured before stays until
 * everything is there.
 */
export class EvaluationRecorder {
  readonly #folder: string
  readonly #images: string
  readonly #pictures: (Omit<EvaluatedPicture, 'views'> & { readonly views: PictureView[] })[] = []

  private constructor(folder: string, images: string) {
    this.#folder = folder
    this.#images = images
  }

  /** Begins an evaluation; what one left that was broken off is removed. */
  static async open(folder: string): Promise<EvaluationRecorder> {
    // One that cannot be read is replaced as well.
    const before = await readEvaluation(folder).catch(() => null)
    const inUse = new Set((before?.pictures ?? []).flatMap(({ views }) => views.map(({ file }) => file.split('/')[0])))
    await removeImages(folder, (name) => inUse.has(name))
    let images = 'images'
    for (let number = 2; inUse.has(images); number++) images = `images-${number}`
    return new EvaluationRecorder(folder, images)
  }

  /** Keeps a picture; those it is measured against are kept as finely as their files have them. */
  async add({ set, name, result, image, lr, hr, lrDepth, hrDepth, scores }: EvaluatedImage): Promise<void> {
    const { method, bits } = result
    const known = this.#pictures.findIndex((picture) => picture.set === set && picture.name === name)
    const number = known === -1 ? this.#pictures.length : known
    const picture = this.#pictures[number] ?? { set, name, width: image.width, height: image.height, views: [] }
    if (known === -1) {
      this.#pictures.push(picture)
      for (const [given, original, bitDepth] of [['hr', hr, hrDepth] as const, ['lr', lr, lrDepth] as const]) {
        if (original === null) continue
        const file = await this.#write(number, given, null, original, bitDepth)
        picture.views.push({ method: given, bits: null, file, psnr: null, ssim: null })
      }
    }
    const file = await this.#write(number, method, bits, image, 8)
    const measured = scores === null ? { psnr: null, ssim: null } : finiteOf(scores)
    picture.views.push({ method, bits, file, ...measured })
  }

  /** Writes what was gathered; from then on the run folder has an evaluation. */
  async save(results: EvaluateResult['results']): Promise<void> {
    const contents: EvaluationFile = { schema: 1, results, outdated: [], pictures: this.#pictures }
    await replaceFile(join(this.#folder, evaluationFile), json(contents))
    await removeImages(this.#folder, (name) => name === this.#images)
  }

  async #write(
    number: number,
    method: PictureView['method'],
    bits: Bits | null,
    image: Image,
    bitDepth: 8 | 16
  ): Promise<string> {
    const file = `${this.#images}/${number + 1}/${variantFileName(method, bits)}.png`
    await withDiskErrors(this.#folder, async () => {
      await mkdir(join(this.#folder, this.#images, String(number + 1)), { recursive: true })
      await writeImage(join(this.#folder, file), image, { bitDepth })
    })
    return file
  }
}

async function removeImages(folder: string, isKept: (name: string) => boolean): Promise<void> {
  await withDiskErrors(folder, async () => {
    for (const name of await readdir(folder)) {
      if (imageFolders.test(name) && !isKept(name)) await rm(join(folder, name), { recursive: true, force: true })
    }
  })
}

/** The evaluation in a run folder; null where there is none. */
export async function readEvaluation(folder: string): Promise<EvaluationFile | null> {
  const path = join(folder, evaluationFile)
  return existsSync(path) ? readJson(path, evaluationFileSchema) : null
}

/** Says of a variant that its bounds are others than those that were measured; nothing where it was not measured. */
export async function markOutdated(
  folder: string,
  { method, bits }: EvaluationFile['outdated'][number]
): Promise<void> {
  const evaluation = await readEvaluation(folder)
  if (evaluation === null) return
  const isMeant = (each: { readonly method: Contestant; readonly bits: Bits | null }): boolean =>
    variantKey(each) === variantKey({ method, bits })
  if (!evaluation.results.some(isMeant) || evaluation.outdated.some(isMeant)) return
  const contents: EvaluationFile = { ...evaluation, outdated: [...evaluation.outdated, { method, bits }] }
  await replaceFile(join(folder, evaluationFile), json(contents))
}

function finiteOf({
  psnr,
  ssim
}: {
  readonly psnr: number
  readonly ssim: number
}): Pick<PictureView, 'psnr' | 'ssim'> {
  return { psnr: Number.isFinite(psnr) ? psnr : null, ssim: Number.isFinite(ssim) ? ssim : null }
}
