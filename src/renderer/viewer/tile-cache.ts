import type { z } from 'zod'
import type { pictureCalls, Pixels, PixelSource } from '../../contract/pixels'
import type { PyramidPicture, TilePlace } from './pyramid'

export type TileArgs = z.input<(typeof pictureCalls)['pictures.tile']['args']>
export type AskTile = (args: TileArgs, signal: AbortSignal) => Promise<Pixels>

/** A tile as it is drawn. */
export interface TileImage {
  readonly width: number
  readonly height: number
  close(): void
}

/** A tile that is to be there. */
export interface WantedTile {
  readonly picture: PyramidPicture
  readonly place: TilePlace
  /** Grows as more of the tile can be had: one that is not complete is asked for again once it did. */
  readonly version: number
}

interface KeptTile<I extends TileImage> {
  readonly image: I
  readonly bytes: number
  readonly isComplete: boolean
  readonly version: number
}

interface TileCacheOptions<I extends TileImage> {
  readonly ask: AskTile
  /** Makes of pixels what is drawn quickly. */
  readonly makeImage: (pixels: Pixels) => Promise<I>
  /** Something can be drawn that could not before, or could not be had. */
  readonly onChange: () => void
  /** What images may take together; what is wanted is kept even where it takes more. */
  readonly bytes: number
  /** Tiles that are asked for at a time. */
  readonly atOnce: number
}

/** Asks that are repeated where the process that reads pictures ended meanwhile. */
const mostAttempts = 3

export function tileKey(picture: string, { level, column, row }: TilePlace): string {
  return `${level}/${column}-${row} ${picture}`
}

/**
 * Tiles of pictures, as many as fit: those that were drawn longest ago go first. It asks for what is wanted in the order it is
 * wanted in, a few tiles at a time, and gives up what is not wanted any more.
 */
export class TileCache<I extends TileImage> {
  readonly #options: TileCacheOptions<I>
  /** The one that was used longest ago first. */
  readonly #tiles = new Map<string, KeptTile<I>>()
  readonly #asked = new Map<string, AbortController>()
  /** Why tiles could not be had, by their keys; of wanted tiles alone. */
  readonly #failures = new Map<string, string>()
  readonly #attempts = new Map<string, number>()
  #wanted: ReadonlyMap<string, WantedTile> = new Map()
  #bytes = 0
  #isClosed = false

  constructor(options: TileCacheOptions<I>) {
    this.#options = options
  }

  /** Bytes of all images. */
  get bytes(): number {
    return this.#bytes
  }

  /** A tile, where it is there. It is taken for used. */
  imageAt(picture: string, place: TilePlace): I | null {
    const key = tileKey(picture, place)
    const tile = this.#tiles.get(key)
    if (tile === undefined) return null
    this.#tiles.delete(key)
    this.#tiles.set(key, tile)
    return tile.image
  }

  /** Why a tile of a picture that is wanted, or of its difference, cannot be had; null where nothing is known to be wrong. */
  failureOf(source: PixelSource): string | null {
    // Nearly always there is nothing to compare.
    if (this.#failures.size === 0) return null
    const text = JSON.stringify(source)
    for (const [key, message] of this.#failures) {
      const tile = this.#wanted.get(key)
      if (tile !== undefined && JSON.stringify(tile.picture.source) === text) return message
    }
    return null
  }

  /** Whether all that is wanted is there as far as it can be had. */
  get isSettled(): boolean {
    return [...this.#wanted].every(([key, tile]) => !this.#isMissing(key, tile) || this.#failures.has(key))
  }

  /** Says which tiles are to be there, those that matter most first. */
  want(tiles: readonly WantedTile[]): void {
    this.#wanted = new Map(tiles.map((tile) => [tileKey(tile.picture.key, tile.place), tile]))
    for (const [key, controller] of this.#asked) if (!this.#wanted.has(key)) controller.abort()
    for (const known of [this.#failures, this.#attempts]) {
      for (const key of known.keys()) if (!this.#wanted.has(key)) known.delete(key)
    }
    this.#askNext()
  }

  /** Asks again for what could not be had. */
  retry(): void {
    this.#failures.clear()
    this.#attempts.clear()
    this.#askNext()
  }

  /** Gives up and frees everything. */
  close(): void {
    this.#isClosed = true
    this.#wanted = new Map()
    for (const controller of this.#asked.values()) controller.abort()
    for (const { image } of this.#tiles.values()) image.close()
    this.#tiles.clear()
    this.#failures.clear()
    this.#attempts.clear()
    this.#bytes = 0
  }

  #isMissing(key: string, { version }: WantedTile): boolean {
    const tile = this.#tiles.get(key)
    return tile === undefined || (!tile.isComplete && tile.version < version)
  }

  #askNext(): void {
    if (this.#isClosed) return
    for (const [key, tile] of this.#wanted) {
      if (this.#asked.size >= this.#options.atOnce) return
      if (this.#asked.has(key) || this.#failures.has(key) || !this.#isMissing(key, tile)) continue
      void this.#ask(key, tile)
    }
  }

  async #ask(key: string, { picture: { source, difference }, place, version }: WantedTile): Promise<void> {
    const controller = new AbortController()
    const { signal } = controller
    this.#asked.set(key, controller)
    try {
      const pixels = await this.#options.ask({ source, difference, ...place }, signal)
      // What has come is kept even if it is not wanted any more.
      if (!this.#isClosed) this.#keep(key, pixels, version, await this.#options.makeImage(pixels))
    } catch (error) {
      if (!signal.aborted) this.#fail(key, error)
    } finally {
      this.#asked.delete(key)
      this.#askNext()
    }
  }

  #keep(key: string, { width, height, isComplete }: Pixels, version: number, image: I): void {
    if (this.#isClosed) {
      image.close()
      return
    }
    this.#drop(key)
    const bytes = 4 * width * height
    this.#tiles.set(key, { image, bytes, isComplete, version })
    this.#bytes += bytes
    this.#attempts.delete(key)
    for (const old of [...this.#tiles.keys()]) {
      if (this.#bytes <= this.#options.bytes) break
      if (!this.#wanted.has(old)) this.#drop(old)
    }
    this.#options.onChange()
  }

  #drop(key: string): void {
    const tile = this.#tiles.get(key)
    if (tile === undefined) return
    this.#tiles.delete(key)
    this.#bytes -= tile.bytes
    tile.image.close()
  }

  #fail(key: string, error: unknown): void {
    const attempts = (this.#attempts.get(key) ?? 0) + 1
    this.#attempts.set(key, attempts)
    const wasLost = error instanceof Error && 'code' in error && error.code === 'lost'
    if (wasLost && attempts < mostAttempts) return
    this.#failures.set(key, error instanceof Error ? error.message : String(error))
    this.#options.onChange()
  }
}
