import type { Pane } from './scene'

export interface Pair {
  /** At the left, on top, under the lens. */
  readonly first: Pane
  /** At the right, below, in the lens, and what flicker stands at. */
  readonly second: Pane
}

/**
 * The two panes that modes of two show: the active one and the one before it. Where nothing was chosen, or it is not shown, a
 * variant and the reference.
 */
export function pairOf(
  panes: readonly Pane[],
  active: string | null,
  previous: string | null,
  reference: Pane | null
): Pair | null {
  const second =
    panes.find(({ id }) => id === active) ??
    panes.find(({ kind }) => kind === 'variant') ??
    panes.find(({ id }) => id !== reference?.id) ??
    panes[0]
  if (second === undefined) return null
  const others = panes.filter(({ id }) => id !== second.id)
  const first =
    others.find(({ id }) => id === previous) ?? others.find(({ id }) => id === reference?.id) ?? others[0] ?? second
  return { first, second }
}
