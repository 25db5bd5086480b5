import type { Pixels, Rectangle } from '../../contract/pixels'
import { pixelTileSide } from '../../contract/pixels'
import { registration } from '../../core/imaging/registration'
import { dataAddress } from '../pictures'
import { levelFor, pieceOf, type FigurePiece } from './figure'
import { pictures } from './pictures'
import { levelSize } from './pyramid'
import type { Pane, Scene } from './scene'

/** A piece of a picture for a figure, and whether all of it is there. */
export interface ReadPiece {
  readonly piece: FigurePiece
  readonly isComplete: boolean
}

/** Reads what a region of a scene shows of a pane, in the pane's own pixels. */
export async function readPiece(scene: Scene, pane: Pane, region: Rectangle, signal?: AbortSignal): Promise<ReadPiece> {
  const factor = registration(scene, pane) ?? 1
  const { left, top, width, height } = pieceOf(region, factor)
  const rectangle = {
    left,
    top,
    width: Math.min(width, pane.width - left),
    height: Math.min(height, pane.height - top)
  }
  const pixels = await pictures.call('pictures.piece', { source: pane.source, rectangle }, signal)
  const canvas = canvasOf(pixels.width, pixels.height)
  put(canvas, pixels, 0, 0)
  return {
    piece: {
      address: await addressOf(canvas),
      left: left * factor,
      top: top * factor,
      width: pixels.width * factor,
      height: pixels.height * factor
    },
    isComplete: pixels.isComplete
  }
}

/** Reads all of a pane, from the coarsest level that is as wide as it will be drawn, as the address of a PNG file. */
export async function readWhole(pane: Pane, drawn: number, signal?: AbortSignal): Promise<string> {
  const level = levelFor(pane.width, drawn)
  const { width, height } = levelSize(pane, level)
  const canvas = canvasOf(width, height)
  for (let row = 0; row * pixelTileSide < height; row++) {
    for (let column = 0; column * pixelTileSide < width; column++) {
      const tile = { source: pane.source, difference: null, level, column, row }
      put(canvas, await pictures.call('pictures.tile', tile, signal), column * pixelTileSide, row * pixelTileSide)
    }
  }
  return addressOf(canvas)
}

function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  return canvas
}

function put(canvas: HTMLCanvasElement, { width, height, rgba }: Pixels, left: number, top: number): void {
  const data = new ImageData(new Uint8ClampedArray(rgba), width, height)
  canvas.getContext('2d')?.putImageData(data, left, top)
}

async function addressOf(canvas: HTMLCanvasElement): Promise<string> {
  const blob = await new Promise<Blob | null>((resolve) => {
    canvas.toBlob(resolve, 'image/png')
  })
  if (blob === null) throw new Error('This piece of the picture is too large to be drawn: choose a smaller region.')
  return dataAddress(new Uint8Array(await blob.arrayBuffer()), 'image/png')
}
