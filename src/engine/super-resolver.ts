import { OutOfMemoryError } from '../core/errors'
import { estimateMemory } from '../core/evaluation/memory'
import { crop, fromTensor, padTo, toRgb, toTensor, type Image } from '../core/imaging/image'
import { toGrey } from '../core/imaging/ycbcr'
import { evenSide, planTiles, TileBlender } from '../core/imaging/tiles'
import { paddedSize, pictureInput, pictureOutput, type Model } from '../core/models/model'
import type { NamedTensors, Session } from '../core/runtime'
import { floatTensor } from '../core/tensor'

/** Tokens that tiles share with their neighbours: a window and a half on either side. */
export const tileOverlap = 24

/** Hears after each tile how many of how many are done, and may hold up the next one or, by rejecting, give it up. */
export type TileListener = (done: number, total: number) => Promise<void>

/** Enlarges pictures with a loaded network, as the evaluation protocol pads them, tile by tile where memory asks for it. */
export interface SuperResolver {
  readonly scale: number
  /** Tiles a picture of this size is cut into; 1 when it is taken whole. */
  tileCount(width: number, height: number): number
  /** Pixels that the network is shown for a picture of this size: what is padded, and what tiles share, counts. */
  computedPixels(width: number, height: number): number
  /**
   * The enlarged picture, not yet rounded to 8 bits. Colour networks take grey pictures as three equal channels,
   * networks of one channel the luma of colour pictures.
   *
   * @param constants further inputs of the network: bounds and levels of its quantizers
   * @param onTile for pictures that are not taken whole
   * @throws OutOfMemoryError where memory is short even for the smallest tiles
   */
  enlarge(picture: Image, constants?: NamedTensors, onTile?: TileListener): Promise<Image>
}

/**
 * @param session the model's graph, or the same with quantizers
 * @param memoryCap bytes that the values of the network may take; where less is there, tiles become smaller
 * @param warn hears that they did
 */
export function superResolver(
  session: Session,
  model: Model,
  memoryCap: number,
  warn: (message: string) => void = () => undefined
): SuperResolver {
  const memory = estimateMemory(model.graph)
  /** Halved whenever memory turns out to be short. */
  let cap = memoryCap
  const { scale, multiple } = model

  /** The largest square tile that fits into memory, a multiple of the window. */
  function largestTile(): number {
    let side = paddedSize(model, multiple)
    while (memory.peakBytes(side + multiple, side + multiple) <= cap && side < 4096) side += multiple
    return Math.max(side, paddedSize(model, 2 * tileOverlap + multiple * Math.ceil(8 / multiple)))
  }

  function tilesOf(width: number, height: number): ReturnType<typeof planTiles> | null {
    if (model.fixedSize !== null) {
      if (model.fixedSize === width && model.fixedSize === height) return null
      const overlap = Math.min(tileOverlap, Math.floor(model.fixedSize / 4))
      const tile = { width: model.fixedSize, height: model.fixedSize }
      return planTiles(width, height, { tile, overlap, multiple: 1 })
    }
    if (memory.peakBytes(paddedSize(model, width), paddedSize(model, height)) <= cap) return null
    const largest = largestTile()
    const side = (total: number): number => evenSide(total, largest, tileOverlap, multiple)
    const tile = { width: side(width), height: side(height) }
    return planTiles(width, height, { tile, overlap: tileOverlap, multiple })
  }

  async function run(picture: Image, constants: NamedTensors): Promise<Image> {
    const padded = padTo(picture, paddedSize(model, picture.width), paddedSize(model, picture.height), model.padding)
    const { channels, width, height } = padded
    const input = floatTensor(toTensor(padded), [1, channels, height, width])
    const output = (await session.run(new Map([[pictureInput, input], ...constants]))).get(pictureOutput)
    if (output?.type !== 'float32') throw new Error(`The network gave no float32 output "${pictureOutput}"`)
    const enlarged = fromTensor(output.data, width * scale, height * scale, channels)
    return crop(enlarged, 0, 0, picture.width * scale, picture.height * scale)
  }

  async function attempt(picture: Image, constants: NamedTensors, onTile: TileListener): Promise<Image> {
    const tiles = tilesOf(picture.width, picture.height)
    if (tiles === null) return run(picture, constants)
    const blender = new TileBlender(picture.width, picture.height, picture.channels, scale)
    for (const [i, tile] of tiles.entries()) {
      blender.add(tile, await run(crop(picture, tile.left, tile.top, tile.width, tile.height), constants))
      await onTile(i + 1, tiles.length)
    }
    return blender.picture()
  }

  /** Halves the memory that tiles of a picture take; whether there are smaller ones then. */
  function makeTilesSmaller({ width, height }: Image): boolean {
    if (model.fixedSize !== null) return false
    const bytes = (): number => {
      const [tile = { width, height }] = tilesOf(width, height) ?? []
      return memory.peakBytes(paddedSize(model, tile.width), paddedSize(model, tile.height))
    }
    const before = bytes()
    cap = Math.min(cap, before) / 2
    // Below the smallest tile there is none that takes less.
    if (bytes() >= before) return false
    warn('Memory was short for what pictures were cut into; it goes on with smaller tiles.')
    return true
  }

  return {
    scale,
    tileCount: (width, height) => tilesOf(width, height)?.length ?? 1,
    computedPixels: (width, height) => {
      const tiles = tilesOf(width, height)
      if (tiles !== null) return tiles.reduce((sum, tile) => sum + tile.width * tile.height, 0)
      return paddedSize(model, width) * paddedSize(model, height)
    },
    async enlarge(given, constants = new Map(), onTile = () => Promise.resolve()) {
      const picture = model.channels === 3 ? toRgb(given) : toGrey(given)
      for (;;) {
        try {
          return await attempt(picture, constants, onTile)
        } catch (error) {
          if (!(error instanceof OutOfMemoryError) || !makeTilesSmaller(picture)) throw error
        }
      }
    }
  }
}
