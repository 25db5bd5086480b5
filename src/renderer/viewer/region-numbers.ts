import { computed, type ComputedRef, type Ref } from 'vue'
import type { Rectangle } from '../../contract/pixels'
import { registration } from '../../core/imaging/registration'
import { useLatest } from '../engine/latest'
import { pieceOf } from './figure'
import { areReadable, pictures } from './pictures'
import type { RegionNumbers } from './region-text'
import type { Pane, Scene } from './scene'

/** Numbers of a region by the ids of panes; the reference has none, nor has a pane of which nothing is known. */
export function useRegionNumbers(
  scene: Readonly<Ref<Scene | null>>,
  panes: Readonly<Ref<readonly Pane[]>>,
  reference: Readonly<Ref<Pane | null>>,
  region: Readonly<Ref<Rectangle | null>>
): { readonly numbers: ComputedRef<ReadonlyMap<string, RegionNumbers>>; readonly failure: Readonly<Ref<string>> } {
  const compared = computed(() => {
    const [whole, to, rectangle] = [scene.value, reference.value, region.value]
    const factor = whole === null || to === null ? null : registration(whole, to)
    if (to === null || rectangle === null || factor === null) return null
    const alike = panes.value.filter(
      ({ id, width, height }) => id !== to.id && width === to.width && height === to.height
    )
    if (alike.length === 0) return null
    return {
      reference: to.source,
      panes: alike.map(({ id, source }) => ({ id, source })),
      rectangle: pieceOf(rectangle, factor),
      // Of outputs that are made meanwhile the numbers come once all of the region is there.
      done: [to, ...alike].map(({ output }) => output?.done.size ?? 0)
    }
  })
  const answer = useLatest(
    () => compared.value,
    async ({ reference: to, panes: alike, rectangle }, signal) => {
      const sources = alike.map(({ source }) => source)
      const found = await pictures.call('pictures.region', { reference: to, sources, rectangle }, signal)
      return alike.flatMap(({ id }, i) => {
        const known = found[i] ?? null
        return known === null ? [] : [[id, known] as const]
      })
    },
    100,
    areReadable
  )
  const numbers = computed(() => new Map(region.value === null ? [] : (answer.value.value ?? [])))
  return { numbers, failure: answer.failure }
}
