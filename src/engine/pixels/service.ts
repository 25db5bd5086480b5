import type { z } from 'zod'
import { pictureCalls, type PictureCall, type PixelSource } from '../../contract/pixels'
import { largerOf } from '../../core/imaging/registration'
import { readImageSize } from '../../formats/image-files'
import { orNull, StudioError } from '../errors'
import { answerCall, isCallOf, type CallHandlers } from '../service/answer-call'
import type { Service } from '../service/server'
import { BicubicPicture } from './bicubic-picture'
import { differencePiece } from './difference-piece'
import { enlargedPiece } from './enlarged-piece'
import { LevelCache } from './level-cache'
import { expectWithin, measureRegion, worstRegions } from './measure'
import { openOutput } from './output-picture'
import { partOf, tileOf, type Picture } from './picture'
import { PictureFiles, stampOf } from './picture-files'

/** Bytes that levels of outputs and of enlarged pictures may take, and tiles of outputs, of which few are seen at once. */
const levelBytes = 2 ** 27
const tileBytes = 2 ** 27
const mostTiles = 512

/** Side of the largest piece that is told at once: 64 MiB. */
const mostPiece = 4096

type Result<C extends PictureCall> = z.infer<(typeof pictureCalls)[C]['result']>

/** What reads pictures for windows: answers `pictureCalls`. Nothing but pixels of pictures is ever told. */
export function openPictures(files = new PictureFiles()): Service {
  const tiles = new PictureFiles(tileBytes, mostTiles)
  const levels = new LevelCache(levelBytes)

  const open = async (source: PixelSource): Promise<Picture> => {
    switch (source.kind) {
      case 'file': {
        const { picture } = await files.open(source.path)
        return picture
      }
      case 'bicubic': {
        const { picture, stamp } = await files.open(source.path)
        return new BicubicPicture(picture, `${stamp} ${source.path}`, source.scale, levels)
      }
      case 'tiles':
        return openOutput(source, tiles, levels)
    }
  }

  const handlers: CallHandlers<typeof pictureCalls> = {
    'pictures.open': async ({ source }) => {
      if (source.kind === 'tiles') return { width: source.width, height: source.height, stamp: '' }
      const stamp = await stampOf(source.path)
      const { width, height } = await readImageSize(source.path)
      // What is wrong with it is told to those who ask for its pixels.
      files.open(source.path).catch(() => undefined)
      const scale = source.kind === 'bicubic' ? source.scale : 1
      return { width: scale * width, height: scale * height, stamp }
    },
    'pictures.tile': async ({ source, difference, level, column, row }, { signal }) => {
      const picture = await open(source)
      const reference = difference === null ? picture : await open(difference.reference)
      signal.throwIfAborted()
      const size = largerOf(picture, reference)
      const part = tileOf(partOf(size, level), column, row)
      if (part === null)
        throw new StudioError('usage', `The picture has no tile (${column}, ${row}) at level ${level}.`)
      if (difference === null) return enlargedPiece(picture, size, level, part, signal)
      return differencePiece(picture, reference, difference, level, part, signal)
    },
    'pictures.piece': async ({ source, rectangle }, { signal }) => {
      if (rectangle.width > mostPiece || rectangle.height > mostPiece) {
        const what = `${rectangle.width}×${rectangle.height} pixels are too many at once`
        throw new StudioError('refused', `${what}; choose ${mostPiece}×${mostPiece} at most.`)
      }
      const picture = await open(source)
      signal.throwIfAborted()
      expectWithin(rectangle, picture)
      return picture.piece(0, rectangle, signal)
    },
    'pictures.at': async ({ sources, width, height, x, y }, { signal }) => {
      if (x >= width || y >= height) {
        throw new StudioError('usage', `The place (${x}, ${y}) is not in a picture of ${width}×${height}.`)
      }
      const coloursOf = async (source: PixelSource): Promise<Result<'pictures.at'>[number]> => {
        const picture = await open(source)
        const left = Math.floor((x * picture.width) / width)
        const top = Math.floor((y * picture.height) / height)
        const { rgba, isComplete } = await picture.piece(0, { left, top, width: 1, height: 1 }, signal)
        const [red = 0, green = 0, blue = 0] = rgba
        return isComplete ? [red, green, blue] : null
      }
      return Promise.all(sources.map((source) => orNull(coloursOf(source))))
    },
    'pictures.region': async ({ reference, sources, rectangle }, { signal }) => {
      const pictures = await Promise.all(sources.map((source) => orNull(open(source))))
      return [...(await measureRegion(await open(reference), pictures, rectangle, signal))]
    },
    'pictures.worst': async ({ source, fp, truth, side, count }, { signal }) => {
      const pictures = {
        picture: await open(source),
        fp: await open(fp),
        truth: truth === null ? null : await open(truth)
      }
      const worst = await worstRegions(pictures, side, count, signal)
      return worst.map(({ error, errorOfFp, ...rectangle }) => ({ rectangle, error, errorOfFp }))
    }
  }

  return {
    call: (name, args, context) => {
      if (!isCallOf(pictureCalls, name)) throw new StudioError('usage', `What reads pictures knows no call "${name}".`)
      return answerCall(pictureCalls, handlers, name, args, context)
    },
    feed: (topic) => {
      throw new StudioError('usage', `What reads pictures knows no topic "${topic}".`)
    }
  }
}
