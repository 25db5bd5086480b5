import { defineStore } from 'pinia'
import { reactive, ref, shallowRef } from 'vue'
import type { PictureFile } from '../viewer/scenes'

/** What was brought to the viewer in this session, and what was looked at last. */
export const useCompare = defineStore('compare', () => {
  /** Paths of pictures that the networks of a run enlarge, by its folder, newest first. */
  const inputs = reactive(new Map<string, readonly string[]>())
  /** Files beside a picture, by run and picture. */
  const beside = reactive(new Map<string, readonly PictureFile[]>())
  /** Pictures without a run. */
  const loose = shallowRef<readonly PictureFile[]>([])
  /** Ids of panes in the order they are shown; others come after them. */
  const order = ref<readonly string[]>([])
  /** The run and the picture that were looked at last. */
  const last = shallowRef<{ readonly run: string; readonly picture: string | null } | null>(null)
  const isPanelOpen = ref(true)
  /** Whether these parts of the panel are unfolded. */
  const isRegionOpen = ref(true)
  const isWorstOpen = ref(true)
  /** Whether the worst regions are outlined in the pictures. */
  const hasMarks = ref(false)

  function addInputs(folder: string, paths: readonly string[]): void {
    const known = inputs.get(folder) ?? []
    inputs.set(folder, [...new Set([...paths, ...known])])
  }

  function besideOf(folder: string | null, picture: string): readonly PictureFile[] {
    return beside.get(keyOf(folder, picture)) ?? []
  }

  function addBeside(folder: string | null, picture: string, file: PictureFile): void {
    const others = besideOf(folder, picture).filter(({ path }) => path !== file.path)
    beside.set(keyOf(folder, picture), [...others, file])
  }

  function removeBeside(folder: string | null, picture: string, path: string): void {
    beside.set(
      keyOf(folder, picture),
      besideOf(folder, picture).filter((file) => file.path !== path)
    )
  }

  const panel = { isPanelOpen, isRegionOpen, isWorstOpen }
  return { inputs, loose, order, last, ...panel, hasMarks, addInputs, besideOf, addBeside, removeBeside }
})

function keyOf(folder: string | null, picture: string): string {
  return JSON.stringify([folder, picture])
}
