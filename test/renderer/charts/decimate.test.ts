import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decimate, decimateBand, type Place } from '../../../src/renderer/charts/decimate'
import { nearest } from '../../../src/renderer/charts/nearest'
import type { PlotPoint } from '../../../src/renderer/charts/plot'

const same = (y: number): number => y
const curve = (count: number): PlotPoint[] =>
  Array.from({ length: count }, (_, i): PlotPoint => [i, Math.sin(i * 1.7) + i / count])

describe('decimate', () => {
  test('leaves a curve that is short enough as it is', () => {
    const places: Place[] = []
    decimate(places, curve(100), 50, same)
    expect(places).toEqual(curve(100).map(([x, y]) => ({ x, y })))
  })

  test('keeps the lowest and the highest of every column, in order', () => {
    const points = curve(4000)
    const places: Place[] = []
    decimate(places, points, 300, same)
    expect(places.length).toBeLessThanOrEqual(600)
    expect(places.map(({ x }) => x)).toEqual(places.map(({ x }) => x).toSorted((a, b) => a - b))
    const width = 3999 / 300
    for (let column = 0; column < 300; column++) {
      const inside = (x: number): boolean => Math.min(299, Math.floor(x / width)) === column
      const all = points.filter(([x]) => inside(x)).map(([, y]) => y)
      const kept = places.filter(({ x }) => inside(x)).map(({ y }) => y)
      expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...all), Math.max(...all)])
    }
  })

  test('never leaves out an extreme of the whole curve', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const places: Place[] = []
        decimate(
          places,
          values.map((y, x): PlotPoint => [x, y]),
          3,
          same
        )
        const kept = places.map(({ y }) => y)
        expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...values), Math.max(...values)])
      })
    )
  })

  test('writes over places that are there, and leaves out what has no place', () => {
    const places: Place[] = Array.from({ length: 9 }, () => ({ x: -1, y: -1 }))
    const [first] = places
    decimate(places, [[0, 1], [1, -1], [2, 100]], 50, (y) => (y > 0 ? Math.log10(y) : NaN)) // prettier-ignore
    expect(places).toEqual([
      { x: 0, y: 0 },
      { x: 2, y: 2 }
    ])
    expect(places[0]).toBe(first)
  })
})

describe('decimateBand', () => {
  test('spans from the least to the greatest of every column', () => {
    const points = Array.from({ length: 1000 }, (_, i): PlotPoint => [i, 0, -(i % 10), i % 7])
    const spans = decimateBand(points, 10, same)
    expect(spans).toHaveLength(10)
    expect(spans.every(({ least, greatest }) => least === -9 && greatest === 6)).toBe(true)
  })

  test('is not there where points stand for themselves alone', () => {
    expect(decimateBand(curve(100), 10, same)).toEqual([])
    expect(decimateBand([[0, 1, 1, 1]], 10, same)).toEqual([])
  })
})

test('nearest finds the point whose x is nearest', () => {
  const points = [[0], [10], [20]] as const
  expect([-5, 4, 6, 16, 99].map((at) => nearest(points, at))).toEqual([0, 0, 1, 2, 2])
  expect(nearest([], 3)).toBe(-1)
})
