import { watch, type Ref } from 'vue'
import { useViewer } from '../stores/viewer'
import type { Scene } from './scene'

/** Keeps the region and what is seen where they are when a scene gets larger, as by a file that is put beside. */
export function useKeptPlaces(scene: Readonly<Ref<Scene | null>>): void {
  const viewer = useViewer()
  watch(scene, (now, before) => {
    if (now === null || before?.id !== now.id || now.width === before.width) return
    const factor = now.width / before.width
    const { view, region } = viewer
    const zoom = view.zoom === 'fit' || view.zoom < factor ? view.zoom : view.zoom / factor
    viewer.view = { zoom, x: view.x * factor, y: view.y * factor }
    if (region === null) return
    viewer.region = {
      left: Math.floor(region.left * factor),
      top: Math.floor(region.top * factor),
      width: Math.max(1, Math.round(region.width * factor)),
      height: Math.max(1, Math.round(region.height * factor))
    }
  })
}
