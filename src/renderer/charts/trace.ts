import type { Place } from './decimate'

/** What a line is traced with: the path of a canvas, for one. */
interface Pen {
  moveTo(x: number, y: number): void
  lineTo(x: number, y: number): void
}

/**
 * Traces a line in dashes that are measured across and not along it. Where a line goes up and down within a few pixels,
 * dashes along it could not be told from each other, and most of the time of drawing would be theirs: measured in software,
 * ten lines of 560 points take 48 ms with dashes along them and 7 ms without.
 *
 * @param line in pixels, in the order of x
 * @param dash lengths of dashes and gaps in turn, an even number of them; none for a line without gaps
 */
export function traceAcross(pen: Pen, line: readonly Place[], dash: readonly number[]): void {
  const [first, ...rest] = line
  if (first === undefined) return
  pen.moveTo(first.x, first.y)
  let at = 0
  let end = first.x + (dash[0] ?? Infinity)
  let from = first
  for (const to of rest) {
    while (end < to.x) {
      const y = from.y + ((end - from.x) / (to.x - from.x)) * (to.y - from.y)
      if (at % 2 === 0) pen.lineTo(end, y)
      else pen.moveTo(end, y)
      at = (at + 1) % dash.length
      end += dash[at] ?? Infinity
    }
    if (at % 2 === 0) pen.lineTo(to.x, to.y)
    from = to
  }
}
