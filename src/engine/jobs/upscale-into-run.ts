import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { variantFileName, variantKey, type Variant } from '../../contract/bounds'
import { readImageSize } from '../../formats/image-files'
import { memoryIn, report, type JobContext } from '../job'
import { openRun, withDiskErrors } from '../run-folder'
import { addUpscaled, readUpscaled, upscaledFolder, type UpscaledPicture } from '../upscaled-list'
import { enlargeFile, expectRoom } from './upscale'
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
 * original, or `upscaled/NAME (2)-…` where there is one already. The same picture by the same variant replaces what was there.
 */
export async function upscaleIntoRun(
  { run, picture, variant, memoryCap }: UpscaleIntoRunConfig,
  context: JobContext
): Promise<void> {
  // What is no picture is told before a network is loaded.
  const size = await readImageSize(picture)
  await openRun(run)
  const loaded = await loadOne(run, variant, context.runtime, memoryIn(context, memoryCap))
  try {
    const { resolver } = loaded
    expectRoom(picture, size, resolver.scale)
    const source = resolve(picture)
    const name = basename(source, extname(source))
    const { method, bits } = variant ?? { method: 'fp' as const, bits: null }
    const file = newFile(run, { name, method, bits }, resolver.scale, await readUpscaled(run))
    await withDiskErrors(run, () => mkdir(join(run, upscaledFolder), { recursive: true }))
    const enlarged = await enlargeFile(resolver, source, join(run, file))
    await addUpscaled(run, { source, file, name, method, bits, width: enlarged.width, height: enlarged.height })
    await report(context, 'upscale', 1, 1, 'pictures')
  } finally {
    await loaded.dispose()
  }
}

/** A file with a number above those of its name: a page that shows an earlier one would not see that it changed. */
function newFile(
  run: string,
  picture: Pick<UpscaledPicture, 'name' | 'method' | 'bits'>,
  scale: number,
  known: readonly UpscaledPicture[]
): string {
  const { name, method, bits } = picture
  const alike = known.filter((each) => each.name === name && variantKey(each) === variantKey(picture))
  const numbers = alike.map(({ file }) => numberOf(file.slice(`${upscaledFolder}/${name}`.length)))
  for (let number = Math.max(0, ...numbers) + 1; ; number++) {
    const numbered = number === 1 ? name : `${name} (${number})`
    const file = `${upscaledFolder}/${numbered}-${variantFileName(method, bits)}_x${scale}.png`
    if (!existsSync(join(run, file))) return file
  }
}

/** The number that stands after a picture's name; the first has none. */
const numberOf = (rest: string): number => Number(/^ \((\d+)\)/.exec(rest)?.[1] ?? 1)
