import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import type { Rectangle } from '../../contract/pixels'
import { registration } from '../../core/imaging/registration'
import { useLatest } from '../engine/latest'
import { useCompare } from '../stores/compare'
import { useViewer } from '../stores/viewer'
import { areReadable, pictures } from './pictures'
import { decibelsOf, isWhole, sideOf, type WorstRegion } from './region-loss'
import type { Pane, Scene } from './scene'

const count = 8
/** Pixels of pictures that are looked through without being asked to: all of three pictures is read. */
const mostPixels = 4096 ** 2

/** Where quantization did worst. */
export interface WorstRegions {
  /** Versions whose worst regions can be looked for, and the one that they are looked for in. */
  readonly choices: ComputedRef<readonly Pane[]>
  readonly pane: ComputedRef<Pane | null>
  readonly choose: (pane: string) => void
  /** The worst first, where a version lost most against full precision; null as long as it is not known. */
  readonly regions: ComputedRef<readonly WorstRegion[] | null>
  /** Whether there is a high-resolution picture to measure against. */
  readonly hasTruth: ComputedRef<boolean>
  /** Whether the picture is so large that they are looked for only when that is asked for. */
  readonly isWaiting: ComputedRef<boolean>
  readonly find: () => void
  /** What has to be there as a whole, and is not. */
  readonly missing: ComputedRef<Pane | null>
  readonly failure: Readonly<Ref<string>>
  /** The place in the list that is looked at. */
  readonly place: Readonly<Ref<number | null>>
  /** Looks at one of them; the next after the last is the first. */
  readonly lookAt: (place: number) => void
  /** Looks at the next, or the one before. */
  readonly turn: (by: 1 | -1) => void
  /** Those that are outlined in the pictures. */
  readonly marks: ComputedRef<readonly Rectangle[]>
}

/**
 * Finds where versions lost most.
 *
 * @param panes all versions of the scene, in order
 */
export function useWorstRegions(
  scene: Readonly<Ref<Scene | null>>,
  panes: Readonly<Ref<readonly Pane[]>>
): WorstRegions {
  const viewer = useViewer()
  const compare = useCompare()
  const isBlind = computed(() => viewer.mode === 'blind')
  const fp = computed(() => panes.value.find(({ kind }) => kind === 'fp') ?? null)
  const truth = computed(() => panes.value.find(({ kind }) => kind === 'hr') ?? null)
  const choices = computed(() => (fp.value === null ? [] : panes.value.filter(({ kind }) => kind === 'variant')))
  const chosen = ref<string | null>(null)
  const pane = computed(
    () => choices.value.find(({ id }) => id === (chosen.value ?? viewer.active)) ?? choices.value.at(-1) ?? null
  )
  const missing = computed(() => [pane.value, fp.value].find((each) => each !== null && !isWhole(each)) ?? null)

  /** The picture in which they were asked for. */
  const asked = ref<string | null>(null)
  const isWaiting = computed(() => {
    const whole = scene.value
    return whole !== null && whole.width * whole.height > mostPixels && asked.value !== whole.id
  })
  const isLookedAt = computed(
    () => (compare.isPanelOpen && compare.isWorstOpen) || compare.hasMarks || asked.value === scene.value?.id
  )
  const answer = useLatest(
    () => {
      const [of, full, whole] = [pane.value, fp.value, scene.value]
      if (isBlind.value || !isLookedAt.value || isWaiting.value || missing.value !== null) return null
      if (of === null || full === null || whole === null) return null
      return {
        source: of.source,
        fp: full.source,
        truth: truth.value?.source ?? null,
        side: sideOf(of),
        factor: registration(whole, of) ?? 1
      }
    },
    async ({ factor, ...args }, signal) => {
      const found = await pictures.call('pictures.worst', { ...args, count }, signal)
      return found.map(({ rectangle: { left, top, width, height }, error, errorOfFp }): WorstRegion => ({
        rectangle: { left: left * factor, top: top * factor, width: width * factor, height: height * factor },
        decibels: decibelsOf(error, errorOfFp, args.truth !== null)
      }))
    },
    // What is looked at comes first.
    500,
    areReadable
  )
  const regions = computed(() => (answer.isPending.value ? null : answer.value.value))

  const place = ref<number | null>(null)
  watch([regions, () => scene.value?.id], () => {
    place.value = null
  })
  function find(): void {
    asked.value = scene.value?.id ?? null
  }
  function lookAt(at: number): void {
    const { length } = regions.value ?? []
    const wanted = ((at % length) + length) % length
    const region = regions.value?.[wanted]?.rectangle
    if (region === undefined) return
    place.value = wanted
    viewer.region = region
    const zoom = viewer.view.zoom === 'fit' || viewer.view.zoom < 2 ? 4 : viewer.view.zoom
    viewer.view = { zoom, x: region.left + region.width / 2, y: region.top + region.height / 2 }
  }
  return {
    choices,
    pane,
    choose: (id) => {
      chosen.value = id
    },
    regions,
    hasTruth: computed(() => truth.value !== null),
    isWaiting,
    find,
    missing,
    failure: answer.failure,
    place,
    lookAt,
    turn: (by) => {
      if (isWaiting.value || !isLookedAt.value) find()
      else if (place.value === null) lookAt(by === 1 ? 0 : -1)
      else lookAt(place.value + by)
    },
    marks: computed(() =>
      compare.hasMarks && !isBlind.value ? (regions.value ?? []).map(({ rectangle }) => rectangle) : []
    )
  }
}
