import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bits, Method } from '../../contract/bounds'
import type { TileResult } from '../../contract/results'
import { StudioError } from '../../core/errors'
import { crop, quantizeTo8Bit, type Image } from '../../core/imaging/image'
import type { Runtime } from '../../core/runtime'
import { encodeWebp, readImage } from '../../formats/image-files'
import { boundsFile } from '../run-folder'
import { tileOverlap } from '../super-resolver'
import { loadOne, type LoadedResolver } from './variants'

/** A piece of a picture as one network of a run enlarges it. */
export interface TileConfig {
  /** The run folder. */
  readonly folder: string
  /** A low-resolution picture. */
  readonly picture: string
  /** A method of the run at certain bits, or full precision (null). */
  readonly variant: { readonly method: Method; readonly bits: Bits } | null
  /** Which part, in pixels of the picture. */
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** Enlarges pieces of pictures. The network and the picture of the last one are kept: users look around in one at a time. */
export class TileReader {
  readonly #runtime: Runtime
  #network: { readonly key: string; readonly loaded: Promise<LoadedResolver> } | null = null
  #picture: { readonly key: string; readonly image: Promise<Image> } | null = null
  /** Tiles are made one after the other: a network that is in use is not given back. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /**
   * Enlarges a piece with as much around it as the network sees, which is then cut off.
   *
   * @throws StudioError ('usage') where the piece does not lie in the picture
   */
  tile(config: TileConfig, signal?: AbortSignal): Promise<TileResult> {
    const made = this.#last.then(() => {
      // Those who look around give up tiles before their turn comes.
      signal?.throwIfAborted()
      return this.#make(config)
    })
    this.#last = made.catch(() => undefined)
    return made
  }

  async dispose(): Promise<void> {
    await this.#last
    await this.#release()
  }

  async #make({ folder, picture: path, variant, left, top, width, height }: TileConfig): Promise<TileResult> {
    const picture = await this.#open(path)
    if (left + width > picture.width || top + height > picture.height) {
      const sizes = `${width}×${height} at ${left}, ${top} does not lie in ${picture.width}×${picture.height}`
      throw new StudioError('usage', `There is no such piece of "${path}": ${sizes}.`)
    }
    const { resolver, multiple } = await this.#load(folder, variant)
    const outwardStart = (from: number): number => Math.max(0, Math.floor((from - tileOverlap) / multiple) * multiple)
    const [x, y] = [outwardStart(left), outwardStart(top)]
    const outwardEnd = (to: number, end: number): number =>
      Math.min(end, Math.ceil((to + tileOverlap) / multiple) * multiple)
    const right = outwardEnd(left + width, picture.width)
    const bottom = outwardEnd(top + height, picture.height)
    const enlarged = await resolver.enlarge(crop(picture, x, y, right - x, bottom - y))
    const { scale } = resolver
    const piece = crop(enlarged, (left - x) * scale, (top - y) * scale, width * scale, height * scale)
    const webp = await encodeWebp(quantizeTo8Bit(piece))
    return { width: piece.width, height: piece.height, webp: new Uint8Array(webp) }
  }

  async #open(path: string): Promise<Image> {
    const key = `${path} ${await changeOf(path)}`
    if (this.#picture?.key !== key) {
      this.#picture = { key, image: readImage(path).then(({ image }) => image) }
    }
    try {
      return await this.#picture.image
    } catch (error) {
      this.#picture = null
      throw error
    }
  }

  async #load(folder: string, variant: TileConfig['variant']): Promise<LoadedResolver> {
    const key = JSON.stringify([folder, await changeOf(join(folder, boundsFile)), variant])
    if (this.#network?.key !== key) {
      await this.#release()
      this.#network = { key, loaded: loadOne(folder, variant, this.#runtime) }
    }
    try {
      return await this.#network.loaded
    } catch (error) {
      this.#network = null
      throw error
    }
  }

  async #release(): Promise<void> {
    const network = this.#network
    this.#network = null
    if (network !== null) await (await network.loaded).dispose()
  }
}

/** When a file was changed last; 0 where there is none, which whoever reads it will say. */
async function changeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0
  )
}
