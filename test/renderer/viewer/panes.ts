import type { Pane, PaneKind, PaneOutput, Scene } from '../../../src/renderer/viewer/scene'

/** A pane of a file that there need not be. */
export function pane(
  id: string,
  kind: PaneKind,
  width: number,
  height: number,
  output: PaneOutput | null = null
): Pane {
  const source = { kind: 'file', path: `/${id}.png` } as const
  return { id, kind, title: id.toUpperCase(), source, width, height, psnr: null, ssim: null, output }
}

export function sceneOf(...panes: readonly Pane[]): Scene {
  const width = Math.max(...panes.map((each) => each.width))
  const height = Math.max(...panes.map((each) => each.height))
  return { id: 'scene', title: 'Scene', width, height, panes }
}
