import { onBeforeUnmount, onMounted, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { useRuns } from '../stores/runs'
import { pictures } from './pictures'
import type { Pane } from './scene'

/** What files were when they were seen first in this session: tiles that are kept are of these. */
const first = new Map<string, string>()

/**
 * Looks whether files were replaced since they were seen first: when others are shown, when runs change, and when the window
 * is come back to, since other programs may have written them.
 *
 * @param panes those that are shown
 * @returns stamps of files that were replaced, by their paths
 */
export function useFileStamps(
  panes: Readonly<Ref<readonly Pane[]>>
): Readonly<ShallowRef<ReadonlyMap<string, string>>> {
  const runs = useRuns()
  const replaced = shallowRef<ReadonlyMap<string, string>>(new Map())
  async function look(): Promise<void> {
    for (const { source } of panes.value) {
      if (source.kind === 'tiles') continue
      // What cannot be read is told where it is shown.
      const found = await pictures.call('pictures.open', { source }).catch(() => null)
      if (found === null) continue
      const known = first.get(source.path)
      if (known === undefined) first.set(source.path, found.stamp)
      else if (known !== found.stamp && replaced.value.get(source.path) !== found.stamp) {
        replaced.value = new Map([...replaced.value, [source.path, found.stamp]])
      }
    }
  }
  const lookAgain = (): void => void look()
  watch(
    [() => panes.value.map(({ id }) => id).join('\n'), () => panes.value[0]?.source, () => runs.revision],
    lookAgain,
    {
      immediate: true
    }
  )
  onMounted(() => {
    window.addEventListener('focus', lookAgain)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('focus', lookAgain)
  })
  return replaced
}

/** Panes with the stamps of their files. */
export function withStamps(panes: readonly Pane[], replaced: ReadonlyMap<string, string>): readonly Pane[] {
  return panes.map((pane) => {
    const stamp = pane.source.kind === 'tiles' ? undefined : replaced.get(pane.source.path)
    return stamp === undefined ? pane : { ...pane, stamp }
  })
}
