import { onBeforeUnmount, onMounted } from 'vue'

/** Tells whether what was done last was done by pointer, and not by keyboard. */
export function useLastInput(): () => boolean {
  let wasPointer = false
  const noticePointer = (): void => {
    wasPointer = true
  }
  const noticeKey = (): void => {
    wasPointer = false
  }
  // On their way down: lists that are open keep events to themselves.
  onMounted(() => {
    window.addEventListener('pointerdown', noticePointer, { capture: true })
    window.addEventListener('keydown', noticeKey, { capture: true })
  })
  onBeforeUnmount(() => {
    window.removeEventListener('pointerdown', noticePointer, { capture: true })
    window.removeEventListener('keydown', noticeKey, { capture: true })
  })
  return () => wasPointer
}
