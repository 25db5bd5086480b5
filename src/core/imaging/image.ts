/**
 * A picture as planes of samples, one after the other (the layout networks take). Samples run from 0 to 255 whatever the
 * file's depth: integers for 8 bits, fractions for 16.
 */
export interface Image {
  readonly width: number
  readonly height: number
  readonly channels: 1 | 3
  /** channels × height × width. */
  readonly data: Float32Array
}

/** A picture whose sample (channel, y, x) is what `sample` says. */
export function makeImage(
  width: number,
  height: number,
  channels: 1 | 3,
  sample: (channel: number, y: number, x: number) => number
): Image {
  const data = new Float32Array(channels * height * width)
  let i = 0
  for (let channel = 0; channel < channels; channel++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) data[i++] = sample(channel, y, x)
    }
  }
  return { width, height, channels, data }
}

/** A picture of the same content whose pixels come from elsewhere in it. */
function remap(image: Image, width: number, height: number, source: (y: number, x: number) => number): Image {
  const plane = image.width * image.height
  return makeImage(width, height, image.channels, (channel, y, x) => image.data[channel * plane + source(y, x)] ?? 0)
}

/** A grey picture as three equal channels; colour pictures as they are. */
export function toRgb(image: Image): Image {
  if (image.channels === 3) return image
  const data = new Float32Array(3 * image.data.length)
  for (let channel = 0; channel < 3; channel++) data.set(image.data, channel * image.data.length)
  return { ...image, channels: 3, data }
}

/** The rectangle with its top left corner at (left, top). It must lie within the picture. */
export function crop(image: Image, left: number, top: number, width: number, height: number): Image {
  if (left === 0 && top === 0 && width === image.width && height === image.height) return image
  if (left < 0 || top < 0 || left + width > image.width || top + height > image.height) {
    throw new RangeError(`${width}×${height} at (${left}, ${top}) leaves a picture of ${image.width}×${image.height}`)
  }
  return remap(image, width, height, (y, x) => (top + y) * image.width + left + x)
}

/** The picture without what exceeds a multiple of `n` at the right and the bottom. */
export function cropToMultiple(image: Image, n: number): Image {
  return crop(image, 0, 0, image.width - (image.width % n), image.height - (image.height % n))
}

/** How a picture goes on beyond its border: by mirroring with the edge repeated (2 1 0 | 0 1 2), or without (2 1 | 0 1 2). */
export type Mirroring = 'repeats-edge' | 'skips-edge'

/**
 * The picture enlarged at the right and the bottom to a size by mirroring; a picture that fits stays as it is. Pictures
 * smaller than the padding are mirrored again and again.
 */
export function padTo(image: Image, width: number, height: number, mirroring: Mirroring): Image {
  if (width === image.width && height === image.height) return image
  const mirror = mirroring === 'repeats-edge' ? mirrorWithEdge : mirrorWithoutEdge
  return remap(image, width, height, (y, x) => mirror(y, image.height) * image.width + mirror(x, image.width))
}

/** Position of i in an axis that is reflected over and over, edges repeated: 0 1 2 | 2 1 0 | 0 1 2 … */
function mirrorWithEdge(i: number, size: number): number {
  const phase = i % (2 * size)
  return phase < size ? phase : 2 * size - 1 - phase
}

/** The same with edges once: 0 1 2 | 1 0 | 1 2 … */
function mirrorWithoutEdge(i: number, size: number): number {
  if (size === 1) return 0
  const phase = i % (2 * size - 2)
  return phase < size ? phase : 2 * size - 2 - phase
}

export function flipHorizontal(image: Image): Image {
  return remap(image, image.width, image.height, (y, x) => y * image.width + image.width - 1 - x)
}

export function flipVertical(image: Image): Image {
  return remap(image, image.width, image.height, (y, x) => (image.height - 1 - y) * image.width + x)
}

/** Rows become columns. */
export function transpose(image: Image): Image {
  return remap(image, image.height, image.width, (y, x) => x * image.width + y)
}

/** Samples clamped to 0–255 and rounded to integers, halves to even as numpy does in BasicSR's `tensor2img`. */
export function quantizeTo8Bit(image: Image): Image {
  return { ...image, data: image.data.map(roundSample) }
}

function roundSample(value: number): number {
  const clamped = Math.min(Math.max(value, 0), 255)
  const rounded = Math.round(clamped)
  return rounded - clamped === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}

/** Samples from 0 to 1, as networks take them: [channels, height, width]. */
export function toTensor(image: Image): Float32Array {
  return image.data.map((value) => value / 255)
}

/** The picture of a network's output [channels, height, width] from 0 to 1; values outside are clamped. */
export function fromTensor(values: Float32Array, width: number, height: number, channels: 1 | 3): Image {
  return { width, height, channels, data: values.map((value) => Math.min(Math.max(value, 0), 1) * 255) }
}
