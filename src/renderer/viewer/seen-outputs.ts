import { computed, onBeforeUnmount, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { Rectangle } from '../../contract/pixels'
import { useViewer } from '../stores/viewer'
import { isAllThere, type Wish } from './output-queue'
import type { Pane, Scene } from './scene'

/** What is seen of a scene, which is what networks make first. */
export interface SeenOutputs {
  /** In pixels of the scene; null before anything is seen. */
  readonly visible: ShallowRef<Rectangle | null>
  /** The pane that is wanted as a whole, by its id. */
  readonly whole: Ref<string | null>
  /** Whether all that is seen is there. */
  readonly isThere: ComputedRef<boolean>
}

/**
 * Says what is seen, whenever that changes.
 *
 * @param panes those that are seen
 * @param needed what others are compared with, whether it is seen or not
 * @param want is told of it; null once nothing is seen any more
 */
export function useSeenOutputs(
  scene: Readonly<Ref<Scene | null>>,
  panes: Readonly<Ref<readonly Pane[]>>,
  needed: Readonly<Ref<Pane | null>>,
  want: (wish: Wish | null) => void
): SeenOutputs {
  const viewer = useViewer()
  const visible = shallowRef<Rectangle | null>(null)
  const whole = ref<string | null>(null)
  const wish = computed((): Wish | null => {
    if (scene.value === null || visible.value === null) return null
    const alone = viewer.mode === 'flicker' ? viewer.active : null
    const unseen = [needed.value, scene.value.panes.find(({ id }) => id === whole.value)]
    const all = new Map([...panes.value, ...unseen].flatMap((pane) => (pane ? [[pane.id, pane]] : [])))
    return { scene: scene.value, panes: [...all.values()], visible: visible.value, alone, whole: whole.value }
  })
  watch(wish, want, { immediate: true })
  onBeforeUnmount(() => {
    want(null)
  })
  watch(
    () => scene.value?.id,
    () => {
      whole.value = null
    }
  )
  return { visible, whole, isThere: computed(() => wish.value !== null && isAllThere(wish.value)) }
}
