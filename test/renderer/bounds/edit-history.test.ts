import { describe, expect, it } from 'vitest'
import type { QuantizerRow } from '../../../src/contract/events'
import type { BoundsEdit } from '../../../src/contract/runs'
import { EditHistory, type EditedVariant } from '../../../src/renderer/bounds/edit-history'

const two: EditedVariant = { method: 'dobi', bits: { weight: 2, activation: 2 } }
const four: EditedVariant = { method: '2dquant', bits: { weight: 4, activation: 4 } }

/** Quantizers of two variants as the engine keeps them; it takes its time. */
class Run {
  readonly #rows = new Map([two, four].map((variant) => [variant, this.#row(-1, 1)]))
  isRefusing = false

  #row(lower: number, upper: number, found: { lower: number; upper: number } | null = null): QuantizerRow {
    const shares = { belowLower: 0, belowUpper: 1, error: 0, sqnr: 1 }
    const bounds = { lower, upper, ...shares, found, frozen: false }
    return { name: 'q', kind: 'weight', bits: 2, min: -2, max: 2, shape: 'two-sided', bounds }
  }

  of(variant: EditedVariant): QuantizerRow {
    const row = this.#rows.get(variant)
    if (row === undefined) throw new Error('there is no such variant')
    return row
  }

  upper(variant: EditedVariant): number | undefined {
    return this.of(variant).bounds?.upper
  }

  async apply(variant: EditedVariant, { bounds }: BoundsEdit): Promise<QuantizerRow[]> {
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (this.isRefusing) throw new Error('refused')
    const { lower = -1, upper = 1 } = bounds ?? {}
    const row = this.#row(lower, upper, bounds === null ? null : { lower: -1, upper: 1 })
    this.#rows.set(variant, row)
    return [row]
  }
}

function begin(): {
  readonly run: Run
  readonly history: EditHistory
  change(of: EditedVariant, upper: number): Promise<void>
} {
  const run = new Run()
  const history = new EditHistory((variant, edit) => run.apply(variant, edit))
  const change = (of: EditedVariant, upper: number): Promise<void> =>
    history.edit(
      of,
      () => run.of(of),
      () => ({ name: 'q', bounds: { lower: -1, upper }, frozen: false })
    )
  return { run, history, change }
}

describe('changes of bounds by hand', () => {
  it('are taken back where they were made, whatever is looked at by then', async () => {
    const { run, history, change } = begin()
    await change(two, 0.5)
    await change(four, 0.25)
    await history.undo()
    await history.undo()
    expect([run.upper(two), run.upper(four)]).toEqual([1, 1])
    await history.redo()
    expect([run.upper(two), run.upper(four)]).toEqual([0.5, 1])
  })

  it('are made one after the other, each from what the last one left', async () => {
    const { run, history, change } = begin()
    await Promise.all([change(two, 0.75), change(two, 0.5), change(two, 0.25)])
    const seen = [run.upper(two)]
    await Promise.all([history.undo(), history.undo()])
    seen.push(run.upper(two))
    await history.undo()
    seen.push(run.upper(two))
    expect(seen).toEqual([0.25, 0.75, 1])
    expect([history.done.length, history.undone.length]).toEqual([0, 3])
    expect(run.of(two).bounds?.found).toBeNull()
  })

  it('are made of what the ones before them leave', async () => {
    const { run, history, change } = begin()
    const seen: (number | undefined)[] = []
    const second = (row: QuantizerRow): BoundsEdit => {
      seen.push(row.bounds?.upper)
      return { name: 'q', bounds: null, frozen: false }
    }
    await Promise.all([change(two, 0.5), history.edit(two, () => run.of(two), second)])
    expect(seen).toEqual([0.5])
  })

  it('that are refused are not remembered, and do not stop what comes after', async () => {
    const { run, history, change } = begin()
    run.isRefusing = true
    await expect(change(two, 0.5)).rejects.toThrow('refused')
    run.isRefusing = false
    expect(history.done).toEqual([])
    await change(two, 0.25)
    await history.undo()
    expect(run.upper(two)).toBe(1)
  })

  it('cannot be redone once another was made', async () => {
    const { history, change } = begin()
    await change(two, 0.5)
    await history.undo()
    await change(two, 0.25)
    expect(history.undone).toEqual([])
  })
})
