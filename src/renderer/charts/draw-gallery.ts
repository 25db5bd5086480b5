import type { Interval } from './plot'
import { colourOf, fontFamily, inkOf } from './style'
import { draw, round, sheet, type Drawn } from './svg'

/** A small histogram and what stands by it. */
export interface Thumbnail {
  readonly name: string
  readonly kind: 'weight' | 'activation'
  readonly min: number
  readonly max: number
  readonly shares: readonly number[]
  readonly bounds: Interval | null
  /** One line below the name. */
  readonly text: string
}

/**
 * A small histogram: roots of shares, and the bounds as lines between which values are kept. Weights are filled, of
 * activations there is the outline.
 */
export function drawThumbnail(
  { kind, min, max, shares, bounds }: Omit<Thumbnail, 'name' | 'text'>,
  width: number,
  height: number,
  isDark: boolean
): Drawn {
  const ink = inkOf(isDark)
  const colour = colourOf(kind === 'weight' ? 0 : 1, isDark)
  const tallest = Math.sqrt(Math.max(...shares, 0)) || 1
  const base = height - 1
  const toX = (value: number): number => Math.min(width - 1, Math.max(1, ((value - min) / (max - min || 1)) * width))
  const steps = shares.map((share, i) => {
    const top = base - (Math.sqrt(share) / tallest) * (base - 3)
    return `V${round(top)}H${round(((i + 1) / shares.length) * width)}`
  })
  const bound = (at: number): Drawn =>
    draw('line', { x1: round(toX(at)), x2: round(toX(at)), y1: 0, y2: base, stroke: ink.text, 'stroke-width': 1.5 })
  const dimmed = (from: number, to: number): Drawn =>
    draw('rect', {
      x: round(from),
      y: 0,
      width: round(Math.max(0, to - from)),
      height: base,
      fill: ink.text,
      'fill-opacity': 0.16
    })
  return sheet(width, height, [
    draw('path', {
      d: `M0 ${base}${steps.join('')}V${base}Z`,
      fill: colour,
      'fill-opacity': kind === 'weight' ? 0.85 : 0.2,
      stroke: colour,
      'stroke-width': 1
    }),
    draw('line', { x1: 0, x2: width, y1: base, y2: base, stroke: ink.text, 'stroke-width': 1 }),
    ...(bounds === null
      ? []
      : [dimmed(0, toX(bounds.lower)), dimmed(toX(bounds.upper), width), bound(bounds.lower), bound(bounds.upper)])
  ])
}

const cell = { width: 230, height: 120, gap: 16 }

/** Many small histograms in rows of so many, with their names. */
export function drawGallery(title: string, thumbnails: readonly Thumbnail[], columns: number, isDark: boolean): Drawn {
  const ink = inkOf(isDark)
  const rows = Math.ceil(thumbnails.length / columns)
  const width = columns * (cell.width + cell.gap) + cell.gap
  const height = 48 + rows * (cell.height + cell.gap)
  const cards = thumbnails.map((each, i) => {
    const left = cell.gap + (i % columns) * (cell.width + cell.gap)
    const top = 48 + Math.floor(i / columns) * (cell.height + cell.gap)
    const picture = drawThumbnail(each, cell.width, cell.height - 36, isDark)
    return draw('g', { transform: `translate(${left} ${top})`, class: 'card' }, [
      draw('text', { y: 10, fill: ink.text, 'font-size': 10 }, [shortened(each.name, 38)]),
      draw('text', { y: 24, fill: ink.text, 'font-size': 9 }, [each.text]),
      draw('svg', { ...picture.attributes, y: 32 }, picture.children)
    ])
  })
  return sheet(width, height, [
    draw('g', { 'font-family': fontFamily }, [
      draw('rect', { width, height, fill: ink.ground }),
      draw('text', { x: cell.gap, y: 28, fill: ink.text, 'font-size': 15, 'font-weight': 600 }, [title]),
      ...cards
    ])
  ])
}

/** The end of a name tells more than its beginning. */
export function shortened(name: string, most: number): string {
  return name.length <= most ? name : `…${name.slice(1 - most)}`
}
