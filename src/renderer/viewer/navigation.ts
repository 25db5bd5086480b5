import { computed, watch, type ComputedRef, type Ref } from 'vue'
import { useRouter } from 'vue-router'
import { useCompare } from '../stores/compare'
import type { PictureChoice } from './scenes'

/** Which picture of which run the page shows, and how it turns to others. */
export interface Navigation {
  /** Shows a run and one of its pictures; null takes no run, and the first picture. */
  readonly go: (folder: string | null, id: string | null) => void
  /** Shows a run from the beginning, or pictures without one. */
  readonly chooseRun: (folder: string | null) => void
  /** The picture's place among all, from 0 on; −1 where there is none. */
  readonly place: ComputedRef<number>
  /** Turns to the next picture or the one before; the first comes after the last. */
  readonly turn: (by: 1 | -1) => void
}

/** The address of the page says what is shown. It is where it was left, unless it is asked for something else. */
export function useNavigation(
  run: Readonly<Ref<string | null>>,
  picture: Readonly<Ref<string | null>>,
  choices: Readonly<Ref<readonly PictureChoice[]>>,
  choice: Readonly<Ref<PictureChoice | null>>
): Navigation {
  const router = useRouter()
  const compare = useCompare()

  function go(folder: string | null, id: string | null): void {
    void router.replace({
      name: 'compare',
      query: { ...(folder !== null && { run: folder }), ...(id !== null && { picture: id }) }
    })
  }
  // Pictures without a run have come since it was left.
  if (run.value === null && picture.value === null && compare.last !== null && compare.loose.length === 0) {
    go(compare.last.run, compare.last.picture)
  }
  watch(
    () => [run.value, choice.value?.id ?? null] as const,
    ([folder, id]) => {
      if (folder !== null) compare.last = { run: folder, picture: id ?? picture.value }
    }
  )
  const place = computed(() => choices.value.findIndex(({ id }) => id === choice.value?.id))
  return {
    go,
    chooseRun: (folder) => {
      compare.last = null
      go(folder, null)
    },
    place,
    turn: (by) => {
      const { length } = choices.value
      const next = choices.value[(place.value + by + length) % Math.max(1, length)]
      if (next !== undefined && next.id !== choice.value?.id) go(run.value, next.id)
    }
  }
}
