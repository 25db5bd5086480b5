import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { messageOf } from '../format'
import { useStudio } from '../stores/studio'

/** What was asked for last, once it is there. */
export interface Latest<T> {
  /** The last answer; kept while a newer one is on its way. */
  readonly value: Readonly<ShallowRef<T | null>>
  /** Why there is none, as a sentence; empty where there is no reason. */
  readonly failure: Readonly<Ref<string>>
  readonly isPending: Readonly<Ref<boolean>>
}

/**
 * Asks whenever what is asked for changes, and gives up what was asked before.
 *
 * @param argsOf what to ask for, as JSON can tell it; null asks for nothing
 * @param wait milliseconds without a further change before it is asked
 * @param isThere whether the process that is asked is there; by default, whether the engine is
 */
export function useLatest<A, T>(
  argsOf: () => A | null,
  ask: (args: A, signal: AbortSignal) => Promise<T>,
  wait = 0,
  isThere: () => boolean = isEngineThere()
): Latest<T> {
  const value = shallowRef<T | null>(null)
  const failure = ref('')
  const isPending = ref(false)
  watch(
    [() => JSON.stringify(argsOf()), isThere] as const,
    async ([text, canAsk], _, onCleanup) => {
      // What an engine that has ended was asked, the next one is asked again.
      if (!canAsk) {
        isPending.value = text !== 'null'
        return
      }
      // Read back, as what is reactive cannot be sent.
      const args = JSON.parse(text) as A | null
      const controller = new AbortController()
      const { signal } = controller
      onCleanup(() => {
        controller.abort()
      })
      failure.value = ''
      isPending.value = args !== null
      if (args === null) {
        value.value = null
        return
      }
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      if (signal.aborted) return
      try {
        const answer = await ask(args, signal)
        // An answer may have been on its way when it was given up.
        if (isLast(signal)) value.value = answer
      } catch (error) {
        if (!isLast(signal)) return
        value.value = null
        failure.value = messageOf(error)
      }
      if (isLast(signal)) isPending.value = false
    },
    { immediate: true }
  )
  return { value, failure, isPending }
}

function isEngineThere(): () => boolean {
  const studio = useStudio()
  return () => studio.isEngineThere
}

/** Whether nothing newer was asked for meanwhile. */
function isLast({ aborted }: AbortSignal): boolean {
  return !aborted
}
