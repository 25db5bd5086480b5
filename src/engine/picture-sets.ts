import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import type { PictureKind } from '../contract/run'
import { StudioError } from '../core/errors'
import { cropToMultiple, type Image } from '../core/imaging/image'
import { imresize } from '../core/imaging/imresize'
import { listImages, readImage, readImageSize } from '../formats/image-files'
import { sha256OfFile } from './model-file'

/** One picture of a set: a high-resolution file, a low-resolution file, or both. */
export interface PictureEntry {
  readonly name: string
  readonly hr: string | null
  readonly lr: string | null
}

/** The pictures of a folder. */
export interface PictureSet {
  readonly name: string
  readonly folder: string
  /** Whether high-resolution pictures are there. */
  readonly kind: PictureKind
  readonly entries: readonly [PictureEntry, ...PictureEntry[]]
}

/**
 * Finds the pictures of a folder: `HR/` with or without `LR_bicubic/X#/` beside it (the layout of the EDSR benchmarks),
 * `LR_bicubic/X#/` alone, or a flat folder.
 *
 * @param kind what a flat folder holds; needed where its name and file names do not tell
 * @throws StudioError ('missing' without folder or pictures, 'usage' where a flat folder's kind cannot be told)
 */
export async function findPictures(
  folder: string,
  scale: number,
  kind: PictureKind | undefined,
  kindOption: string
): Promise<PictureSet> {
  if (!existsSync(folder)) throw new StudioError('missing', `There is no folder "${folder}".`)
  const name = basename(folder)
  const hrFolder = join(folder, 'HR')
  const lrFolder = join(folder, 'LR_bicubic', `X${scale}`)
  const [hr, lr] = await Promise.all([imagesIn(hrFolder), imagesIn(lrFolder)])
  if (hr.length > 0) {
    const lrByName = new Map(lr.map((path) => [lowResolutionStem(path, scale), path]))
    const entries = hr.map((path) => ({ name: stem(path), hr: path, lr: lrByName.get(stem(path)) ?? null }))
    return { name, folder, kind: 'hr', entries: nonEmpty(entries, folder) }
  }
  if (lr.length > 0) {
    const entries = lr.map((path) => ({ name: lowResolutionStem(path, scale), hr: null, lr: path }))
    return { name, folder, kind: 'lr', entries: nonEmpty(entries, folder) }
  }
  const flat = await listImages(folder)
  if (flat.length === 0) throw await noPictures(folder, scale)
  const told = kind ?? guessKind(folder, flat, scale)
  if (told === null) {
    const what = `It cannot be told whether the pictures in "${folder}" are high- or low-resolution`
    throw new StudioError('usage', `${what}; say so with ${kindOption} hr or ${kindOption} lr.`)
  }
  const entries = flat.map((path) =>
    told === 'hr' ? { name: stem(path), hr: path, lr: null } : { name: stem(path), hr: null, lr: path }
  )
  return { name, folder, kind: told, entries: nonEmpty(entries, folder) }
}

async function imagesIn(folder: string): Promise<readonly string[]> {
  return existsSync(folder) ? listImages(folder) : []
}

function nonEmpty<T>(items: readonly T[], folder: string): readonly [T, ...T[]] {
  const [first, ...rest] = items
  if (first === undefined) throw new StudioError('missing', `There are no pictures in "${folder}".`)
  return [first, ...rest]
}

async function noPictures(folder: string, scale: number): Promise<StudioError> {
  const there = (await readdir(folder)).slice(0, 3)
  const found = there.length === 0 ? 'it is empty' : `it holds ${there.map((name) => `"${name}"`).join(', ')}`
  const wanted = `PNG, JPEG, WebP or TIFF files, or the folders HR and LR_bicubic/X${scale}`
  return new StudioError('missing', `There are no pictures in "${folder}": ${found}; expected are ${wanted}.`)
}

const stem = (path: string): string => basename(path, extname(path))

/** The name of the high-resolution picture that `NAMEx4.png` or `NAME_LRBI_x4.png` was made from. */
function lowResolutionStem(path: string, scale: number): string {
  return stem(path).replace(new RegExp(`(_LRBI_)?x${scale}$`), '')
}

/** Told by the folder's name (`HR`, `X4`, `LR`) or by file names that end in `x4`. */
function guessKind(folder: string, files: readonly string[], scale: number): PictureKind | null {
  const name = basename(folder).toUpperCase()
  if (name === 'HR' || name === 'GT') return 'hr'
  if (name === 'LR' || name === `X${scale}` || files.every((path) => stem(path).endsWith(`x${scale}`))) return 'lr'
  return null
}

/** A picture as the network takes it, and the picture it should become. */
export interface PicturePair {
  readonly lr: Image
  /** Exactly `scale` times the size of `lr`; null where there is no high-resolution picture. */
  readonly hr: Image | null
  /** Bits of their samples; what is made of the high-resolution picture has 8. */
  readonly lrDepth: 8 | 16
  readonly hrDepth: 8 | 16
}

/**
 * Reads one entry. A missing low-resolution picture is made as MATLAB's imresize does from the high-resolution one,
 * cut to a multiple of the scale. Throws a StudioError ('refused') where the two files do not belong together.
 */
export async function readPair(entry: PictureEntry, scale: number): Promise<PicturePair> {
  const right = entry.hr === null ? null : await readImage(entry.hr)
  const [hr, hrDepth] = [right?.image ?? null, right?.bitDepth ?? 8]
  if (entry.lr === null) {
    if (hr === null) throw new Error(`The picture "${entry.name}" has no file`)
    const whole = cropToMultiple(hr, scale)
    if (whole.width === 0 || whole.height === 0) {
      const size = `${hr.width}×${hr.height}`
      throw new StudioError('refused', `"${entry.hr ?? ''}" (${size}) is too small to be made ${scale} times smaller.`)
    }
    return { hr: whole, lr: imresize(whole, 1 / scale), lrDepth: 8, hrDepth }
  }
  const { image: lr, bitDepth: lrDepth } = await readImage(entry.lr)
  if (hr === null) return { hr, lr, lrDepth, hrDepth }
  const spareWidth = hr.width - lr.width * scale
  const spareHeight = hr.height - lr.height * scale
  if (spareWidth < 0 || spareHeight < 0 || spareWidth >= scale || spareHeight >= scale) {
    const sizes = `"${entry.hr ?? ''}" is ${hr.width}×${hr.height}, "${entry.lr}" is ${lr.width}×${lr.height}`
    throw new StudioError(
      'refused',
      `${sizes}: that is not ${scale} times smaller; the pictures do not belong together.`
    )
  }
  return { hr: cropToMultiple(hr, scale), lr, lrDepth, hrDepth }
}

/** SHA-256 over the digests of all picture files, in the order of the set. */
export async function fingerprint({ entries }: PictureSet): Promise<string> {
  const hash = createHash('sha256')
  for (const { hr, lr } of entries) {
    for (const path of [hr, lr]) if (path !== null) hash.update(await sha256OfFile(path))
  }
  return hash.digest('hex')
}

/** Size of an entry's low-resolution picture, read from a file's header only. */
export async function lowResolutionSize(
  entry: PictureEntry,
  scale: number
): Promise<{ readonly width: number; readonly height: number }> {
  if (entry.lr !== null) return readImageSize(entry.lr)
  const { width, height } = await readImageSize(entry.hr ?? '')
  return { width: Math.floor(width / scale), height: Math.floor(height / scale) }
}
