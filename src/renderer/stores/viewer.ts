import { defineStore } from 'pinia'
import { reactive, ref } from 'vue'
import type { Difference, Rectangle } from '../../contract/pixels'

export const viewerModes = ['grid', 'split', 'flicker', 'difference', 'lens', 'blind'] as const
export type ViewerMode = (typeof viewerModes)[number]

/** Which part of a scene is seen: what lies in the middle, in pixels of the scene, and how large. */
export interface View {
  /** Device pixels that a pixel of the scene takes; `fit` shows all of it. */
  readonly zoom: number | 'fit'
  readonly x: number
  readonly y: number
}

/** How differences are drawn, as it is chosen. */
type DifferenceChoice = { -readonly [K in keyof Omit<Difference, 'reference'>]: Difference[K] }

/** How pictures are looked at. It stays as it is from picture to picture, and while other pages are shown. */
export const useViewer = defineStore('viewer', () => {
  const mode = ref<ViewerMode>('grid')
  const view = ref<View>({ zoom: 'fit', x: 0, y: 0 })
  /** Device pixels that a pixel of the scene takes as it is shown, also where it is to fit. */
  const shownZoom = ref(1)
  /** Whether enlarged pixels flow into each other. */
  const isSmooth = ref(false)
  /** Whether lines part the pixels, where they are large enough. */
  const hasPixelGrid = ref(true)
  /** Ids of panes that are not shown. */
  const hidden = ref<readonly string[]>([])
  /** The pane that the keyboard speaks to, and the one before it. */
  const active = ref<string | null>(null)
  const previous = ref<string | null>(null)
  /** What others are compared with; null takes the high-resolution picture, else full precision. */
  const reference = ref<string | null>(null)
  /** In pixels of the scene. */
  const region = ref<Rectangle | null>(null)
  /** Whether dragging draws the region, instead of moving the picture. */
  const isDrawingRegion = ref(false)
  const split = reactive<{ orientation: 'vertical' | 'horizontal'; position: number }>({
    orientation: 'vertical',
    position: 0.5
  })
  /** Milliseconds that each picture stands. */
  const flicker = reactive({ isPlaying: false, interval: 500 })
  const difference = reactive<DifferenceChoice>({
    form: 'absolute',
    channel: 'rgb',
    gain: 4,
    map: 'viridis'
  })
  /** Radius in CSS pixels; how much more than the view it enlarges. */
  const lens = reactive({ radius: 120, magnification: 1 })

  return {
    mode,
    view,
    shownZoom,
    isSmooth,
    hasPixelGrid,
    hidden,
    active,
    previous,
    reference,
    region,
    isDrawingRegion,
    split,
    flicker,
    difference,
    lens
  }
})
