import { computed, type Ref } from 'vue'
import type { ViewerCommand } from '../../contract/viewer-commands'
import { useViewer } from '../stores/viewer'
import { adjust, nextChannel, nextForm, nextMap } from './adjust'
import type { Pane } from './scene'
import type { StagePointer } from './stage-pointer'
import type { Shown, StageView } from './stage-view'
import { isWithin, middleOf, pan, stepZoom, zoomAbout } from './view'
import type { DevicePixels } from './whole-pixels'

/** CSS pixels that a key moves by. */
const step = 64
/** Zooms from which on a key moves by a pixel of the picture. */
const largePixels = 16

/**
 * What commands do to a stage.
 *
 * @returns carries out a command; false where it is none of the stage's
 */
export function useStageCommands(
  pixels: Readonly<Ref<DevicePixels | null>>,
  { scene, panes }: Shown,
  { layout, frame, zoom, visible }: StageView,
  { pointer, breakOff }: StagePointer,
  choose: (pane: Pane) => void
): (command: ViewerCommand) => boolean {
  const viewer = useViewer()
  const keyStep = computed(() =>
    zoom.value >= largePixels ? zoom.value : Math.round(step * (pixels.value?.scale ?? 1))
  )
  function panBy(x: number, y: number): void {
    viewer.view = pan(viewer.view, scene.value, frame.value, { x: x * keyStep.value, y: y * keyStep.value })
  }
  /** Keys zoom about what is pointed at. */
  function zoomTo(next: number): void {
    const at = pointer.value
    const pointed = at === null ? undefined : layout.value.frames.find((shown) => isWithin(shown.frame, at))
    const shown = pointed?.frame ?? frame.value
    const about = pointed === undefined || at === null ? middleOf(shown) : at
    viewer.view = zoomAbout(viewer.view, scene.value, shown, next, about)
  }

  return (command) => {
    switch (command) {
      case 'grid':
      case 'split':
      case 'flicker':
      case 'difference':
      case 'lens':
      case 'blind':
        viewer.mode = command
        return true
      case 'zoomIn':
        zoomTo(stepZoom(zoom.value, 1))
        return true
      case 'zoomOut':
        zoomTo(stepZoom(zoom.value, -1))
        return true
      case 'fit':
        viewer.view = { ...viewer.view, zoom: 'fit' }
        return true
      case 'pixels':
        zoomTo(1)
        return true
      case 'panLeft':
        panBy(1, 0)
        return true
      case 'panRight':
        panBy(-1, 0)
        return true
      case 'panUp':
        panBy(0, 1)
        return true
      case 'panDown':
        panBy(0, -1)
        return true
      case 'smooth':
        viewer.isSmooth = !viewer.isSmooth
        return true
      case 'pixelGrid':
        viewer.hasPixelGrid = !viewer.hasPixelGrid
        return true
      case 'pane1':
      case 'pane2':
      case 'pane3':
      case 'pane4':
      case 'pane5':
      case 'pane6':
      case 'pane7':
      case 'pane8':
      case 'pane9': {
        const pane = panes.value[Number(command.slice(4)) - 1]
        if (pane !== undefined) choose(pane)
        return true
      }
      case 'swap': {
        const { pair } = layout.value
        viewer.active = pair?.first.id ?? null
        viewer.previous = pair?.second.id ?? null
        return true
      }
      case 'reference':
        viewer.reference = layout.value.pair?.second.id ?? null
        return true
      case 'less':
        adjust(viewer, -1)
        return true
      case 'more':
        adjust(viewer, 1)
        return true
      case 'orientation':
        viewer.split.orientation = viewer.split.orientation === 'vertical' ? 'horizontal' : 'vertical'
        return true
      case 'play':
        viewer.flicker.isPlaying = viewer.mode !== 'flicker' || !viewer.flicker.isPlaying
        viewer.mode = 'flicker'
        return true
      case 'form':
        viewer.difference.form = nextForm(viewer.difference.form)
        return true
      case 'channel':
        viewer.difference.channel = nextChannel(viewer.difference.channel)
        return true
      case 'colourMap':
        viewer.difference.map = nextMap(viewer.difference.map)
        return true
      case 'region':
        viewer.region = visible.value
        return true
      case 'clearRegion':
        if (!breakOff()) {
          viewer.region = null
          viewer.isDrawingRegion = false
        }
        return true
      case 'nextPicture':
      case 'previousPicture':
      case 'nextWorst':
      case 'previousWorst':
      case 'figure':
      case 'voteLeft':
      case 'voteRight':
      case 'voteNone':
      case 'help':
        return false
    }
  }
}
