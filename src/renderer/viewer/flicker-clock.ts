import { ref, watch, type Ref } from 'vue'
import { useViewer } from '../stores/viewer'

/** Whether flicker stands at the first of its two panes; it begins with the second. */
export function useFlickerClock(): Readonly<Ref<boolean>> {
  const viewer = useViewer()
  const isFirst = ref(false)
  watch(
    () => [viewer.mode, viewer.flicker.isPlaying, viewer.flicker.interval] as const,
    ([mode, isPlaying, interval], _, onCleanup) => {
      isFirst.value = false
      if (mode !== 'flicker' || !isPlaying) return
      const timer = setInterval(() => {
        isFirst.value = !isFirst.value
      }, interval)
      onCleanup(() => {
        clearInterval(timer)
      })
    },
    { immediate: true }
  )
  return isFirst
}
