import type { AxisLayout } from './axis'
import { decimateBand } from './decimate'
import { limitsOf } from './limits'
import { levelsOf, type BarPlot, type BoxPlot, type Group, type HistogramPlot, type LinePlot, type Plot } from './plot'
import { colourOf, fontFamily, inkOf, styleOf, type Ink } from './style'
import { draw, hatch, pathOf, round, sheet, type Drawn } from './svg'

export interface Drawing {
  readonly width: number
  readonly height: number
  readonly isDark: boolean
  /** Without title, legend and ground: what is drawn into a page that has them itself. */
  readonly isBare?: boolean
  /** Names of patterns begin with this; drawings of one page need different ones. */
  readonly id?: string
}

/** Where values lie in a drawing. */
export interface Area {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

const margin = { left: 64, right: 16, top: 10, bottom: 44 }
const titleHeight = 30
const legendHeight = 20

/** Where the values of a plot lie in a drawing of it. */
export function areaOf(plot: Plot, { width, height, isBare }: Drawing): Area {
  const legendRows = isBare === true ? 0 : legendOf(plot, width).rows
  const top = margin.top + (isBare === true ? 0 : titleHeight + legendRows * legendHeight)
  return { left: margin.left, right: width - margin.right, top, bottom: height - margin.bottom }
}

/** A plot as vectors: title, legend, axes, grid and data. */
export function drawPlot(plot: Plot, drawing: Drawing): Drawn {
  const { width, height, isDark, isBare, id = 'plot' } = drawing
  const ink = inkOf(isDark)
  const area = areaOf(plot, drawing)
  const { x, y } = limitsOf(plot, area.right - area.left)
  const toX = (value: number): number =>
    area.left + ((x.project(value) - x.least) / (x.greatest - x.least)) * (area.right - area.left)
  const toY = (value: number): number =>
    area.bottom - ((y.project(value) - y.least) / (y.greatest - y.least)) * (area.bottom - area.top)
  const places: Places = { area, x, y, toX, toY, ink, isDark, id }
  const patterns = draw('defs', {}, [
    hatch(`${id}-clip`, ink.text),
    hatch(`${id}-second`, colourOf(1, isDark), 5),
    draw('clipPath', { id: `${id}-area` }, [
      draw('rect', {
        x: area.left,
        y: area.top - 1,
        width: Math.max(0, area.right - area.left),
        height: Math.max(0, area.bottom - area.top + 2)
      })
    ])
  ])
  const head =
    isBare === true
      ? []
      : [
          draw('rect', { width, height, fill: ink.ground }),
          draw('text', { x: 16, y: 24, fill: ink.text, 'font-size': 15, 'font-weight': 600 }, [plot.title]),
          ...drawLegend(plot, places, width)
        ]
  const clipped = draw('g', { 'clip-path': `url(#${id}-area)` }, drawData(plot, places))
  return sheet(width, height, [
    draw('g', { 'font-family': fontFamily, 'font-size': 11 }, [patterns, ...head, ...drawAxes(plot, places), clipped])
  ])
}

interface Places {
  readonly area: Area
  readonly x: AxisLayout
  readonly y: AxisLayout
  readonly toX: (value: number) => number
  readonly toY: (value: number) => number
  readonly ink: Ink
  readonly isDark: boolean
  readonly id: string
}

function drawData(plot: Plot, places: Places): readonly Drawn[] {
  switch (plot.kind) {
    case 'lines':
      return drawLines(plot, places)
    case 'histogram':
      return drawHistogram(plot, places)
    case 'bars':
      return drawBars(plot, places)
    case 'boxes':
      return drawBoxes(plot, places)
  }
}

function drawAxes(plot: Plot, { area, x, y, ink }: Places): readonly Drawn[] {
  const [across, up] = [area.right - area.left, area.bottom - area.top]
  const middle = (area.top + area.bottom) / 2
  const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): Drawn =>
    draw('line', { x1: round(x1), y1: round(y1), x2: round(x2), y2: round(y2), stroke })
  return [
    ...x.ticks.flatMap(({ at, label }) => {
      const place = area.left + ((at - x.least) / (x.greatest - x.least)) * across
      const text = { x: round(place), y: area.bottom + 16, fill: ink.text, 'text-anchor': 'middle' }
      return [line(place, area.top, place, area.bottom + 4, ink.grid), draw('text', text, [label])]
    }),
    ...y.ticks.flatMap(({ at, label }) => {
      const place = area.bottom - ((at - y.least) / (y.greatest - y.least)) * up
      const text = { x: area.left - 8, y: round(place + 4), fill: ink.text, 'text-anchor': 'end' }
      return [line(area.left - 4, place, area.right, place, ink.grid), draw('text', text, [label])]
    }),
    line(area.left, area.bottom, area.right, area.bottom, ink.text),
    draw('text', { x: (area.left + area.right) / 2, y: area.bottom + 36, fill: ink.text, 'text-anchor': 'middle' }, [
      'xTitle' in plot ? plot.xTitle : plot.x.title
    ]),
    draw(
      'text',
      { x: 14, y: middle, fill: ink.text, 'text-anchor': 'middle', transform: `rotate(-90 14 ${round(middle)})` },
      [plot.y.title]
    )
  ]
}

