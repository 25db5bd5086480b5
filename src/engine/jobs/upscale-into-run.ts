import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { variantFileName, type Variant } from '../../contract/bounds'
import { readImageSize } from '../../formats/image-files'
import { report, type JobContext } from '../job'
import { openRun, withDiskErrors } from '../run-folder'
import { addUpscaled, readUpscaled, upscaledFolder, type UpscaledPicture } from '../upscaled-list'
import { enlargeFile } from './upscale'
import { loadOne } from './variants'

export interface UpscaleIntoRunConfig {
  /** The run folder. */
  readonly run: string
  /** The user's picture. */
  readonly picture: string
  /** What enlarges it; null is full precision. */
  readonly variant: Pick<Variant, 'method' | 'bits'> | null
  /** Bytes the values of a network may take. */
  readonly memoryCap: number | undefined
}

/**
 * Enlarges a picture into `upscaled/NAME-METHOD-BITS_x4.png` of a run folder, with the bit depth, greyness and alpha of the
 * original. The same picture by the same variant takes the place of what was there; another picture of that name gets a
 * number.
 */
export async function upscaleIntoRun(
  { run, picture, variant, memoryCap }: UpscaleIntoRunConfig,
  context: JobContext
): Promise<void> {
  // What is no picture is told before a network is loaded.
  await readImageSize(picture)
  await openRun(run)
  const loaded = await loadOne(run, variant, context.runtime, memoryCap)
  try {
    const { resolver } = loaded
    const source = resolve(picture)
    const name = basename(source, extname(source))
    const { method, bits } = variant ?? { method: 'fp' as const, bits: null }
    const file = freeFile(
      run,
      source,
      name,
      `-${variantFileName(method, bits)}_x${resolver.scale}.png`,
      await readUpscaled(run)
    )
    await withDiskErrors(run, () => mkdir(join(run, upscaledFolder), { recursive: true }))
    const enlarged = await enlargeFile(resolver, source, join(run, file))
    await addUpscaled(run, { source, file, name, method, bits, width: enlarged.width, height: enlarged.height })
    await report(context, 'upscale', 1, 1, 'pictures')
  } finally {
    await loaded.dispose()
  }
}

/** A file that no other picture has become. */
function freeFile(
  run: string,
  source: string,
  name: string,
  ending: string,
  known: readonly UpscaledPicture[]
): string {
  const isFree = (file: string): boolean => {
    // Some disks do not tell capitals from small letters.
    const there = known.find((each) => each.file.toLowerCase() === file.toLowerCase())
    return there === undefined ? !existsSync(join(run, file)) : there.source === source
  }
  let file = `${upscaledFolder}/${name}${ending}`
  for (let number = 2; !isFree(file); number++) file = `${upscaledFolder}/${name} (${number})${ending}`
  return file
}
