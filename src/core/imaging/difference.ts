import { entryAt, paletteOf, type ColourMap } from './colour-map'

export { colourOf } from './colour-map'

/** How pictures are compared pixel by pixel, and how that is drawn. */
export interface DifferenceRule {
  readonly form: 'signed' | 'absolute' | 'squared'
  /** `rgb` is the mean over the channels of what the form makes of each; `y` is luma in studio range, 16 to 235. */
  readonly channel: 'rgb' | 'r' | 'g' | 'b' | 'y'
  /** What differences are multiplied by; 1 draws the whole range of samples. */
  readonly gain: number
  /** Of absolute and squared differences; signed ones are drawn by the diverging map. */
  readonly map: Exclude<ColourMap, 'diverging'>
}

/** Pixels, row by row, red, green, blue and opacity of 0 to 255. */
export interface RgbaPixels {
  readonly width: number
  readonly height: number
  readonly rgba: Uint8Array
}

/** The colour map that a rule draws by. */
export function mapOf({ form, map }: Pick<DifferenceRule, 'form' | 'map'>): ColourMap {
  return form === 'signed' ? 'diverging' : map
}

/**
 * The differences at the two ends of a rule's colour map: of samples, 0 to 255, for signed and absolute ones; squared ones are
 * squares of differences of samples from 0 to 1.
 */
export function rangeOf({ form, gain }: Pick<DifferenceRule, 'form' | 'gain'>): readonly [low: number, high: number] {
  switch (form) {
    case 'signed':
      return [-255 / gain, 255 / gain]
    case 'absolute':
      return [0, 255 / gain]
    case 'squared':
      return [0, 1 / gain]
  }
}

/**
 * Where the difference a − b of two samples of 0 to 255 lies on its colour map, 0 to 1 and beyond:
 *
 *     signed    0.5 + (a − b) gain / 510
 *     absolute  |a − b| gain / 255
 *     squared   ((a − b) / 255)² gain
 */
function positionOf(form: DifferenceRule['form'], difference: number, gain: number): number {
  switch (form) {
    case 'signed':
      return 0.5 + (difference * gain) / 510
    case 'absolute':
      return (Math.abs(difference) * gain) / 255
    case 'squared':
      return (difference / 255) ** 2 * gain
  }
}

/**
 * Draws the difference a − b of two pictures of one size. A pixel is as opaque as the less opaque of the two; where one is not
 * there, nothing is drawn.
 */
export function drawDifference(
  a: RgbaPixels,
  b: RgbaPixels,
  rule: DifferenceRule
): RgbaPixels & { readonly rgba: Uint8Array<ArrayBuffer> } {
  if (a.width !== b.width || a.height !== b.height) {
    throw new RangeError(`${a.width}×${a.height} pixels cannot be compared with ${b.width}×${b.height}`)
  }
  const { width, height } = a
  const palette = paletteOf(mapOf(rule))
  const positionAt = positionsOf(a.rgba, b.rgba, rule)
  const rgba = new Uint8Array(4 * width * height)
  for (let i = 0; i < rgba.length; i += 4) {
    const opacity = Math.min(a.rgba[i + 3] ?? 0, b.rgba[i + 3] ?? 0)
    if (opacity === 0) continue
    const entry = 3 * entryAt(palette, positionAt(i))
    rgba[i] = palette[entry] ?? 0
    rgba[i + 1] = palette[entry + 1] ?? 0
    rgba[i + 2] = palette[entry + 2] ?? 0
    rgba[i + 3] = opacity
  }
  return { width, height, rgba }
}

/** Tells where the difference of the pixel whose samples begin at `i` lies on the map. */
export function positionsOf(
  a: Uint8Array,
  b: Uint8Array,
  { form, channel, gain }: DifferenceRule
): (i: number) => number {
  const difference = (i: number): number => (a[i] ?? 0) - (b[i] ?? 0)
  const position = (value: number): number => positionOf(form, value, gain)
  switch (channel) {
    case 'rgb':
      return (i) => (position(difference(i)) + position(difference(i + 1)) + position(difference(i + 2))) / 3
    case 'r':
      return (i) => position(difference(i))
    case 'g':
      return (i) => position(difference(i + 1))
    case 'b':
      return (i) => position(difference(i + 2))
    case 'y':
      // The luma of a difference is the difference of lumas: see studioLuma.
      return (i) => position((65.481 * difference(i) + 128.553 * difference(i + 1) + 24.966 * difference(i + 2)) / 255)
  }
}
