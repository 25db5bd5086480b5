import { crop, type Image } from './image'

/** Which source samples make one target sample, and with what weights. */
interface Taps {
  /** Samples per target. */
  readonly count: number
  /** Source positions, targets × count. */
  readonly positions: Int32Array
  readonly weights: Float64Array
}

interface Size {
  readonly width: number
  readonly height: number
}

/** A part of a picture. */
interface Rectangle extends Size {
  readonly left: number
  readonly top: number
}

/**
 * MATLAB's `imresize(image, scale, 'bicubic')`: cubic convolution (a = −0.5), widened against aliasing when shrinking,
 * borders mirrored with the edge repeated, the vertical direction first. Like MATLAB on uint8 pictures, it rounds to
 * integers within 0 to 255 (halves away from zero) after each direction, so that its output is theirs bit for bit.
 *
 * @param scale factor of enlargement; the size becomes ceil(size · scale)
 */
export function imresize(image: Image, scale: number): Image {
  const whole = { left: 0, top: 0, width: resized(image.width, scale), height: resized(image.height, scale) }
  const { left, top, width, height } = sourceOf(image, scale, whole)
  return imresizePart(image, scale, whole, crop(image, left, top, width, height))
}

/** What of a picture a part of its resized version is made of. */
export function sourceOf({ width, height }: Size, scale: number, part: Rectangle): Rectangle {
  const [top, bottom] = rangeOf(cubicTaps(height, part.top, part.height, scale).positions)
  const [left, right] = rangeOf(cubicTaps(width, part.left, part.width, scale).positions)
  return { left, top, width: right - left, height: bottom - top }
}

/**
 * A part of what `imresize` makes of a picture, sample for sample.
 *
 * @param size the whole picture's
 * @param part what is wanted, in pixels of the result; it must lie within it
 * @param image what `sourceOf` says of the picture
 */
export function imresizePart(size: Size, scale: number, part: Rectangle, image: Image): Image {
  const { width, height } = part
  const vertical = cubicTaps(size.height, part.top, height, scale)
  const horizontal = cubicTaps(size.width, part.left, width, scale)
  const { left, top } = sourceOf(size, scale, part)
  const data = new Float32Array(image.channels * width * height)
  const column = new Float64Array(image.width)
  const rounded = new Uint8ClampedArray(image.width * height)
  for (let channel = 0; channel < image.channels; channel++) {
    const source = image.data.subarray(channel * image.width * image.height, (channel + 1) * image.width * image.height)
    for (let y = 0; y < height; y++) {
      column.fill(0)
      for (let tap = 0; tap < vertical.count; tap++) {
        const weight = vertical.weights[y * vertical.count + tap] ?? 0
        const row = ((vertical.positions[y * vertical.count + tap] ?? 0) - top) * image.width
        for (let x = 0; x < image.width; x++) column[x] = (column[x] ?? 0) + weight * (source[row + x] ?? 0)
      }
      for (let x = 0; x < image.width; x++) rounded[y * image.width + x] = toByte(column[x] ?? 0)
    }
    const target = channel * width * height
    for (let y = 0; y < height; y++) {
      const row = y * image.width - left
      for (let x = 0; x < width; x++) {
        let sum = 0
        for (let tap = 0; tap < horizontal.count; tap++) {
          const at = x * horizontal.count + tap
          sum += (horizontal.weights[at] ?? 0) * (rounded[row + (horizontal.positions[at] ?? 0)] ?? 0)
        }
        data[target + y * width + x] = toByte(sum)
      }
    }
  }
  return { width, height, channels: image.channels, data }
}

function resized(size: number, scale: number): number {
  return Math.ceil(size * scale - 1e-9)
}

/** From the least position to behind the greatest. */
function rangeOf(positions: Int32Array): readonly [from: number, to: number] {
  let [from, to] = [Infinity, 0]
  for (const position of positions) {
    if (position < from) from = position
    if (position >= to) to = position + 1
  }
  return [from, to]
}

/** Nearest integer within 0 to 255; what is a half but for the last bits of the sum counts as one, and goes up. */
function toByte(value: number): number {
  return Math.min(Math.max(Math.floor(value + 0.5 + 1e-9), 0), 255)
}

/** Keys' cubic convolution kernel with a = −0.5. */
function cubic(x: number): number {
  const d = Math.abs(x)
  if (d <= 1) return 1.5 * d ** 3 - 2.5 * d ** 2 + 1
  if (d < 2) return -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2
  return 0
}

/**
 * MATLAB's `contributions`: pixel centres at half positions, weights summing to one.
 *
 * @param from samples of the source
 * @param first,to the first target sample, and how many from it on
 */
function cubicTaps(from: number, first: number, to: number, scale: number): Taps {
  const stretch = Math.min(scale, 1)
  const support = 4 / stretch
  const count = Math.ceil(support) + 2
  const positions = new Int32Array(to * count)
  const weights = new Float64Array(to * count)
  for (let target = 0; target < to; target++) {
    // MATLAB counts from 1: u = x / scale + 0.5 (1 − 1 / scale).
    const centre = (first + target + 1) / scale + 0.5 * (1 - 1 / scale)
    const left = Math.floor(centre - support / 2)
    let sum = 0
    for (let tap = 0; tap < count; tap++) {
      const weight = stretch * cubic(stretch * (centre - left - tap))
      weights[target * count + tap] = weight
      sum += weight
      positions[target * count + tap] = mirror(left + tap - 1, from)
    }
    for (let tap = 0; tap < count; tap++) {
      weights[target * count + tap] = (weights[target * count + tap] ?? 0) / sum
    }
  }
  return { count, positions, weights }
}

/** A position mirrored into 0 … size − 1, edges repeated. */
function mirror(i: number, size: number): number {
  const phase = ((i % (2 * size)) + 2 * size) % (2 * size)
  return phase < size ? phase : 2 * size - 1 - phase
}
