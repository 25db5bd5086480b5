import { computed, ref, shallowRef, type Ref, type ShallowRef, type WritableComputedRef } from 'vue'
import { valueOf } from '../action'
import { i18n } from '../i18n'
import { nameOf } from '../paths'
import { useCompare } from '../stores/compare'
import { isPicture, readDrop } from './dropped'
import { pictures } from './pictures'
import type { Scene } from './scene'
import { fitsBeside, type PictureChoice, type PictureFile } from './scenes'

/** Pictures and folders that are to be enlarged, and by which versions; null lets all be chosen. */
export interface Batch {
  readonly inputs: readonly string[]
  readonly contestants: readonly string[] | null
}

/** Pictures that the user brings. */
export interface Opening {
  /** Those of which it is to be said what they are to be. */
  readonly asked: Readonly<Ref<readonly string[]>>
  readonly isAsking: WritableComputedRef<boolean>
  readonly answer: (isInput: boolean) => Promise<void>
  /** Asks for files, and takes them. Rejects with what is wrong with them. */
  readonly open: () => Promise<void>
  /** Takes what was dropped; `isInput` says whether networks are to enlarge it, null has it asked. */
  readonly drop: (transfer: DataTransfer, isInput: boolean | null) => Promise<void>
  /** Takes away a picture that stands beside others. */
  readonly remove: (path: string) => void
  /** The batch that is put together. */
  readonly batch: Readonly<ShallowRef<Batch | null>>
  readonly isBatchOpen: WritableComputedRef<boolean>
  readonly askForBatch: (inputs: readonly string[], contestants: readonly string[] | null) => void
}

/**
 * Takes pictures of the user: as inputs of a run's networks, beside the picture that is looked at, or, without a run, alone.
 *
 * @param turnTo shows a picture of the run
 */
export function useOpening(
  run: Readonly<Ref<string | null>>,
  choice: Readonly<Ref<PictureChoice | null>>,
  scene: Readonly<Ref<Scene | null>>,
  turnTo: (picture: string) => void
): Opening {
  const { t } = i18n.global
  const compare = useCompare()
  const asked = ref<readonly string[]>([])
  const batch = shallowRef<Batch | null>(null)

  /** Pictures of which it was not said what they are to be. */
  async function take(paths: readonly string[]): Promise<void> {
    if (run.value === null) await showBeside(paths)
    else if (scene.value === null) enlarge(paths, [])
    else asked.value = paths
  }
  /** One picture is looked at as networks enlarge it; several, and folders, are a batch. */
  function enlarge(paths: readonly string[], folders: readonly string[]): void {
    const [first] = paths
    if (run.value === null || paths.length + folders.length === 0) return
    compare.addInputs(run.value, paths)
    if (first !== undefined) turnTo(first)
    if (paths.length + folders.length > 1) batch.value = { inputs: [...paths, ...folders], contestants: null }
  }
  async function showBeside(paths: readonly string[]): Promise<void> {
    const files: PictureFile[] = []
    for (const path of paths)
      files.push({ path, ...(await pictures.call('pictures.open', { source: { kind: 'file', path } })) })
    for (const file of files) {
      const now = scene.value
      if (now !== null && !fitsBeside(now, file)) {
        const { path, ...size } = file
        throw new Error(
          t('compare.notBeside', { name: nameOf(path), ...size, sceneWidth: now.width, sceneHeight: now.height })
        )
      }
      if (run.value !== null && choice.value !== null) compare.addBeside(run.value, choice.value.id, file)
      else if (compare.loose.every(({ path }) => path !== file.path)) compare.loose = [...compare.loose, file]
    }
  }
  function refuse(name: string | undefined): void {
    if (name !== undefined) throw new Error(t('compare.notPicture', { name }))
  }

  return {
    asked,
    isAsking: computed({
      get: () => asked.value.length > 0,
      set: (isOpen) => {
        if (!isOpen) asked.value = []
      }
    }),
    answer: async (isInput) => {
      const paths = asked.value
      asked.value = []
      if (isInput) enlarge(paths, [])
      else await showBeside(paths)
    },
    open: async () => {
      const paths = await valueOf(window.studio.choosePictures())
      const refused = paths.find((path) => !isPicture(path))
      refuse(refused === undefined ? undefined : nameOf(refused))
      await take(paths)
    },
    drop: async (transfer, isInput) => {
      const [file] = transfer.files
      if (file === undefined) return
      const dropped = await readDrop(transfer, window.studio.pathOf)
      if (dropped === null) {
        await valueOf(window.studio.openPath(window.studio.pathOf(file)))
        return
      }
      const { pictures: paths, folders } = dropped
      if (run.value !== null && (isInput === true || folders.length > 0)) enlarge(paths, folders)
      else if (folders.length > 0) throw new Error(t('compare.notFolder'))
      else if (isInput === null) await take(paths)
      else await showBeside(paths)
      refuse(dropped.refused[0])
    },
    remove: (path) => {
      if (run.value === null) compare.loose = compare.loose.filter((file) => file.path !== path)
      else if (choice.value !== null) compare.removeBeside(run.value, choice.value.id, path)
    },
    batch,
    isBatchOpen: computed({
      get: () => batch.value !== null,
      set: (isOpen) => {
        if (!isOpen) batch.value = null
      }
    }),
    askForBatch: (inputs, contestants) => {
      batch.value = { inputs, contestants }
    }
  }
}
