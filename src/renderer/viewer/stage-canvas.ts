import { onBeforeUnmount, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { drawStage, Scratch } from './draw'
import { pictures } from './pictures'
import type { Pane } from './scene'
import type { ComposedStage } from './stage-drawing'
import { makeBitmap } from './tile-bitmap'
import { TileCache } from './tile-cache'

/** Tiles take at most so much memory: those of six panes on a large screen several times over. */
const cacheBytes = 256 * 2 ** 20
/** More at a time would make those wait that come to matter most a moment later. */
const tilesAtOnce = 6

/** What is drawn on a stage's canvas. */
export interface StageCanvas {
  /** Why pixels of panes cannot be had, by their ids. */
  readonly failures: Readonly<ShallowRef<ReadonlyMap<string, string>>>
  /** Draws at once: a canvas of another size is empty until then, which is not to be seen. */
  readonly draw: () => void
  /** Asks again for what could not be had. */
  readonly retry: () => void
}

/**
 * Draws what a stage is composed of whenever it changes, and as tiles come.
 *
 * @param panes all that can be shown
 * @param measure looks before each drawing where the canvas lies
 * @param onDrawn is told whether all that is seen is there
 */
export function useStageCanvas(
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  composed: Readonly<Ref<ComposedStage | null>>,
  panes: Readonly<Ref<readonly Pane[]>>,
  measure: () => void,
  onDrawn: (isSettled: boolean) => void
): StageCanvas {
  const failures = shallowRef<ReadonlyMap<string, string>>(new Map())
  const cache = new TileCache({
    ask: (args, signal) => pictures.call('pictures.tile', args, signal),
    makeImage: makeBitmap,
    onChange: () => {
      schedule()
    },
    bytes: cacheBytes,
    atOnce: tilesAtOnce
  })
  const scratch = new Scratch()
  let context: CanvasRenderingContext2D | null = null
  let nextFrame = 0

  function draw(): void {
    cancelAnimationFrame(nextFrame)
    nextFrame = 0
    const now = composed.value
    if (now === null || canvas.value === null) return
    const { width, height } = now.drawing
    if (canvas.value.width !== width) canvas.value.width = width
    if (canvas.value.height !== height) canvas.value.height = height
    context ??= canvas.value.getContext('2d', { alpha: false })
    if (context === null) return
    drawStage(context, scratch, now.drawing, (picture, at) => cache.imageAt(picture, at))
    cache.want(now.wanted)
    tellFailures()
    onDrawn(cache.isSettled)
  }
  function schedule(): void {
    if (nextFrame !== 0) return
    nextFrame = requestAnimationFrame(() => {
      measure()
      draw()
    })
  }
  function tellFailures(): void {
    const now = new Map<string, string>()
    for (const { id, source } of panes.value) {
      const message = cache.failureOf(source)
      if (message !== null) now.set(id, message)
    }
    const isSame = now.size === failures.value.size && [...now].every(([id, text]) => failures.value.get(id) === text)
    if (!isSame) failures.value = now
  }
  watch(composed, schedule)
  onBeforeUnmount(() => {
    cancelAnimationFrame(nextFrame)
    cache.close()
  })
  return {
    failures,
    draw,
    retry: () => {
      cache.retry()
    }
  }
}
