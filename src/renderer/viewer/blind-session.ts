import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import type { RunDetails } from '../../contract/runs'
import { Random } from '../../core/imaging/random'
import { useViewer } from '../stores/viewer'
import {
  drawTest,
  placeOf,
  sidesOf,
  trialOf,
  withoutLastVote,
  withVote,
  type BlindTest,
  type BlindTrial,
  type Vote
} from './blind-test'
import type { Pane, Scene } from './scene'
import { versionIdsOf, type PictureChoice } from './scenes'

/** Pixels of a place that is compared, and how large they are shown. */
const side = 128
const zoom = 3

/** A blind test that goes on, or has ended. */
export interface BlindSession {
  /** Null before it is begun. */
  readonly test: Readonly<Ref<BlindTest | null>>
  readonly isFinished: Readonly<Ref<boolean>>
  /** Whether nothing may tell which version is which. */
  readonly isMasking: ComputedRef<boolean>
  /** Real versions of the question, left and right; none as long as its picture is not shown. */
  readonly compared: ComputedRef<readonly Pane[]>
  readonly begin: (versions: readonly [string, string], count: number, hasAllPictures: boolean) => void
  readonly vote: (vote: Vote) => void
  readonly undo: () => void
  readonly finish: () => void
  /** Forgets it. */
  readonly end: () => void
}

/**
 * Holds a blind test: looks at the place of each question, and turns to its picture.
 *
 * @param details of the run; null without one
 * @param choices pictures of the run, and the one that is looked at
 * @param turnTo shows a picture
 */
export function useBlindSession(
  scene: Readonly<Ref<Scene | null>>,
  details: Readonly<Ref<RunDetails | null>>,
  choices: Readonly<Ref<readonly PictureChoice[]>>,
  choice: Readonly<Ref<PictureChoice | null>>,
  turnTo: (picture: string) => void
): BlindSession {
  const viewer = useViewer()
  const test = shallowRef<BlindTest | null>(null)
  const isFinished = ref(false)
  const trial = computed((): BlindTrial | null =>
    test.value === null || isFinished.value ? null : trialOf(test.value)
  )
  /** Pictures that have both versions: another would be a question without an answer. */
  function picturesWith(versions: readonly [string, string]): readonly string[] {
    const run = details.value
    if (run === null) return []
    const alike = choices.value.filter(({ kind }) => kind === choice.value?.kind)
    return alike.filter((each) => versions.every((version) => versionIdsOf(run, each).has(version))).map(({ id }) => id)
  }
  function end(): void {
    test.value = null
    isFinished.value = false
  }
  watch(
    [trial, () => scene.value?.id],
    ([now, id]) => {
      if (now === null) return
      if (now.picture !== id) {
        turnTo(now.picture)
        return
      }
      if (scene.value === null) return
      const { left, top, width, height } = placeOf(now, scene.value, side)
      viewer.view = { zoom, x: left + width / 2, y: top + height / 2 }
    },
    { flush: 'post' }
  )
  watch(
    () => viewer.mode,
    (mode) => {
      if (mode !== 'blind') end()
    }
  )
  return {
    test,
    isFinished,
    isMasking: computed(() => viewer.mode === 'blind' && test.value !== null && !isFinished.value),
    compared: computed(() => {
      const shown = scene.value
      if (test.value === null || trial.value === null || trial.value.picture !== shown?.id) return []
      return sidesOf(test.value, trial.value).flatMap((id) => shown.panes.find((each) => each.id === id) ?? [])
    }),
    begin: (versions, count, hasAllPictures) => {
      const [seed = 0] = crypto.getRandomValues(new Uint32Array(1))
      isFinished.value = false
      const all = hasAllPictures ? picturesWith(versions) : []
      const pictures = all.length > 0 || choice.value === null ? all : [choice.value.id]
      test.value = drawTest(versions, pictures, count, Random.seeded(seed))
    },
    vote: (vote) => {
      if (test.value !== null) test.value = withVote(test.value, vote)
    },
    undo: () => {
      if (test.value !== null) test.value = withoutLastVote(test.value)
    },
    finish: () => {
      isFinished.value = true
    },
    end
  }
}
