import { ref, type Ref } from 'vue'
import type { QuantizerRow } from '../../contract/events'
import type { BoundsEdit } from '../../contract/runs'

/** A change by hand, and what takes it back. */
interface Step {
  readonly forward: readonly BoundsEdit[]
  readonly backward: readonly BoundsEdit[]
}

/** Changes of bounds by hand that can be undone and redone. */
export interface EditHistory {
  readonly undoable: Readonly<Ref<number>>
  readonly redoable: Readonly<Ref<number>>
  /** Makes a change; nothing is remembered of one that fails. */
  edit(before: QuantizerRow, edit: BoundsEdit): Promise<void>
  undo(): Promise<void>
  redo(): Promise<void>
}

/** @param apply has changes made; rejects where they cannot be */
export function useEditHistory(apply: (edits: readonly BoundsEdit[]) => Promise<void>): EditHistory {
  const done: Step[] = []
  const undone: Step[] = []
  const undoable = ref(0)
  const redoable = ref(0)
  const tell = (): void => {
    undoable.value = done.length
    redoable.value = undone.length
  }
  const go = async (from: Step[], to: Step[], pick: (step: Step) => readonly BoundsEdit[]): Promise<void> => {
    const step = from.at(-1)
    if (step === undefined) return
    await apply(pick(step))
    from.pop()
    to.push(step)
    tell()
  }
  return {
    undoable,
    redoable,
    async edit(before, edit) {
      await apply([edit])
      done.push({ forward: [edit], backward: [editBackTo(before)] })
      undone.length = 0
      tell()
    },
    undo: () => go(done, undone, ({ backward }) => backward),
    redo: () => go(undone, done, ({ forward }) => forward)
  }
}

/** The change that makes a quantizer what it is now. */
function editBackTo({ name, bounds }: QuantizerRow): BoundsEdit {
  if (bounds === null) throw new Error('A quantizer without bounds was changed')
  const { lower, upper, found, frozen } = bounds
  return { name, bounds: found === null ? null : { lower, upper }, frozen }
}
