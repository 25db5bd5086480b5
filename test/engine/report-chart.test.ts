import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { niceTicks, renderChart, runningMean } from '../../src/engine/report-chart'

describe('a chart', () => {
  it('has ticks at round numbers that enclose its values', () => {
    expect(niceTicks(0, 0.031, 4)).toEqual([0, 0.01, 0.02, 0.03, 0.04])
    expect(niceTicks(33.3, 38.6, 4).map((tick) => tick.toFixed(0))).toEqual(['32', '34', '36', '38', '40'])
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = niceTicks(low, low + span, 4)
          expect(ticks.length).toBeGreaterThanOrEqual(2)
          expect(ticks.length).toBeLessThanOrEqual(7)
          expect(ticks[0]).toBeLessThanOrEqual(low + 1e-6 * span)
          expect(ticks.at(-1)).toBeGreaterThanOrEqual(low + span - 1e-6 * span)
        }
      )
    )
  })

  it('draws values that are all the same', () => {
    const line = { label: 'flat', points: [[0, 5] as const, [10, 5] as const] }
    expect(renderChart({ title: 'T', unit: '', fromZero: false, lines: [line] })).not.toContain('NaN')
  })

  it('says its title as text, whatever is in it', () => {
    const chart = renderChart({ title: 'a < b & "c"', unit: 'dB', fromZero: true, lines: [] })
    expect(chart).toContain('a &lt; b &amp; &quot;c&quot; (dB)')
  })
})

it('a running mean takes as many values as there are, up to its window', () => {
  const points = [2, 4, 6, 8].map((y, x) => [x, y] as const)
  expect(runningMean(points, 3).map(([, y]) => y)).toEqual([2, 3, 4, 6])
})
