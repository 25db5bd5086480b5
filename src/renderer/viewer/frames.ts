import type { Frame, Size } from './view'

/**
 * Frames of the same size for so many pictures: in as many columns as show a scene of this shape largest.
 *
 * @param stage the room there is, in device pixels
 * @param gap device pixels between frames
 * @param head device pixels above each frame that are not part of it
 * @param columns where they are to be so many, however large that shows the scene
 */
export function layOutFrames(
  count: number,
  scene: Size,
  stage: Size,
  { gap, head, columns }: { readonly gap: number; readonly head: number; readonly columns?: number }
): readonly Frame[] {
  if (count < 1) return []
  const sizeOf = (across: number): Size => {
    const rows = Math.ceil(count / across)
    return {
      width: Math.max(1, Math.floor((stage.width - gap * (across - 1)) / across)),
      height: Math.max(1, Math.floor((stage.height - gap * (rows - 1)) / rows) - head)
    }
  }
  const zoomFor = (across: number): number => {
    const { width, height } = sizeOf(across)
    return Math.min(width / scene.width, height / scene.height)
  }
  let best = columns ?? 1
  if (columns === undefined) {
    for (let across = 2; across <= count; across++) if (zoomFor(across) > zoomFor(best)) best = across
  }
  const { width, height } = sizeOf(best)
  return Array.from({ length: count }, (_, i) => ({
    left: (i % best) * (width + gap),
    top: Math.floor(i / best) * (height + head + gap) + head,
    width,
    height
  }))
}
