import type { Extent } from './pyramid'

/** The device pixels that lie in an element as a whole. */
export interface DevicePixels {
  readonly width: number
  readonly height: number
  /** Device pixels of a CSS pixel. */
  readonly scale: number
  /** From the element's left top corner to that of the first whole device pixel, in CSS pixels. */
  readonly left: number
  readonly top: number
}

/** The whole device pixels within a rectangle given in CSS pixels. */
export function wholePixels({ left, top, right, bottom }: Extent, scale: number): DevicePixels {
  const [x, width] = wholeAlong(left, right, scale)
  const [y, height] = wholeAlong(top, bottom, scale)
  return { width, height, scale, left: x, top: y }
}

/** What is nearly whole is: places are told in fractions that are rounded themselves. */
const tolerance = 0.02

function wholeAlong(begin: number, end: number, scale: number): readonly [number, number] {
  const first = Math.ceil(begin * scale - tolerance)
  const last = Math.floor(end * scale + tolerance)
  return [first / scale - begin, Math.max(1, last - first)]
}
