import type { Rectangle } from '../../contract/pixels'
import type { Pane, Scene } from './scene'

/** A region in pixels of the scene, and how much was lost there. */
export interface WorstRegion {
  readonly rectangle: Rectangle
  /**
   * Decibels by which PSNR against the truth is lower than that of full precision; without a truth, PSNR against full
   * precision. Infinite where full precision, or the picture, has no error there.
   */
  readonly decibels: number
}

/** Side of the regions that are looked for: an eighth of the picture's shorter side, 32 to 160 pixels. */
export function sideOf({ width, height }: Pick<Scene, 'width' | 'height'>): number {
  return Math.max(8, Math.min(160, width, height, Math.max(32, 8 * Math.round(Math.min(width, height) / 64))))
}

/** Squared errors on Y as decibels: the loss against full precision, or where there is no truth (errorOfFp 0), PSNR. */
export function decibelsOf(error: number, errorOfFp: number, hasTruth: boolean): number {
  return hasTruth ? 10 * Math.log10(error / errorOfFp) : 10 * Math.log10(255 ** 2 / error)
}

/** Whether all of a pane is there. */
export function isWhole({ output }: Pane): boolean {
  return output === null || output.done.size >= output.columns * output.rows
}
