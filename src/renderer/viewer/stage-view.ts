import { computed, watch, type ComputedRef, type Ref } from 'vue'
import type { Rectangle } from '../../contract/pixels'
import { useViewer } from '../stores/viewer'
import { useFlickerClock } from './flicker-clock'
import type { Pane, Scene } from './scene'
import { layOutStage, type StageLayout } from './stage-layout'
import { place, settled, visiblePart, zoomOf, type Frame, type Placement } from './view'
import type { DevicePixels } from './whole-pixels'

/** What a stage shows. */
export interface Shown {
  readonly scene: Readonly<Ref<Scene>>
  readonly panes: Readonly<Ref<readonly Pane[]>>
  readonly reference: Readonly<Ref<Pane | null>>
}

/** Where panes lie on a stage, and where the scene lies in their frames. */
export interface StageView {
  readonly layout: ComputedRef<StageLayout>
  /** All frames are of the same size, so that a view is the same in all of them. */
  readonly frame: ComputedRef<Frame>
  /** Of the frame of that number. */
  readonly placements: ComputedRef<readonly Placement[]>
  readonly zoom: ComputedRef<number>
  /** The part of the scene that is seen, in its pixels. */
  readonly visible: ComputedRef<Rectangle>
}

/**
 * Follows where panes are shown.
 *
 * @param headsHeight CSS pixels of the strip with the heads of all panes, above a single frame
 */
export function useStageView(
  { scene, panes, reference }: Shown,
  pixels: Readonly<Ref<DevicePixels | null>>,
  headsHeight: Readonly<Ref<number>>
): StageView {
  const viewer = useViewer()
  const isFlickered = useFlickerClock()
  const layout = computed(() => {
    const { width, height, scale } = pixels.value ?? { width: 1, height: 1, scale: 1 }
    const { mode, active, previous, split } = viewer
    const what = { scene: scene.value, panes: panes.value, reference: reference.value, mode, active, previous }
    const how = { orientation: split.orientation, isFlickered: isFlickered.value, headsHeight: headsHeight.value }
    return layOutStage({ ...what, ...how }, { width, height }, scale)
  })
  const frame = computed((): Frame => layout.value.frames[0]?.frame ?? { left: 0, top: 0, width: 1, height: 1 })
  const zoom = computed(() => zoomOf(viewer.view, scene.value, frame.value))
  watch(
    zoom,
    (now) => {
      viewer.shownZoom = now
    },
    { immediate: true }
  )
  // What is kept of a view is what it shows, also after the picture or the window has changed. Less than a device pixel is but
  // the rounding of its offset, which would add up from picture to picture.
  watch(
    () => [scene.value.width, scene.value.height, frame.value.width, frame.value.height, viewer.view] as const,
    ([, , width]) => {
      if (width <= 1) return
      const now = settled(viewer.view, scene.value, frame.value)
      const moved = Math.max(Math.abs(now.x - viewer.view.x), Math.abs(now.y - viewer.view.y))
      if (moved * zoom.value >= 1) viewer.view = now
    },
    { immediate: true }
  )
  return {
    layout,
    frame,
    placements: computed(() => layout.value.frames.map((shown) => place(viewer.view, scene.value, shown.frame))),
    zoom,
    visible: computed(() => visiblePart(place(viewer.view, scene.value, frame.value), scene.value, frame.value))
  }
}
