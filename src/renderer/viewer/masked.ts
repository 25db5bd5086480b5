import type { Pane, PaneOutput } from './scene'

/**
 * Versions as a blind test shows them: by their places alone. What is told of how far they are is the same for all, as only
 * what is made on demand comes in tiles.
 */
export function maskedPanes(panes: readonly Pane[], titles: readonly string[]): readonly Pane[] {
  const output = panes.map((pane) => pane.output).reduce<PaneOutput | null>(together, null)
  return panes.map((pane, i) => ({
    ...pane,
    id: `blind ${i + 1}`,
    kind: 'file',
    title: titles[i] ?? '',
    psnr: null,
    ssim: null,
    output
  }))
}

/** What is there of both. */
function together(a: PaneOutput | null, b: PaneOutput | null): PaneOutput | null {
  if (a === null || b === null) return a ?? b
  return { ...a, done: new Set([...a.done].filter((place) => b.done.has(place))), failure: a.failure ?? b.failure }
}
