import { computed, type ComputedRef, type Ref } from 'vue'
import type { Rectangle } from '../../contract/pixels'
import { useLatest } from '../engine/latest'
import { pictures } from './pictures'
import { registration, type Pane, type Scene } from './scene'

/** A region in pixels of the scene, and how much was lost there. */
export interface WorstRegion {
  readonly rectangle: Rectangle
  /**
   * Decibels by which PSNR against the truth is lower than that of full precision; without a truth, PSNR against full
   * precision. Infinite where full precision, or the picture, has no error there.
   */
  readonly decibels: number
}

const count = 8

/** Side of the regions that are looked for: an eighth of the picture's shorter side, 32 to 160 pixels. */
export function sideOf({ width, height }: Pick<Scene, 'width' | 'height'>): number {
  return Math.max(8, Math.min(160, width, height, Math.max(32, 8 * Math.round(Math.min(width, height) / 64))))
}

/** Squared errors on Y as decibels: the loss against full precision, or where there is no truth (errorOfFp 0), PSNR. */
export function decibelsOf(error: number, errorOfFp: number, hasTruth: boolean): number {
  return hasTruth ? 10 * Math.log10(error / errorOfFp) : 10 * Math.log10(255 ** 2 / error)
}

/** Whether all of a pane is there. */
export function isWhole({ output }: Pane): boolean {
  return output === null || output.done.size >= output.columns * output.rows
}

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
