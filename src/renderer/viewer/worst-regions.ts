import { computed, type ComputedRef, type Ref } from 'vue'
import { useLatest } from '../engine/latest'
import { pictures } from './pictures'
import { decibelsOf, isWhole, sideOf, type WorstRegion } from './region-loss'
import { registration, type Pane, type Scene } from './scene'

const count = 8

/** Where a pane lost most against full precision, the worst first; null while it is not known. */
export function useWorstRegions(
  scene: Readonly<Ref<Scene | null>>,
  pane: Readonly<Ref<Pane | null>>,
  isWanted: Readonly<Ref<boolean>>
): {
  readonly regions: ComputedRef<readonly WorstRegion[] | null>
  readonly hasTruth: ComputedRef<boolean>
  /** What has to be there as a whole, and is not. */
  readonly missing: ComputedRef<Pane | null>
  readonly failure: Readonly<Ref<string>>
} {
  const fp = computed(() => scene.value?.panes.find(({ kind }) => kind === 'fp') ?? null)
  const truth = computed(() => scene.value?.panes.find(({ kind }) => kind === 'hr') ?? null)
  const missing = computed(() => [pane.value, fp.value].find((each) => each !== null && !isWhole(each)) ?? null)
  const answer = useLatest(
    () => {
      const [of, full, whole] = [pane.value, fp.value, scene.value]
      if (!isWanted.value || of === null || full === null || whole === null || missing.value !== null) return null
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
    500
  )
  return {
    regions: computed(() => (answer.isPending.value ? null : answer.value.value)),
    hasTruth: computed(() => truth.value !== null),
    missing,
    failure: answer.failure
  }
}
