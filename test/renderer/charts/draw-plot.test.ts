import { describe, expect, test } from 'vitest'
import { areaOf, drawPlot, type Area } from '../../../src/renderer/charts/draw-plot'
import type { Plot } from '../../../src/renderer/charts/plot'
import { svgOf, type Drawn } from '../../../src/renderer/charts/svg'
import { bars, boxes, histogram, lines } from './plots'

const size = { width: 600, height: 400, isDark: false }
const drawn = (plot: Plot): Drawn => drawPlot(plot, size)

/** All elements of a class. */
function ofClass(name: string, within: Drawn): readonly Drawn[] {
  const inside = within.children.flatMap((child) => (typeof child === 'string' ? [] : ofClass(name, child)))
  return within.attributes['class'] === name ? [within, ...inside] : inside
}
function textsOf(within: Drawn): readonly string[] {
  return within.children.flatMap((child) => (typeof child === 'string' ? [child] : textsOf(child)))
}
type Range = readonly [number, number]

/** Where values lie, by the rule of three. */
function places(
  plot: Plot,
  x: Range,
  y: Range
): { toX: (v: number) => number; toY: (v: number) => number; area: Area } {
  const area = areaOf(plot, size)
  const { left, right, top, bottom } = area
  return {
    toX: (value) => left + ((value - x[0]) / (x[1] - x[0])) * (right - left),
    toY: (value) => bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - top),
    area
  }
}
const numbers = (path: unknown): readonly number[] => (String(path).match(/-?\d+(\.\d+)?/g) ?? []).map(Number)
const near = (values: readonly number[]): readonly number[] => values.map((value) => expect.closeTo(value, 1) as number)

describe('drawPlot', () => {
  test('draws every curve where its points are, each with its own dash', () => {
    const { toX, toY } = places(lines, [0, 5], [0, 10])
    const [first, second, ...more] = ofClass('series', drawn(lines))
    expect(more).toEqual([])
    expect(numbers(first?.attributes['d'])).toEqual(near([toX(1), toY(4), toX(2), toY(2), toX(3), toY(1)]))
    expect(numbers(second?.attributes['d'])).toEqual(near([toX(2), toY(7), toX(4), toY(8)]))
    expect(first?.attributes['stroke-dasharray']).not.toEqual(second?.attributes['stroke-dasharray'])
  })

  test('draws the band of the curve that has one, along the greatest and back along the least', () => {
    const { toX, toY } = places(lines, [0, 5], [0, 10])
    const [band, ...more] = ofClass('band', drawn(lines))
    expect(more).toEqual([])
    const there = [1, toY(5), 2, toY(3), 3, toY(2)]
    const back = [3, toY(1), 2, toY(1), 1, toY(3)]
    const expected = [...there, ...back].map((value, i) => (i % 2 === 0 ? toX(value) : value))
    expect(numbers(band?.attributes['d'])).toEqual(near(expected))
  })

  test('marks places of the x axis that are on it', () => {
    const { toX } = places(lines, [0, 5], [0, 10])
    const marked = { ...lines, marks: [...lines.marks, { at: 99, label: 'far' }] }
    expect(ofClass('mark', drawn(marked)).map(({ attributes }) => attributes['x1'])).toEqual(near([toX(2.5)]))
    expect(textsOf(drawn(marked))).not.toContain('far')
  })

  test('draws bins, bounds, levels, and what is clipped', () => {
    const { toX, toY, area } = places(histogram, [-2, 2], [0, 0.5])
    const picture = drawn(histogram)
    const [bins] = ofClass('bins', picture)
    expect(String(bins?.attributes['d']).match(/Z/g)).toHaveLength(4)
    expect(numbers(bins?.attributes['d']).slice(0, 5)).toEqual(
      near([toX(-2), area.bottom, toY(0.1), toX(-1), area.bottom])
    )
    const xOf = (name: string): readonly unknown[] => ofClass(name, picture).map(({ attributes }) => attributes['x1'])
    expect(xOf('bound')).toEqual(near([toX(-1), toX(1.5)]))
    expect(xOf('found')).toEqual(near([toX(-1.5), toX(1.5)]))
    expect(xOf('level')).toEqual(near([-1, -1 + 2.5 / 3, -1 + 5 / 3, 1.5].map(toX)))
    expect(ofClass('clipped', picture).map(({ attributes }) => attributes['width'])).toEqual(
      near([toX(-1) - area.left, area.right - toX(1.5)])
    )
  })

  test('draws a bar for each value that is known, weights and activations filled otherwise', () => {
    const { toY, area } = places(bars, [0, 1], [0, 10])
    const [first, last, ...more] = ofClass('bar', drawn(bars))
    expect(more).toEqual([])
    expect(first?.attributes['height']).toBeCloseTo(area.bottom - toY(5), 1)
    expect(last?.attributes['height']).toBeCloseTo(area.bottom - area.top, 1)
    const swapped = { ...bars, bars: bars.bars.map((bar) => ({ ...bar, group: 1 as const })) }
    expect(ofClass('bar', drawn(swapped))[0]?.attributes['fill']).toBe('url(#plot-second)')
  })

  test('draws a box from the first to the third quartile, and dots at the extremes', () => {
    const { toY } = places(boxes, [0, 1], [-4, 4])
    const [box] = ofClass('box', drawn(boxes))
    const parts = (box?.children ?? []).filter((child) => typeof child !== 'string')
    const rect = parts.find(({ tag }) => tag === 'rect')
    expect(rect?.attributes['y']).toBeCloseTo(toY(1), 1)
    expect(rect?.attributes['height']).toBeCloseTo(toY(-1) - toY(1), 1)
    const dots = parts.filter(({ tag }) => tag === 'circle').map(({ attributes }) => attributes['cy'])
    expect(dots).toEqual(near([toY(-4), toY(3)]))
  })

  test('names axes, groups and the chart, unless the page does', () => {
    expect(textsOf(drawn(bars))).toEqual(expect.arrayContaining(['SQNR', 'weights', 'activations', 'quantizer', 'dB']))
    const bare = textsOf(drawPlot(bars, { ...size, isBare: true }))
    expect(bare).not.toContain('SQNR')
    expect(bare).toContain('dB')
  })
})

test('svgOf writes well-formed vectors, and no picture', () => {
  for (const plot of [lines, histogram, bars, boxes]) {
    const text = svgOf(drawn(plot))
    expect(text.startsWith('<svg xmlns="http://www.w3.org/2000/svg" width="600" height="400"')).toBe(true)
    expect(text).not.toMatch(/<image|data:|NaN|undefined|Infinity/)
    expect(leftOpen(text)).toEqual([])
  }
  expect(svgOf(drawn(lines))).toContain('Loss &amp; more')
})

/** Names of elements that are not closed, or closed where they are not open. */
function leftOpen(text: string): readonly string[] {
  const open: string[] = []
  for (const [, slash, name = '', isEmpty] of text.matchAll(
    /<(\/?)([a-zA-Z]+)(?:\s[a-zA-Z0-9-]+="[^"<>]*")*\s*(\/?)>/g
  )) {
    if (slash === '/') {
      if (open.pop() !== name) return [name]
    } else if (isEmpty !== '/') open.push(name)
  }
  const rest = text.replaceAll(/<\/?[a-zA-Z]+(?:\s[a-zA-Z0-9-]+="[^"<>]*")*\s*\/?>/g, '')
  return /[<>]/.test(rest) ? ['a stray bracket'] : open
}
