import { computed, ref, type ComputedRef } from 'vue'

/** Files that are dragged over an element. */
export interface Dragging {
  readonly isOver: ComputedRef<boolean>
  readonly enter: (event: DragEvent) => void
  readonly leave: () => void
  readonly end: () => void
}

/** Follows whether files are dragged over an element and those in it, each of which tells of its own. */
export function useDragging(): Dragging {
  const depth = ref(0)
  return {
    isOver: computed(() => depth.value > 0),
    enter: ({ dataTransfer }) => {
      if (dataTransfer?.types.includes('Files') === true) depth.value++
    },
    leave: () => {
      depth.value = Math.max(0, depth.value - 1)
    },
    end: () => {
      depth.value = 0
    }
  }
}