function drawLines({ series, marks }: LinePlot, { area, x, y, toX, toY, isDark, ink }: Places): readonly Drawn[] {
  const up = (projected: number): number =>
    area.bottom - ((projected - y.least) / (y.greatest - y.least)) * (area.bottom - area.top)
  const bands = series.flatMap(({ points }, i) => {
    const spans = decimateBand(points, area.right - area.left, y.project)
    if (spans.length === 0) return []
    const edge = [
      ...spans.map(({ x: at, greatest }): [number, number] => [toX(at), up(greatest)]),
      ...spans.map(({ x: at, least }): [number, number] => [toX(at), up(least)]).toReversed()
    ]
    return [draw('path', { d: `${pathOf(edge)}Z`, fill: colourOf(i, isDark), 'fill-opacity': 0.18, class: 'band' })]
  })
  const lines = series.map(({ points }, i) => {
    const { dash } = styleOf(i)
    const common = { class: 'series', stroke: colourOf(i, isDark), 'stroke-width': 2 }
    const [only] = points
    if (points.length === 1 && only !== undefined)
      return draw('circle', {
        ...common,
        cx: round(toX(only[0])),
        cy: round(toY(only[1])),
        r: 3,
        fill: colourOf(i, isDark)
      })
    return draw('path', {
      ...common,
      d: pathOf(points.map(([at, value]) => [toX(at), toY(value)])),
      fill: 'none',
      'stroke-linejoin': 'round',
      ...(dash.length > 0 && { 'stroke-dasharray': dash.join(' ') })
    })
  })
  const marked = marks
    .filter(({ at }) => x.project(at) >= x.least && x.project(at) <= x.greatest)
    .flatMap(({ at, label }, i) => drawMark(toX(at), label, i, area, ink))
  return [...bands, ...lines, ...marked]
}

/** A marked place of the x axis, told by its dash and its label, which keeps clear of the right edge. */
function drawMark(place: number, label: string, i: number, area: Area, ink: Ink): readonly Drawn[] {
  const isRight = place > area.left + (area.right - area.left) * 0.7
  return [
    draw('line', {
      class: 'mark',
      x1: round(place),
      x2: round(place),
      y1: area.top,
      y2: area.bottom,
      stroke: ink.mark,
      'stroke-width': 2,
      ...(i > 0 && { 'stroke-dasharray': '6 4' })
    }),
    draw(
      'text',
      {
        x: round(place + (isRight ? -6 : 6)),
        y: area.top + 12 + i * 14,
        fill: ink.mark,
        'text-anchor': isRight ? 'end' : 'start'
      },
      [label]
    )
  ]
}

function drawHistogram(plot: HistogramPlot, places: Places): readonly Drawn[] {
  const { shares, min, max } = plot
  const { area, y, toX, toY, isDark } = places
  const edge = (i: number): number => toX(min + (i * (max - min)) / shares.length)
  const bars = shares.flatMap((share, i) => {
    const top = toY(share)
    if (!(y.project(share) > y.least)) return []
    const [left, right] = [edge(i), edge(i + 1)]
    return `M${round(left)} ${area.bottom}V${round(top)}H${round(right)}V${area.bottom}Z`
  })
  return [draw('path', { class: 'bins', d: bars.join(''), fill: colourOf(0, isDark) }), ...drawBounds(plot, places)]
}

/** What is clipped, hatched; the bounds; the levels between them; bounds that had been found before, dashed. */
function drawBounds({ bounds, found }: HistogramPlot, { area, toX, ink, id }: Places): readonly Drawn[] {
  const line = (at: number, attributes: Drawn['attributes']): Drawn =>
    draw('line', {
      x1: round(toX(at)),
      x2: round(toX(at)),
      y1: area.top,
      y2: area.bottom,
      stroke: ink.mark,
      'stroke-width': 2,
      ...attributes
    })
  const before =
    found === null
      ? []
      : [found.lower, found.upper].map((at) =>
          line(at, { class: 'found', stroke: ink.text, 'stroke-dasharray': '5 4' })
        )
  if (bounds === null) return before
  /** Faded, and hatched. */
  const clip = (from: number, to: number): readonly Drawn[] => {
    const width = round(Math.max(0, to - from))
    const place = { x: round(from), y: area.top, width, height: area.bottom - area.top }
    return [
      draw('rect', { ...place, fill: ink.ground, 'fill-opacity': 0.55 }),
      draw('rect', { ...place, class: 'clipped', fill: `url(#${id}-clip)`, 'fill-opacity': 0.35 })
    ]
  }
  const levels = bounds.bits > 6 ? [] : levelsOf(bounds)
  return [
    ...clip(area.left, toX(bounds.lower)),
    ...clip(toX(bounds.upper), area.right),
    ...before,
    ...levels.map((at) =>
      line(at, { class: 'level', y1: area.bottom - (area.bottom - area.top) * 0.12, 'stroke-width': 2.5 })
    ),
    ...[bounds.lower, bounds.upper].map((at) => line(at, { class: 'bound' }))
  ]
}

