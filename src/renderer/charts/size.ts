import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

/** How wide an element is, in whole pixels; 0 before it is shown. */
export function useWidth(element: Readonly<Ref<HTMLElement | null>>): Readonly<Ref<number>> {
  const width = ref(0)
  const observer = new ResizeObserver(([entry]) => {
    if (entry !== undefined) width.value = Math.floor(entry.contentRect.width)
  })
  onMounted(() => {
    if (element.value === null) return
    width.value = element.value.clientWidth
    observer.observe(element.value)
  })
  onBeforeUnmount(() => {
    observer.disconnect()
  })
  return width
}
