import type { Image } from '../imaging/image'
import { studioLuma } from '../imaging/ycbcr'
import { expectSameSize, tooSmall } from './psnr'

/** Side of the window that the measure is taken in; smaller pictures have none. */
export const windowSize = 11
const c1 = (0.01 * 255) ** 2
const c2 = (0.03 * 255) ** 2

/** An 11-tap Gaussian of σ = 1.5 that sums to one. */
const gaussian = (() => {
  const taps = Float64Array.from({ length: windowSize }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * 1.5 ** 2)))
  const sum = taps.reduce((total, tap) => total + tap, 0)
  return taps.map((tap) => tap / sum)
})()

/**
 * Structural similarity on Y (Wang et al., 2004), by BasicSR's definition: 11×11 Gaussian window of σ = 1.5, only places
 * where it lies wholly within the picture, a border left out before.
 *
 * @param border pixels left out on every side
 * @throws StudioError where less than a window is left
 */
export function ssim(a: Image, b: Image, border: number): number {
  expectSameSize(a, b)
  const width = a.width - 2 * border
  const height = a.height - 2 * border
  if (width < windowSize || height < windowSize) throw tooSmall(a, border, windowSize)
  const x = withoutBorder(studioLuma(a), a.width, border, width, height)
  const y = withoutBorder(studioLuma(b), b.width, border, width, height)
  const filter = gaussianFilter(width, height)
  const meanX = filter(x)
  const meanY = filter(y)
  const squareX = filter(x.map((value) => value * value))
  const squareY = filter(y.map((value) => value * value))
  const cross = filter(x.map((value, i) => value * (y[i] ?? 0)))
  let sum = 0
  for (let i = 0; i < meanX.length; i++) {
    const mx = meanX[i] ?? 0
    const my = meanY[i] ?? 0
    const varianceX = (squareX[i] ?? 0) - mx * mx
    const varianceY = (squareY[i] ?? 0) - my * my
    const covariance = (cross[i] ?? 0) - mx * my
    sum += ((2 * mx * my + c1) * (2 * covariance + c2)) / ((mx * mx + my * my + c1) * (varianceX + varianceY + c2))
  }
  return sum / meanX.length
}

function withoutBorder(
  plane: Float64Array,
  stride: number,
  border: number,
  width: number,
  height: number
): Float64Array {
  const inner = new Float64Array(width * height)
  for (let row = 0; row < height; row++) {
    const start = (row + border) * stride + border
    inner.set(plane.subarray(start, start + width), row * width)
  }
  return inner
}

/** Convolves planes of one size with the Gaussian, rows then columns, where it fits: (height − 10) × (width − 10). */
function gaussianFilter(width: number, height: number): (plane: Float64Array) => Float64Array {
  const outWidth = width - windowSize + 1
  const outHeight = height - windowSize + 1
  const rows = new Float64Array(height * outWidth)
  return (plane) => {
    rows.fill(0)
    const filtered = new Float64Array(outHeight * outWidth)
    for (let row = 0; row < height; row++) {
      for (let tap = 0; tap < windowSize; tap++) {
        const weight = gaussian[tap] ?? 0
        const [from, to] = [row * width + tap, row * outWidth]
        for (let i = 0; i < outWidth; i++) rows[to + i] = (rows[to + i] ?? 0) + weight * (plane[from + i] ?? 0)
      }
    }
    for (let row = 0; row < outHeight; row++) {
      for (let tap = 0; tap < windowSize; tap++) {
        const weight = gaussian[tap] ?? 0
        const [from, to] = [(row + tap) * outWidth, row * outWidth]
        for (let i = 0; i < outWidth; i++) filtered[to + i] = (filtered[to + i] ?? 0) + weight * (rows[from + i] ?? 0)
      }
    }
    return filtered
  }
}
