import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import type { RunDetails } from '../../contract/runs'
import { engine } from '../engine/connection'
import { useLatest } from '../engine/latest'
import { variantTitle } from '../format'
import { i18n } from '../i18n'
import { useCompare } from '../stores/compare'
import { useRuns } from '../stores/runs'
import { useStudio } from '../stores/studio'
import { OutputQueue, type Wish } from './output-queue'
import type { Scene } from './scene'
import {
  choicesOf,
  filesScene,
  filesId,
  paneIdOf,
  pictureToEnlarge,
  sceneOf,
  withFiles,
  withProgress,
  type OutputProgress,
  type PictureChoice,
  type TitleOf
} from './scenes'

/** What is looked at. */
export interface CurrentScene {
  /** Of the run; null without one, and before it is read. */
  readonly details: ComputedRef<RunDetails | null>
  readonly choices: ComputedRef<readonly PictureChoice[]>
  readonly choice: ComputedRef<PictureChoice | null>
  readonly scene: ComputedRef<Scene | null>
  /** Why there is no scene, or less than there should be; empty where there is no reason. */
  readonly failure: ComputedRef<string>
  readonly isPending: ComputedRef<boolean>
  /** Says what of the scene is looked at, so that networks make it. */
  readonly want: (wish: Wish | null) => void
  readonly retry: (pane: string) => void
}

export const paneTitle: TitleOf = ({ method, bits }, isOutdated) => {
  const title = variantTitle(method, bits)
  return isOutdated ? i18n.global.t('compare.outdated', { title }) : title
}

/** Follows which run and which of its pictures are looked at; null takes no run, and the first picture. */
export function useCurrentScene(
  folder: Readonly<Ref<string | null>>,
  wanted: Readonly<Ref<string | null>>
): CurrentScene {
  const compare = useCompare()
  const runs = useRuns()
  const studio = useStudio()
  const run = useLatest(
    () => (folder.value === null ? null : { folder: folder.value, revision: runs.revision }),
    async (args, signal) => ({
      folder: args.folder,
      details: await engine.call('runs.open', { folder: args.folder }, signal)
    })
  )
  // What was read last stays while it is read anew, but not for another run.
  const details = computed(() => (run.value.value?.folder === folder.value ? run.value.value.details : null))

  const choices = computed((): readonly PictureChoice[] => {
    if (details.value !== null && folder.value !== null) {
      return choicesOf(details.value, compare.inputs.get(folder.value) ?? [])
    }
    const files = compare.loose
    if (folder.value !== null || files.length === 0) return []
    return [{ kind: 'files', id: filesId, title: i18n.global.t('compare.loose'), set: null, files }]
  })
  const choice = computed(() => choices.value.find(({ id }) => id === wanted.value) ?? choices.value[0] ?? null)

  const toEnlarge = computed(() =>
    details.value === null || choice.value === null ? null : pictureToEnlarge(details.value, choice.value)
  )
  const outputs = useLatest(
    () =>
      toEnlarge.value === null || folder.value === null
        ? null
        : { folder: folder.value, picture: toEnlarge.value, revision: runs.revision },
    async (args, signal) => ({
      picture: args.picture,
      outputs: await engine.call('runs.outputs', { folder: args.folder, picture: args.picture }, signal)
    })
  )
  const currentOutputs = computed(() => {
    const known = outputs.value.value
    return known?.picture === toEnlarge.value ? known.outputs : null
  })

  const bare = computed((): Scene | null => {
    const { value: chosen } = choice
    if (chosen === null) return null
    if (chosen.kind === 'files') return filesScene(chosen)
    if (details.value === null) return null
    const scene = sceneOf(details.value, chosen, currentOutputs.value, paneTitle)
    return scene === null ? null : withFiles(scene, compare.besideOf(folder.value, chosen.id))
  })

  let queue: OutputQueue | null = null
  const progress = shallowRef<ReadonlyMap<string, OutputProgress>>(new Map())
  /** Outputs that are made: the same as long as they are kept in the same places. */
  const made = computed(() =>
    JSON.stringify(
      (bare.value?.panes ?? []).flatMap(({ id, output, source }) => (output === null ? [] : [[id, source]]))
    )
  )
  watch(
    made,
    () => {
      queue?.want(null)
      queue = null
      progress.value = new Map()
      const [run, picture] = [folder.value, toEnlarge.value]
      const panes = bare.value?.panes.filter(({ output }) => output !== null) ?? []
      if (run === null || picture === null || panes.length === 0) return
      const variants = new Map((details.value?.variants ?? []).map((each) => [paneIdOf(each), each]))
      const next = new OutputQueue(
        panes,
        ({ pane, column, row }, signal) => {
          const found = variants.get(pane)
          const variant = found === undefined ? null : { method: found.method, bits: found.bits }
          return engine.call('runs.tile', { folder: run, picture, variant, column, row }, signal)
        },
        () => {
          if (queue === next) progress.value = next.progress
        }
      )
      queue = next
    },
    { immediate: true, flush: 'sync' }
  )
  // What failed as the engine ended is tried again by the next one.
  watch(
    () => studio.isEngineThere,
    (isThere) => {
      if (!isThere) return
      for (const [pane, { failure }] of progress.value) if (failure !== null) queue?.retry(pane)
    }
  )
  onScopeDispose(() => queue?.want(null))

  return {
    details,
    choices,
    choice,
    scene: computed(() => (bare.value === null ? null : withProgress(bare.value, progress.value))),
    failure: computed(() => (folder.value === null ? '' : run.failure.value || outputs.failure.value)),
    isPending: computed(
      () => folder.value !== null && (details.value === null || (bare.value === null && outputs.isPending.value))
    ),
    want: (wish) => queue?.want(wish),
    retry: (pane) => queue?.retry(pane)
  }
}
