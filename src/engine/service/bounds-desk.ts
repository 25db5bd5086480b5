import { resolve } from 'node:path'
import type { QuantizerRow } from '../../contract/events'
import type { BoundsEdit } from '../../contract/runs'
import { StudioError } from '../../core/errors'
import type { DistributionReader, VariantOfRun } from '../jobs/distribution'
import { editBounds } from '../jobs/edit-bounds'

/** Where bounds are changed by hand: one change after the other, and none on a run that a job is at work on. */
export class BoundsDesk {
  readonly #distributions: DistributionReader
  readonly #runAtWork: () => string | null
  readonly #changed: () => void
  /** Each change reads what the one before it wrote. */
  #last: Promise<unknown> = Promise.resolve()

  /**
   * @param runAtWork the run folder that a job is at work on, if any
   * @param changed is called after every change
   */
  constructor(distributions: DistributionReader, runAtWork: () => string | null, changed: () => void) {
    this.#distributions = distributions
    this.#runAtWork = runAtWork
    this.#changed = changed
  }

  /** Changes bounds of a variant. Returns the rows of what was changed. */
  change(variant: VariantOfRun, edits: readonly BoundsEdit[]): Promise<QuantizerRow[]> {
    const changed = this.#last.then(async () => {
      if (this.#runAtWork() === resolve(variant.folder)) {
        throw new StudioError('refused', 'A job is at work on this run; bounds can be changed once it has ended.')
      }
      await editBounds(variant.folder, variant, edits)
      this.#changed()
      return this.#distributions.quantizers(variant, new Set(edits.map(({ name }) => name)))
    })
    this.#last = changed.catch(() => undefined)
    return changed
  }

  /** Resolves once all changes that were asked for are on disk. */
  async settled(): Promise<void> {
    await this.#last
  }
}
