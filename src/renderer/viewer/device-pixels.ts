import { onBeforeUnmount, onMounted, shallowRef, type Ref, type ShallowRef } from 'vue'

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
export function wholePixels(
  { left, top, right, bottom }: Pick<DOMRect, 'left' | 'top' | 'right' | 'bottom'>,
  scale: number
): DevicePixels {
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

/**
 * Keeps track of the device pixels of an element. A canvas of that size, at that place, has one pixel for each of them, whatever
 * the scale factor of the screen; else it would be blurred.
 */
export function useDevicePixels(element: Readonly<Ref<HTMLElement | null>>): {
  readonly pixels: Readonly<ShallowRef<DevicePixels | null>>
  /** Looks again: an element that moves without changing its size is not told of. */
  readonly measure: () => void
} {
  const pixels = shallowRef<DevicePixels | null>(null)
  const measure = (): void => {
    if (element.value === null) return
    const now = wholePixels(element.value.getBoundingClientRect(), window.devicePixelRatio)
    const before = pixels.value
    const isSame =
      before?.width === now.width &&
      before.height === now.height &&
      before.scale === now.scale &&
      before.left === now.left &&
      before.top === now.top
    if (!isSame) pixels.value = now
  }
  const observer = new ResizeObserver(measure)
  onMounted(() => {
    if (element.value === null) return
    measure()
    observer.observe(element.value, { box: 'device-pixel-content-box' })
    window.addEventListener('resize', measure)
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    window.removeEventListener('resize', measure)
  })
  return { pixels, measure }
}
