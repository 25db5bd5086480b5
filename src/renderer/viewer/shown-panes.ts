import { computed, watch, type ComputedRef, type Ref } from 'vue'
import { useCompare } from '../stores/compare'
import { useViewer } from '../stores/viewer'
import type { Pane, Scene } from './scene'
import { inOrder, referenceOf } from './scenes'

/** Versions of a scene as they were chosen. */
export interface ShownPanes {
  /** All of them, in order. */
  readonly panes: ComputedRef<readonly Pane[]>
  readonly shown: ComputedRef<readonly Pane[]>
  /** What others are compared with; it need not be shown. */
  readonly reference: ComputedRef<Pane | null>
}

/** @param wanted the version that is asked for, by its id: it is shown and made the active one; null leaves it as it is */
export function useShownPanes(scene: Readonly<Ref<Scene | null>>, wanted: Readonly<Ref<string | null>>): ShownPanes {
  const viewer = useViewer()
  const compare = useCompare()
  watch(
    wanted,
    (id) => {
      if (id === null || viewer.active === id) return
      viewer.previous = viewer.active
      viewer.active = id
      viewer.hidden = viewer.hidden.filter((each) => each !== id)
    },
    { immediate: true }
  )
  const panes = computed(() => inOrder(scene.value?.panes ?? [], compare.order))
  return {
    panes,
    shown: computed(() => panes.value.filter(({ id }) => !viewer.hidden.includes(id))),
    reference: computed(() => referenceOf(panes.value, viewer.reference))
  }
}
