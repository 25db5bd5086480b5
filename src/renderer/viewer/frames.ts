import type { Frame, Size } from './view'

/**
 * Frames of the same size for so many pictures: in as many columns as show a scene of this shape largest.
 *
 * @param stage the room there is, in device pixels
 * @param gap device pixels between frames
 * @param head device pixels above each frame that are not part of it
 */
export function layOutFrames(
  count: number,
  scene: Size,
  stage: Size,
  { gap, head }: { readonly gap: number; readonly head: number }
): readonly Frame[] {
  if (count < 1) return []
  const sizeOf = (columns: number): Size => {
    const rows = Math.ceil(count / columns)
    return {
      width: Math.max(1, Math.floor((stage.width - gap * (columns - 1)) / columns)),
      height: Math.max(1, Math.floor((stage.height - gap * (rows - 1)) / rows) - head)
    }
  }
  const zoomFor = (columns: number): number => {
    const { width, height } = sizeOf(columns)
    return Math.min(width / scene.width, height / scene.height)
  }
  let best = 1
  for (let columns = 2; columns <= count; columns++) if (zoomFor(columns) > zoomFor(best)) best = columns
  const { width, height } = sizeOf(best)
  return Array.from({ length: count }, (_, i) => ({
    left: (i % best) * (width + gap),
    top: Math.floor(i / best) * (height + head + gap) + head,
    width,
    height
  }))
}
