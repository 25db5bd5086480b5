import { describe, expect, it } from 'vitest'
import { estimateMemory } from '../../../src/core/evaluation/memory'
import { psnr } from '../../../src/core/evaluation/psnr'
import { ssim } from '../../../src/core/evaluation/ssim'
import { makeImage, type Image } from '../../../src/core/imaging/image'
import { studioLuma } from '../../../src/core/imaging/ycbcr'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { symbol } from '../../../src/core/graph/dimension'
import { testPicture } from '../../pictures'

const grey = (value: number, size = 20): Image => makeImage(size, size, 3, () => value)

describe('Y', () => {
  it('has the values of BT.601: black 16, white 235, and the primaries between', () => {
    const colours = makeImage(5, 1, 3, (c, _, x) => (x === 4 || x === c + 1 ? 255 : 0))
    const expected = [16, 81.481, 144.553, 40.966, 235]
    for (const [i, y] of studioLuma(colours).entries()) expect(y).toBeCloseTo(expected[i] ?? NaN, 9)
  })
})

describe('PSNR', () => {
  it('is 20 log₁₀ (255 / d) where every pixel differs by d', () => {
    // A grey step of 10 is a step of 10 · 219 / 255 in Y.
    const d = (10 * 219) / 255
    expect(psnr(grey(100), grey(110), 0)).toBeCloseTo(20 * Math.log10(255 / d), 9)
  })

  it('is infinite for equal pictures and the same from either side', () => {
    const [a, b] = [testPicture(30, 20), testPicture(30, 20, 3)]
    expect(psnr(a, a, 4)).toBe(Infinity)
    expect(psnr(a, b, 2)).toBe(psnr(b, a, 2))
  })

  it('leaves the border out', () => {
    const framed = makeImage(20, 20, 3, (_, y, x) => (Math.min(x, y, 19 - x, 19 - y) < 4 ? 0 : 100))
    expect(psnr(framed, grey(100), 4)).toBe(Infinity)
    expect(psnr(framed, grey(100), 3)).toBeLessThan(30)
  })

  it('refuses pictures that cannot be compared', () => {
    expect(() => psnr(grey(0, 20), grey(0, 21), 0)).toThrow(/20×20 and 21×21/)
    expect(() => psnr(grey(0, 8), grey(0, 8), 4)).toThrow(/too small/)
  })
})

describe('SSIM', () => {
  it('is 1 for equal pictures and the same from either side', () => {
    const [a, b] = [testPicture(40, 30), testPicture(40, 30, 3)]
    expect(ssim(a, a, 4)).toBeCloseTo(1, 12)
    expect(ssim(a, b, 2)).toBeCloseTo(ssim(b, a, 2), 12)
    expect(ssim(a, b, 2)).toBeLessThan(1)
  })

  it('of constant pictures is the luminance term (2ab + C₁) / (a² + b² + C₁)', () => {
    const y = (value: number): number => 16 + (219 * value) / 255
    const [a, b, c1] = [y(60), y(200), (0.01 * 255) ** 2]
    expect(ssim(grey(60), grey(200), 0)).toBeCloseTo((2 * a * b + c1) / (a * a + b * b + c1), 9)
  })

  it('is what its definition gives, window by window', () => {
    const [a, b] = [testPicture(13, 12), testPicture(13, 12, 2)]
    const [x, y] = [studioLuma(a), studioLuma(b)]
    const weights = Array.from({ length: 121 }, (_, i) => {
      const [dx, dy] = [(i % 11) - 5, Math.floor(i / 11) - 5]
      return Math.exp(-(dx * dx + dy * dy) / (2 * 1.5 ** 2))
    })
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const [c1, c2] = [(0.01 * 255) ** 2, (0.03 * 255) ** 2]
    let sum = 0
    for (const [top, left] of [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
      [1, 2]
    ] as const) {
      const mean = (f: (i: number) => number): number =>
        weights.reduce((m, weight, k) => m + (weight / total) * f((top + Math.floor(k / 11)) * 13 + left + (k % 11)), 0)
      const mx = mean((i) => x[i] ?? NaN)
      const my = mean((i) => y[i] ?? NaN)
      const vx = mean((i) => ((x[i] ?? NaN) - mx) ** 2)
      const vy = mean((i) => ((y[i] ?? NaN) - my) ** 2)
      const cov = mean((i) => ((x[i] ?? NaN) - mx) * ((y[i] ?? NaN) - my))
      sum += ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    }
    expect(ssim(a, b, 0)).toBeCloseTo(sum / 6, 9)
  })

  it('refuses pictures smaller than its window', () => {
    expect(() => ssim(grey(0, 18), grey(0, 18), 4)).toThrow(/11×11 must be left/)
  })
})

describe('the memory estimate', () => {
  it('counts what is alive at the worst moment', () => {
    const builder = new GraphBuilder()
    const x = builder.input('lr', [symbol('batch'), 1, symbol('height'), symbol('width')])
    const a = builder.apply('Relu', [x])
    const b = builder.resizeNearest(a, 2)
    const memory = estimateMemory(builder.build([builder.apply('Relu', [b], {}, 'sr')]))
    // Alive while the last Relu runs: b and its result, 4 · 16 floats each; x and a are gone.
    expect(memory.peakBytes(4, 4)).toBe(2 * 64 * 4)
    expect(memory.peakBytes(8, 4)).toBe(2 * 128 * 4)
  })
})
