import { existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { StudioError } from '../core/errors'
import type { Image } from '../core/imaging/image'

// Files may change, and what was read of them before is of no use.
sharp.cache(false)

/** Extensions of pictures that are listed in folders. */
const pictureExtensions: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg', '.webp', '.tif', '.tiff'])

/** Larger pictures are neither read nor written: 2^28 pixels are 3 GiB of samples. */
export const pixelLimit = 2 ** 28

/** A part of a picture. */
interface Rectangle {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** A picture file's content. */
export interface PictureFile {
  readonly image: Image
  /** One channel of 0 (transparent) to 255, or null where the file has none. */
  readonly alpha: Image | null
  readonly bitDepth: 8 | 16
  readonly isGrey: boolean
}

/** A picture file's samples as they lie in it, pixel by pixel: of 8 bits, a quarter of what planes take in memory. */
export interface Samples {
  readonly width: number
  readonly height: number
  /** Samples of a pixel: one or three of colour, and one of alpha where there is any. */
  readonly stride: number
  readonly data: Uint8Array | Uint16Array
}

/**
 * Reads PNG (8 and 16 bit, grey, palette, alpha), JPEG (turned upright), WebP and TIFF.
 *
 * @param profile what becomes of a colour profile in the file: `ignore` takes samples as they are stored, as benchmarks
 *   do; `apply` turns them into sRGB, so that colours stay right in files without a profile
 * @throws StudioError ('missing', or 'unreadable' for damaged files and files that are no picture)
 */
export async function readImage(path: string, profile: 'ignore' | 'apply' = 'ignore'): Promise<PictureFile> {
  const samples = await readSamples(path, profile)
  return pieceOf(samples, { left: 0, top: 0, width: samples.width, height: samples.height })
}

/** Reads what `readImage` reads, for pictures of which pieces are taken. */
export async function readSamples(path: string, profile: 'ignore' | 'apply' = 'ignore'): Promise<Samples> {
  const length = await lengthOf(path)
  try {
    const ignoreIcc = profile === 'ignore'
    const input = sharp(path, { limitInputPixels: pixelLimit, failOn: 'error', ignoreIcc }).autoOrient()
    const metadata = await input.metadata()
    const deep = metadata.depth === 'ushort'
    const isGrey = metadata.space === 'b-w' || metadata.space === 'grey16'
    const raw = isGrey ? input.toColourspace(deep ? 'grey16' : 'b-w') : input.toColourspace(deep ? 'rgb16' : 'srgb')
    const { data, info } = await raw.raw({ depth: deep ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true })
    const samples = deep ? new Uint16Array(data.buffer, data.byteOffset, data.length / 2) : data
    return { width: info.width, height: info.height, stride: info.channels, data: samples }
  } catch (cause) {
    if (cause instanceof StudioError) throw cause
    throw notAPicture(path, length, cause)
  }
}

/** Bytes of a file, which there must be. */
async function lengthOf(path: string): Promise<number> {
  if (!existsSync(path)) throw new StudioError('missing', `There is no picture "${path}".`)
  const file = await stat(path)
  if (file.isDirectory()) throw new StudioError('unreadable', `"${path}" is a folder, not a picture.`)
  return file.size
}

function notAPicture(path: string, length: number, cause: unknown): StudioError {
  if (cause instanceof Error && /pixel limit/i.test(cause.message)) {
    return new StudioError('refused', `"${path}" is larger than ${pixelLimit} pixels; cut it into parts first.`, {
      cause
    })
  }
  const what = length === 0 ? 'it is empty' : 'it is damaged or no PNG, JPEG, WebP or TIFF file'
  return new StudioError('unreadable', `"${path}" cannot be read as a picture: ${what}.`, { cause })
}

/** A piece of a picture as planes, alpha apart. It must lie within the picture. */
export function pieceOf(samples: Samples, { left, top, width, height }: Rectangle): PictureFile {
  const { stride, data } = samples
  const bitDepth = data instanceof Uint16Array ? 16 : 8
  const channels = stride >= 3 ? 3 : 1
  const plane = width * height
  const unit = bitDepth === 16 ? 257 : 1
  const pick = (values: Float32Array, channel: number): Float32Array => {
    for (let y = 0; y < height; y++) {
      let at = ((top + y) * samples.width + left) * stride + channel
      for (let i = y * width; i < (y + 1) * width; i++, at += stride) values[i] = (data[at] ?? 0) / unit
    }
    return values
  }
  const planes = new Float32Array(channels * plane)
  for (let channel = 0; channel < channels; channel++) {
    pick(planes.subarray(channel * plane, (channel + 1) * plane), channel)
  }
  const hasAlpha = stride === channels + 1
  const alpha: Image | null = hasAlpha
    ? { width, height, channels: 1, data: pick(new Float32Array(plane), channels) }
    : null
  return { image: { width, height, channels, data: planes }, alpha, bitDepth, isGrey: channels === 1 }
}

/** Width and height of a picture, upright, from its header alone. */
export async function readImageSize(path: string): Promise<{ readonly width: number; readonly height: number }> {
  if (!existsSync(path)) throw new StudioError('missing', `There is no picture "${path}".`)
  try {
    const { width, height, orientation = 1 } = await sharp(path, { limitInputPixels: pixelLimit }).metadata()
    return orientation >= 5 ? { width: height, height: width } : { width, height }
  } catch (cause) {
    throw notAPicture(path, (await stat(path)).size, cause)
  }
}

/**
 * Writes a picture as PNG, JPEG, WebP or TIFF by its extension. The file appears complete or not at all.
 *
 * @param options.alpha one channel of the picture's size
 * @throws StudioError ('failed') where the disk does not take it
 */
export async function writeImage(
  path: string,
  image: Image,
  options: { readonly alpha?: Image; readonly bitDepth?: 8 | 16 } = {}
): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.partial-${process.pid}${extname(path)}`)
  try {
    await encode(image, options).toFile(partial)
    await rename(partial, path)
  } catch (cause) {
    await rm(partial, { force: true })
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new StudioError('failed', `"${path}" could not be written: ${reason}.`, { cause })
  }
}

/** A picture of 8 bits as the bytes of a lossless WebP file, e.g. to put into a page. */
export async function encodeWebp(image: Image): Promise<Buffer> {
  return encode(image, {}).webp({ lossless: true }).toBuffer()
}

function encode(image: Image, { alpha, bitDepth = 8 }: { readonly alpha?: Image; readonly bitDepth?: 8 | 16 }): Sharp {
  const planes = [...planesOf(image), ...(alpha === undefined ? [] : planesOf(alpha))]
  const { width, height } = image
  const stride = planes.length
  const deep = bitDepth === 16
  const samples = deep ? new Uint16Array(width * height * stride) : new Uint8ClampedArray(width * height * stride)
  planes.forEach((plane, channel) => {
    plane.forEach((value, i) => {
      // Bytes are clamped and rounded as they are kept, halves to even as in what is measured.
      samples[i * stride + channel] = deep ? Math.min(Math.max(Math.round(value * 257), 0), 65_535) : value
    })
  })
  const channels = stride === 1 || stride === 2 || stride === 3 || stride === 4 ? stride : 3
  const raw = sharp(samples, { raw: { width, height, channels }, limitInputPixels: pixelLimit })
  if (!deep) return raw.toColourspace(image.channels === 1 ? 'b-w' : 'srgb')
  return raw.toColourspace(image.channels === 1 ? 'grey16' : 'rgb16')
}

function planesOf(image: Image): Float32Array[] {
  const plane = image.width * image.height
  return Array.from({ length: image.channels }, (_, i) => image.data.subarray(i * plane, (i + 1) * plane))
}

/** Paths of the pictures in a folder, by extension, sorted by name. Folders within are not entered. */
export async function listImages(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) throw new StudioError('missing', `There is no folder "${folder}".`)
  if (!(await stat(folder)).isDirectory()) throw new StudioError('missing', `"${folder}" is a file, not a folder.`)
  const entries = await readdir(folder, { withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => name)
    .filter((name) => pictureExtensions.has(extname(name).toLowerCase()) && !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name))
}
