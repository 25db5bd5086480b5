import type { Rectangle } from '../../contract/pixels'
import type { Pane } from './scene'
import type { Size } from './view'

/**
 * How many tiles of a pane's output are there within a rectangle of a picture, which may be larger or smaller than the pane.
 * Of a pane that has no output, which is there as a whole, none is counted.
 */
export function doneUnder({ width, output }: Pane, rectangle: Rectangle, picture: Size): number {
  if (output === null) return 0
  const side = (output.side * picture.width) / width
  const last = (end: number, count: number): number => Math.min(count, Math.ceil(end / side))
  let done = 0
  for (let row = Math.floor(rectangle.top / side); row < last(rectangle.top + rectangle.height, output.rows); row++) {
    const end = last(rectangle.left + rectangle.width, output.columns)
    for (let column = Math.floor(rectangle.left / side); column < end; column++) {
      if (output.done.has(`${column}-${row}`)) done++
    }
  }
  return done
}
