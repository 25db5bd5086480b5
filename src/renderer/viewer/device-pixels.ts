import { onBeforeUnmount, onMounted, shallowRef, type Ref, type ShallowRef } from 'vue'

import { wholePixels, type DevicePixels } from './whole-pixels'

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