/** What fills the bars and boxes of a group: a colour, or strokes of another colour. */
function fillOf(group: Group, { id, isDark }: Places): Drawn['attributes'] {
  const stroke = colourOf(group, isDark)
  return { fill: group === 0 ? stroke : `url(#${id}-second)`, stroke, 'stroke-width': 1 }
}

function drawBars({ bars, first }: BarPlot, places: Places): readonly Drawn[] {
  const { toX, toY, area, y } = places
  const zero = Math.min(area.bottom, toY(y.least <= 0 ? 0 : y.least))
  return bars.flatMap(({ group, value }, i) => {
    if (value === null) return []
    const [left, right] = [toX(first + i - 0.36), toX(first + i + 0.36)]
    const top = toY(value)
    return [
      draw('rect', {
        class: 'bar',
        x: round(left),
        y: round(Math.min(top, zero)),
        width: round(right - left),
        height: round(Math.abs(zero - top)),
        ...fillOf(group, places)
      })
    ]
  })
}

function drawBoxes({ boxes, first }: BoxPlot, places: Places): readonly Drawn[] {
  const { toX, toY, ink, isDark } = places
  return boxes.map(({ group, least, quantiles, greatest }, i) => {
    const middle = round(toX(first + i))
    const [left, right] = [toX(first + i - 0.32), toX(first + i + 0.32)]
    const [low, lowQuarter, median, highQuarter, high] = quantiles.map((value) => round(toY(value))) as [
      number,
      number,
      number,
      number,
      number
    ]
    const stroke = colourOf(group, isDark)
    const dot = (value: number): Drawn => draw('circle', { cx: middle, cy: round(toY(value)), r: 1.75, fill: ink.text })
    const across = (at: number, attributes: Drawn['attributes']): Drawn =>
      draw('line', { x1: round(left), x2: round(right), y1: at, y2: at, stroke, ...attributes })
    return draw('g', { class: 'box' }, [
      draw('line', { x1: middle, x2: middle, y1: low, y2: high, stroke, 'stroke-width': 1.25 }),
      across(low, {}),
      across(high, {}),
      draw('rect', {
        x: round(left),
        y: highQuarter,
        width: round(right - left),
        height: round(Math.max(1, lowQuarter - highQuarter)),
        ...fillOf(group, places),
        ...(group === 0 && { 'fill-opacity': 0.55 })
      }),
      across(median, { stroke: ink.text, 'stroke-width': 2.5 }),
      dot(least),
      dot(greatest)
    ])
  })
}

interface LegendEntry {
  readonly name: string
  readonly style: number
  readonly kind: 'line' | 'area'
  readonly left: number
  readonly row: number
}

/** Entries of a legend in rows no wider than the drawing. Widths of letters are not known here, and taken to be wide. */
function legendOf(plot: Plot, width: number): { readonly rows: number; readonly entries: readonly LegendEntry[] } {
  const named =
    plot.kind === 'lines' ? plot.series.map(({ name }) => name) : plot.kind === 'histogram' ? [] : [...plot.groups]
  const kind = plot.kind === 'lines' ? 'line' : 'area'
  let left = margin.left
  let row = 0
  const entries = named.map((name, style) => {
    const wide = 52 + lengthOf(name)
    if (left + wide > width && left > margin.left) {
      left = margin.left
      row++
    }
    const entry: LegendEntry = { name, style, kind, left, row }
    left += wide
    return entry
  })
  return { rows: named.length === 0 ? 0 : row + 1, entries }
}

/** About how wide a text is; letters of Chinese are wider than others. */
function lengthOf(text: string): number {
  let length = 0
  for (const letter of text) length += letter.charCodeAt(0) > 0x2e80 ? 12 : 6.5
  return length
}

function drawLegend(plot: Plot, places: Places, width: number): readonly Drawn[] {
  const { ink, isDark } = places
  return legendOf(plot, width).entries.flatMap(({ name, style, kind, left, row }) => {
    const middle = titleHeight + 14 + row * legendHeight
    const { dash } = styleOf(style)
    const sample =
      kind === 'line'
        ? draw('line', {
            x1: left,
            x2: left + 28,
            y1: middle,
            y2: middle,
            stroke: colourOf(style, isDark),
            'stroke-width': 2,
            ...(dash.length > 0 && { 'stroke-dasharray': dash.join(' ') })
          })
        : draw('rect', { x: left, y: middle - 6, width: 28, height: 12, ...fillOf(style === 0 ? 0 : 1, places) })
    return [sample, draw('text', { x: left + 34, y: middle + 4, fill: ink.text }, [name])]
  })
}
