import { computed, onBeforeUnmount, ref, watch, type ComputedRef, type Ref } from 'vue'

/** Rows drawn above and below those in view, so that scrolling shows no gap. */
const spare = 8

/** Which rows of a long list are drawn: those in view of its container. */
export interface VirtualRows {
  readonly first: ComputedRef<number>
  /** One behind the last. */
  readonly end: ComputedRef<number>
  /** Pixels across of the container. */
  readonly width: Readonly<Ref<number>>
  /** Scrolls as little as needed to show a row. */
  show(row: number): void
}

/**
 * @param container what scrolls
 * @param headHeight pixels of a head that stays at the top
 * @param rowHeight pixels of every row
 */
export function useVirtualRows(
  container: Readonly<Ref<HTMLElement | null>>,
  count: () => number,
  headHeight: number,
  rowHeight: number
): VirtualRows {
  const top = ref(0)
  const height = ref(0)
  const width = ref(0)
  const look = (): void => {
    top.value = container.value?.scrollTop ?? 0
    height.value = container.value?.clientHeight ?? 0
    width.value = container.value?.clientWidth ?? 0
  }
  const observer = new ResizeObserver(look)
  watch(
    container,
    (element, before) => {
      before?.removeEventListener('scroll', look)
      if (before) observer.unobserve(before)
      element?.addEventListener('scroll', look, { passive: true })
      if (element) observer.observe(element)
      look()
    },
    { immediate: true }
  )
  onBeforeUnmount(() => {
    observer.disconnect()
    container.value?.removeEventListener('scroll', look)
  })
  return {
    first: computed(() => Math.max(0, Math.floor(top.value / rowHeight) - spare)),
    end: computed(() => Math.min(count(), Math.ceil((top.value + height.value) / rowHeight) + spare)),
    width,
    show: (row) => {
      const element = container.value
      if (element === null || row < 0) return
      const from = row * rowHeight
      const inside = element.clientHeight - headHeight
      if (from < element.scrollTop) element.scrollTop = from
      else if (from + rowHeight > element.scrollTop + inside) element.scrollTop = from + rowHeight - inside
    }
  }
}
