import { shallowReactive } from 'vue'
import type { Bits, Method } from '../../contract/bounds'
import type { QuantizerRow } from '../../contract/events'
import type { BoundsEdit } from '../../contract/runs'

/** Which variant of a run is changed. */
export interface EditedVariant {
  readonly method: Method
  readonly bits: Bits
}

/** A change by hand, and what takes it back. */
interface Step {
  readonly variant: EditedVariant
  readonly forward: BoundsEdit
  readonly backward: BoundsEdit
}

/** Changes one quantizer of a variant; gives the rows that changed. */
export type ApplyEdit = (variant: EditedVariant, edit: BoundsEdit) => Promise<readonly QuantizerRow[]>

/** Changes of a run's bounds by hand that can be undone and redone, one after the other. */
export class EditHistory {
  readonly done: Step[] = shallowReactive([])
  readonly undone: Step[] = shallowReactive([])
  readonly #apply: ApplyEdit
  /** Called with the rows of a variant after every change. */
  onRows: (variant: EditedVariant, rows: readonly QuantizerRow[]) => void = () => undefined
  #last: Promise<unknown> = Promise.resolve()

  /** @param apply rejects where a change cannot be made; nothing is remembered of one that fails */
  constructor(apply: ApplyEdit) {
    this.#apply = apply
  }

  /**
   * @param before tells what the quantizer is once the changes before this one are made
   * @param change what is to become of it
   */
  edit(
    variant: EditedVariant,
    before: () => QuantizerRow | undefined,
    change: (row: QuantizerRow) => BoundsEdit
  ): Promise<void> {
    return this.#afterOthers(async () => {
      const row = before()
      if (row === undefined) return
      const edit = change(row)
      await this.#make(variant, edit)
      this.done.push({ variant, forward: edit, backward: editBackTo(row) })
      this.undone.length = 0
    })
  }

  undo(): Promise<void> {
    return this.#go(this.done, this.undone, ({ backward }) => backward)
  }

  redo(): Promise<void> {
    return this.#go(this.undone, this.done, ({ forward }) => forward)
  }

  #go(from: Step[], to: Step[], pick: (step: Step) => BoundsEdit): Promise<void> {
    return this.#afterOthers(async () => {
      const step = from.at(-1)
      if (step === undefined) return
      await this.#make(step.variant, pick(step))
      from.pop()
      to.push(step)
    })
  }

  async #make(variant: EditedVariant, edit: BoundsEdit): Promise<void> {
    this.onRows(variant, await this.#apply(variant, edit))
  }

  #afterOthers(work: () => Promise<void>): Promise<void> {
    const made = this.#last.then(work)
    this.#last = made.catch(() => undefined)
    return made
  }
}

/** The change that makes a quantizer what it is now. */
function editBackTo({ name, bounds }: QuantizerRow): BoundsEdit {
  if (bounds === null) throw new Error('A quantizer without bounds was changed')
  const { lower, upper, found, frozen } = bounds
  return { name, bounds: found === null ? null : { lower, upper }, frozen }
}
