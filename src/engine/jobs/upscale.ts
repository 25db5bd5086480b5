import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { freemem } from 'node:os'
import { basename, extname, join } from 'node:path'
import { formatBits } from '../../contract/bounds'
import type { UpscaleResult } from '../../contract/results'
import { StudioError } from '../../core/errors'
import { type Image } from '../../core/imaging/image'
import { toGrey } from '../../core/imaging/ycbcr'
import { imresize } from '../../core/imaging/imresize'
import type { ModelOverrides } from '../../core/models/model'
import {
  listImages,
  pixelLimit,
  readImage,
  readImageSize,
  writeImage,
  type PictureFile
} from '../../formats/image-files'
import { memoryIn, report, type JobContext } from '../job'
import { withDiskErrors } from '../run-folder'
import type { SuperResolver, TileListener } from '../super-resolver'
import { openSubject, type VariantFilter } from './variants'

export interface UpscaleConfig {
  /** A model file or a run folder. */
  readonly subject: string
  readonly overrides: ModelOverrides
  readonly filter: VariantFilter
  /** Picture files and folders of pictures. */
  readonly inputs: readonly string[]
  /** Folder for the results; made where it is missing. */
  readonly out: string
  readonly memoryCap: number | undefined
}

/** Enlarges pictures and writes them as PNG: `NAME_x4.png`, with the bit depth, greyness and alpha of the original. */
export async function upscale(config: UpscaleConfig, context: JobContext): Promise<UpscaleResult> {
  const { subject: path, overrides, filter, memoryCap } = config
  const subject = await openSubject(path, overrides, filter, memoryIn(context, memoryCap))
  const { model, variants } = subject
  const [variant, second] = variants
  if (variant !== undefined && second !== undefined) {
    const choices = variants.map(({ method, bits }) => `--method ${method} --bits ${formatBits(bits)}`).join(', ')
    throw new StudioError('usage', `"${path}" holds several variants; choose one: ${choices}.`)
  }
  const files = await expandInputs(config.inputs)
  const targets = outputNames(files, config.out, model.scale)
  // What is no picture is told at once, not when its turn comes.
  for (const file of files) expectRoom(file, await readImageSize(file), model.scale)
  await withDiskErrors(config.out, () => mkdir(config.out, { recursive: true }))

  const images: UpscaleResult['images'] = []
  const loaded = await (variant === undefined ? subject.loadFp(context.runtime) : subject.loadVariants(context.runtime))
  try {
    const resolver = 'resolvers' in loaded ? loaded.resolvers[0] : loaded
    if (resolver === undefined) throw new Error('No network is loaded')
    for (const [i, input] of files.entries()) {
      images.push(await enlargeFile(resolver, input, targets[i] ?? ''))
      await report(context, 'upscale', i + 1, files.length, 'pictures')
    }
  } finally {
    await loaded.dispose()
  }
  return { method: variant?.method ?? 'fp', bits: variant?.bits ?? null, images }
}

/** Enlarges a picture file into a PNG file with its bit depth, greyness and alpha. */
export async function enlargeFile(
  resolver: SuperResolver,
  input: string,
  output: string
): Promise<UpscaleResult['images'][number]> {
  const started = performance.now()
  const picture = await readImage(input, 'apply')
  const { width, height } = await writeEnlarged(enlargerOf(resolver), picture, output)
  const tiles = resolver.tileCount(picture.image.width, picture.image.height)
  return { input, output, width, height, seconds: (performance.now() - started) / 1000, tiles }
}

/** What enlarges pictures: a network, or interpolation. */
export interface Enlarger {
  readonly scale: number
  enlarge(picture: Image, onTile?: TileListener): Promise<Image>
}

/** A network as what enlarges pictures. */
export function enlargerOf({ scale, enlarge }: SuperResolver): Enlarger {
  return { scale, enlarge: (picture, onTile) => enlarge(picture, undefined, onTile) }
}

/** Bytes for each pixel that is made: colours and weights of tiles, colours that come of them, and what is written. */
const bytesOfPixel = 4 * (3 + 1 + 3) + 8

/**
 * Expects of a picture that what is made of it fits into a file and into memory: it is made as a whole.
 *
 * @param free bytes there are for it
 * @throws StudioError ('refused')
 */
export function expectRoom(
  path: string,
  { width, height }: { readonly width: number; readonly height: number },
  scale: number,
  free: number = freemem()
): void {
  const pixels = scale * width * scale * height
  const what = `"${path}" would become ${scale * width}×${scale * height} pixels`
  if (pixels > pixelLimit) {
    throw new StudioError(
      'refused',
      `${what}, more than the ${pixelLimit} that a picture may have; cut it into parts first.`
    )
  }
  const [needed, there] = [pixels * bytesOfPixel, free].map((bytes) => (bytes / 2 ** 30).toFixed(1))
  if (pixels * bytesOfPixel > free) {
    const why = `${what}, which takes ${needed} GiB of memory where ${there} GiB are free`
    throw new StudioError('refused', `${why}; cut it into parts first, or close other programs.`)
  }
}

/**
 * Enlarges a picture into a PNG file with its bit depth, greyness and alpha; returns the size.
 *
 * @param onTile of pictures that a network does not take whole
 */
export async function writeEnlarged(
  { scale, enlarge }: Enlarger,
  { image, alpha, bitDepth, isGrey }: PictureFile,
  output: string,
  onTile?: TileListener
): Promise<{ readonly width: number; readonly height: number }> {
  const enlarged = await enlarge(image, onTile)
  const result = isGrey ? toGrey(enlarged) : enlarged
  await writeImage(output, result, { bitDepth, ...(alpha === null ? {} : { alpha: enlargeAlpha(alpha, scale) }) })
  return { width: result.width, height: result.height }
}

/** Transparency is no picture content; it is enlarged by bicubic interpolation. */
function enlargeAlpha(alpha: Image, scale: number): Image {
  return scale === 1 ? alpha : imresize(alpha, scale)
}

async function expandInputs(inputs: readonly string[]): Promise<readonly string[]> {
  return (await Promise.all(inputs.map(picturesOf))).flat()
}

/** A picture file itself, or the pictures in a folder. Throws a StudioError ('missing') where there are none. */
export async function picturesOf(input: string): Promise<readonly string[]> {
  if (!existsSync(input)) throw new StudioError('missing', `There is no picture or folder "${input}".`)
  if (!(await stat(input)).isDirectory()) return [input]
  const found = await listImages(input)
  if (found.length === 0) throw new StudioError('missing', `There are no pictures in "${input}".`)
  return found
}

function outputNames(files: readonly string[], out: string, scale: number): readonly string[] {
  const names = files.map((file) => join(out, `${basename(file, extname(file))}_x${scale}.png`))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    throw new StudioError('refused', `Two pictures would both become "${twice}"; upscale them into different folders.`)
  }
  return names
}
