import { computed, onBeforeUnmount, onMounted, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { Rectangle } from '../../contract/pixels'
import { useViewer, type View } from '../stores/viewer'
import type { Pane } from './scene'
import type { Shown, StageView } from './stage-view'
import { isWithin, pan, rectangleBetween, sceneAt, stepZoom, zoomAbout, zoomOf, type Place } from './view'
import { WheelSteps } from './wheel-steps'
import type { DevicePixels } from './whole-pixels'

/** What a drag that goes on does, and from where. */
type Drag =
  | {
      readonly kind: 'pan'
      readonly from: Place
      readonly view: View
      readonly pane: Pane | undefined
      hasMoved: boolean
    }
  | { readonly kind: 'region'; readonly from: Place; readonly frame: number; readonly before: Rectangle | null }
  | { readonly kind: 'split' }

/** CSS pixels from the line of the split at which it can still be taken hold of. */
const reach = 6

/** What the pointer does on a stage. */
export interface StagePointer {
  /** Where it is, in device pixels of the canvas; null where it is elsewhere. */
  readonly pointer: Readonly<ShallowRef<Place | null>>
  /** The class of its shape. */
  readonly cursor: ComputedRef<string>
  /** What the surface listens to. */
  readonly listeners: {
    readonly pointerdown: (event: PointerEvent) => void
    readonly pointermove: (event: PointerEvent) => void
    readonly pointerup: () => void
    readonly pointercancel: () => void
    readonly pointerleave: () => void
    readonly dblclick: (event: MouseEvent) => void
  }
  /** Takes back what a drag has done so far; false where none goes on. */
  readonly breakOff: () => boolean
}

/**
 * Moves, zooms, draws regions and pulls the line of the split by pointer and wheel.
 *
 * @param surface what the pointer acts on, and the canvas in it
 * @param onChoose is told which pane was clicked on, where each has its own frame
 */
export function useStagePointer(
  surface: Readonly<Ref<HTMLElement | null>>,
  canvas: Readonly<Ref<HTMLCanvasElement | null>>,
  pixels: Readonly<Ref<DevicePixels | null>>,
  { scene }: Shown,
  { layout, placements, frame }: StageView,
  onChoose: (pane: Pane) => void
): StagePointer {
  const viewer = useViewer()
  const pointer = shallowRef<Place | null>(null)
  const drag = shallowRef<Drag | null>(null)
  const wheel = new WheelSteps()

  function placeOf({ clientX, clientY }: MouseEvent): Place {
    const { left, top } = canvas.value?.getBoundingClientRect() ?? { left: 0, top: 0 }
    const scale = pixels.value?.scale ?? 1
    return { x: (clientX - left) * scale, y: (clientY - top) * scale }
  }
  function frameAt(at: Place): number {
    return layout.value.frames.findIndex((shown) => isWithin(shown.frame, at))
  }
  function isAtSplit({ x, y }: Place): boolean {
    if (viewer.mode !== 'split') return false
    const { left, top, width, height } = frame.value
    const { orientation, position } = viewer.split
    const distance = orientation === 'vertical' ? x - left - position * width : y - top - position * height
    return Math.abs(distance) <= reach * (pixels.value?.scale ?? 1)
  }
  function moveSplit({ x, y }: Place): void {
    const { left, top, width, height } = frame.value
    const position = viewer.split.orientation === 'vertical' ? (x - left) / width : (y - top) / height
    viewer.split.position = Math.min(1, Math.max(0, position))
  }
  const cursor = computed(() => {
    if (drag.value?.kind === 'pan') return 'cursor-grabbing'
    const isSplit =
      drag.value?.kind === 'split' || (drag.value === null && pointer.value !== null && isAtSplit(pointer.value))
    if (isSplit) return viewer.split.orientation === 'vertical' ? 'cursor-col-resize' : 'cursor-row-resize'
    return viewer.isDrawingRegion || viewer.view.zoom === 'fit' ? 'cursor-crosshair' : 'cursor-grab'
  })

  function press(event: PointerEvent): void {
    if (event.button > 1) return
    const at = placeOf(event)
    const i = frameAt(at)
    const shown = layout.value.frames[i]
    if (shown === undefined) return
    surface.value?.setPointerCapture(event.pointerId)
    if (event.button === 0 && isAtSplit(at)) {
      drag.value = { kind: 'split' }
      return
    }
    const placement = placements.value[i]
    if (event.button === 0 && placement !== undefined && (event.shiftKey || viewer.isDrawingRegion)) {
      drag.value = { kind: 'region', from: sceneAt(placement, at), frame: i, before: viewer.region }
      return
    }
    drag.value = { kind: 'pan', from: at, view: viewer.view, pane: shown.panes[0], hasMoved: false }
  }
  function move(event: PointerEvent): void {
    const at = placeOf(event)
    pointer.value = at
    const now = drag.value
    switch (now?.kind) {
      case undefined:
        return
      case 'pan': {
        const by = { x: at.x - now.from.x, y: at.y - now.from.y }
        if (!now.hasMoved && Math.hypot(by.x, by.y) < 3 * (pixels.value?.scale ?? 1)) return
        now.hasMoved = true
        viewer.view = pan(now.view, scene.value, frame.value, by)
        return
      }
      case 'region': {
        const placement = placements.value[now.frame]
        if (placement !== undefined) viewer.region = rectangleBetween(now.from, sceneAt(placement, at), scene.value)
        return
      }
      case 'split':
        moveSplit(at)
    }
  }
  function release(): void {
    const now = drag.value
    drag.value = null
    if (now?.kind === 'region') viewer.isDrawingRegion = false
    const isClick = now?.kind === 'pan' && !now.hasMoved
    if (isClick && now.pane !== undefined && !layout.value.isSingle) onChoose(now.pane)
  }
  function breakOff(): boolean {
    const now = drag.value
    drag.value = null
    if (now?.kind === 'region') viewer.region = now.before
    if (now?.kind === 'pan') viewer.view = now.view
    return now !== null
  }
  function turn(event: WheelEvent): void {
    event.preventDefault()
    const at = placeOf(event)
    const shown = layout.value.frames[frameAt(at)]
    if (shown === undefined) return
    for (let steps = wheel.take(event); steps !== 0; steps -= Math.sign(steps)) {
      const next = stepZoom(zoomOf(viewer.view, scene.value, shown.frame), steps > 0 ? 1 : -1)
      viewer.view = zoomAbout(viewer.view, scene.value, shown.frame, next, at)
    }
  }
  /** From all to single pixels about the pointer, and back. */
  function switchZoom(event: MouseEvent): void {
    const at = placeOf(event)
    const shown = layout.value.frames[frameAt(at)]
    if (shown === undefined) return
    if (viewer.view.zoom === 'fit') viewer.view = zoomAbout(viewer.view, scene.value, shown.frame, 1, at)
    else viewer.view = { ...viewer.view, zoom: 'fit' }
  }
  // Vue listens to the wheel in a way that cannot keep the page from scrolling.
  onMounted(() => surface.value?.addEventListener('wheel', turn, { passive: false }))
  onBeforeUnmount(() => surface.value?.removeEventListener('wheel', turn))

  return {
    pointer,
    cursor,
    listeners: {
      pointerdown: press,
      pointermove: move,
      pointerup: release,
      pointercancel: breakOff,
      pointerleave: () => {
        if (drag.value === null) pointer.value = null
      },
      dblclick: switchZoom
    },
    breakOff
  }
}
