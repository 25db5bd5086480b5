import { defineStore } from 'pinia'
import { EditHistory } from '../bounds/edit-history'
import { engine } from '../engine/connection'

/** What was changed by hand in the runs that were looked at, by their folders: it outlives the page of a run. */
export const useEditHistories = defineStore('edit-histories', () => {
  const histories = new Map<string, EditHistory>()

  function historyOf(folder: string): EditHistory {
    const known = histories.get(folder)
    if (known !== undefined) return known
    const history = new EditHistory(({ method, bits }, edit) =>
      engine.call('runs.setBounds', { folder, method, bits, edits: [edit] })
    )
    histories.set(folder, history)
    return history
  }
  return { historyOf }
})
