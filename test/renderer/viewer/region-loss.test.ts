import { describe, expect, it } from 'vitest'
import type { Pane } from '../../../src/renderer/viewer/scene'
import { decibelsOf, isWhole, sideOf } from '../../../src/renderer/viewer/region-loss'

const psnr = (error: number): number => 20 * Math.log10(255 / Math.sqrt(error))

describe('worst regions', () => {
  it('tell by how much PSNR falls behind that of full precision', () => {
    expect(decibelsOf(80, 20, true)).toBeCloseTo(psnr(20) - psnr(80), 10)
    expect(decibelsOf(80, 0, true)).toBe(Infinity)
  })

  it('tell PSNR against full precision where there is no truth', () => {
    expect(decibelsOf(80, 0, false)).toBeCloseTo(psnr(80), 10)
    expect(decibelsOf(0, 0, false)).toBe(Infinity)
  })

  it('are squares that fit into the picture', () => {
    for (const [width, height, side] of [
      [320, 240, 32],
      [2040, 1356, 160],
      [1280, 600, 72],
      [20, 50, 20]
    ] as const) {
      expect(sideOf({ width, height })).toBe(side)
    }
  })

  it('are looked for once all of a version is there', () => {
    const pane = (done: readonly string[]): Pane => ({
      id: 'a',
      kind: 'variant',
      title: 'a',
      source: { kind: 'tiles', folder: 'a', width: 2, height: 1, side: 1 },
      width: 2,
      height: 1,
      psnr: null,
      ssim: null,
      output: { columns: 2, rows: 1, side: 1, done: new Set(done), failure: null }
    })
    expect(isWhole(pane(['0-0']))).toBe(false)
    expect(isWhole(pane(['0-0', '1-0']))).toBe(true)
    expect(isWhole({ ...pane([]), output: null })).toBe(true)
  })
})
