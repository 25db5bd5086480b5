import { toRgb, toTensor, type Image } from '../core/imaging/image'
import { cutPatch, drawPatches, type Patch } from '../core/imaging/patches'
import { toGrey } from '../core/imaging/ycbcr'
import type { Model } from '../core/models/model'
import { lowResolutionSize, readPair, type PictureEntry, type PictureSet } from './picture-sets'

/** Draws low-resolution patches from pictures. Only the pictures' headers are read for that. */
export async function draw(
  entries: readonly PictureEntry[],
  scale: number,
  options: Parameters<typeof drawPatches>[1]
): Promise<readonly Patch[]> {
  const measured = await Promise.all(
    entries.map(async (entry) => ({ name: entry.name, ...(await lowResolutionSize(entry, scale)) }))
  )
  return drawPatches(measured, options)
}

/** The patches as the network takes them, picture by picture, so that one picture at a time is in memory. */
export async function* readByPicture(
  { entries }: PictureSet,
  model: Model,
  drawn: readonly Patch[]
): AsyncGenerator<Float32Array> {
  for (const [i, entry] of entries.entries()) {
    const wanted = drawn.filter(({ picture }) => picture === i)
    if (wanted.length === 0) continue
    const picture = await readPicture(entry, model)
    for (const patch of wanted) yield toTensor(cutPatch(picture, patch))
  }
}

/** Decoded pictures that are kept while patches are read in the order of their drawing. */
export const mostPictures = 64

/** The patches in the order they were drawn, so many at a time. */
export async function* readInOrder(
  entries: readonly PictureEntry[],
  model: Model,
  drawn: readonly Patch[],
  batch: number
): AsyncGenerator<readonly Float32Array[]> {
  const pictures = new Map<number, Image>()
  let collected: Float32Array[] = []
  for (const patch of drawn) {
    const entry = entries[patch.picture]
    if (entry === undefined) throw new Error('A patch of no picture was drawn')
    const picture = pictures.get(patch.picture) ?? (await readPicture(entry, model))
    // What was used last stands last; the first goes when there are too many.
    pictures.delete(patch.picture)
    pictures.set(patch.picture, picture)
    const [oldest] = pictures.keys()
    if (pictures.size > mostPictures && oldest !== undefined) pictures.delete(oldest)
    collected.push(toTensor(cutPatch(picture, patch)))
    if (collected.length < batch) continue
    yield collected
    collected = []
  }
}

/** Patches with their high-resolution counterparts, null where there are none, in the order they were drawn. */
export async function readPairs(
  entries: readonly PictureEntry[],
  model: Model,
  drawn: readonly Patch[]
): Promise<readonly { readonly lr: Float32Array; readonly hr: Float32Array | null }[]> {
  const pairs: { readonly lr: Float32Array; readonly hr: Float32Array | null }[] = []
  for (const patch of drawn) {
    const entry = entries[patch.picture]
    if (entry === undefined) throw new Error('A patch of no picture was drawn')
    const { lr, hr } = await readPair(entry, model.scale)
    pairs.push({
      lr: toTensor(cutPatch(asNetworkTakes(lr, model), patch)),
      hr: hr === null ? null : toTensor(cutPatch(asNetworkTakes(hr, model), patch, model.scale))
    })
  }
  return pairs
}

function asNetworkTakes(picture: Image, { channels }: Model): Image {
  return channels === 3 ? toRgb(picture) : toGrey(picture)
}

async function readPicture(entry: PictureEntry, model: Model): Promise<Image> {
  const { lr } = await readPair(entry, model.scale)
  return asNetworkTakes(lr, model)
}
