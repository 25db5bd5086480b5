import type { Rectangle } from '../../contract/pixels'
import type { View } from '../stores/viewer'

export interface Size {
  readonly width: number
  readonly height: number
}

export interface Place {
  readonly x: number
  readonly y: number
}

/** A part of the canvas, in whole device pixels. */
export interface Frame extends Size {
  readonly left: number
  readonly top: number
}

/**
 * Where a scene lies on the canvas: its left top corner, in whole device pixels of the canvas, and how many of them a pixel of
 * the scene takes. Corners that are whole keep pixels exact, as far as the zoom is whole.
 */
export interface Placement {
  readonly zoom: number
  readonly left: number
  readonly top: number
}

/** Zooms that the keyboard and the wheel go by, in device pixels for a pixel of the scene. */
export const zoomSteps: readonly number[] = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32]
const leastZoom = Math.min(...zoomSteps)
const mostZoom = Math.max(...zoomSteps)

/** The next zoom step above or below; at the ends, the zoom as it is. */
export function stepZoom(zoom: number, direction: 1 | -1): number {
  // What "fit" takes may lie outside of the steps.
  if (direction === 1) return zoomSteps.find((step) => step > zoom * 1.0001) ?? Math.max(zoom, mostZoom)
  return zoomSteps.findLast((step) => step < zoom / 1.0001) ?? Math.min(zoom, leastZoom)
}

/** The zoom that shows all of a scene in a frame: a whole number of 1 to 32 where there is room for it, else as it fits. */
export function fitZoom(scene: Size, frame: Size): number {
  const zoom = Math.min(frame.width / scene.width, frame.height / scene.height)
  return zoom >= 1 ? Math.min(mostZoom, Math.floor(zoom)) : zoom
}

/** How many device pixels a pixel of the scene takes. */
export function zoomOf(view: View, scene: Size, frame: Size): number {
  return view.zoom === 'fit' ? fitZoom(scene, frame) : view.zoom
}

/**
 * Where a view has the scene in a frame. A scene that is smaller than the frame lies in its middle; of a larger one, no border
 * is within the frame.
 */
export function place(view: View, scene: Size, frame: Frame): Placement {
  const zoom = zoomOf(view, scene, frame)
  const [x, y] = view.zoom === 'fit' ? [scene.width / 2, scene.height / 2] : [view.x, view.y]
  return keptIn(scene, frame, {
    zoom,
    left: frame.left + frame.width / 2 - x * zoom,
    top: frame.top + frame.height / 2 - y * zoom
  })
}

function keptIn(scene: Size, frame: Frame, { zoom, left, top }: Placement): Placement {
  return {
    zoom,
    left: frame.left + keptAlong(scene.width * zoom, frame.width, left - frame.left),
    top: frame.top + keptAlong(scene.height * zoom, frame.height, top - frame.top)
  }
}

function keptAlong(length: number, room: number, begin: number): number {
  if (length <= room) return Math.round((room - length) / 2)
  return Math.min(0, Math.max(Math.ceil(room - length), Math.round(begin)))
}

/** The view that has the scene where it lies. Of what is smaller than the frame, the middle is seen in the middle. */
function viewFrom({ zoom, left, top }: Placement, scene: Size, frame: Frame): View {
  return {
    zoom,
    x: middleAlong(frame.left - left, frame.width, zoom, scene.width),
    y: middleAlong(frame.top - top, frame.height, zoom, scene.height)
  }
}

function middleAlong(begin: number, room: number, zoom: number, length: number): number {
  return length * zoom <= room ? length / 2 : (begin + room / 2) / zoom
}

/** The view as it is shown: with its middle where it really lies. "Fit" stays fit. */
export function settled(view: View, scene: Size, frame: Frame): View {
  if (view.zoom === 'fit') return { zoom: 'fit', x: scene.width / 2, y: scene.height / 2 }
  return viewFrom(place(view, scene, frame), scene, frame)
}

/** The view after the scene was moved by so many device pixels, as far as it stays in the frame. */
export function pan(view: View, scene: Size, frame: Frame, by: Place): View {
  if (view.zoom === 'fit') return view
  const { zoom, left, top } = place(view, scene, frame)
  return viewFrom(keptIn(scene, frame, { zoom, left: left + by.x, top: top + by.y }), scene, frame)
}

/**
 * The view at another zoom. What lies at a place of the canvas stays there, to half a device pixel, as far as the scene stays
 * in the frame.
 */
export function zoomAbout(view: View, scene: Size, frame: Frame, zoom: number, at: Place): View {
  const before = place(view, scene, frame)
  const grown = zoom / before.zoom
  const left = at.x - (at.x - before.left) * grown
  const top = at.y - (at.y - before.top) * grown
  return viewFrom(keptIn(scene, frame, { zoom, left, top }), scene, frame)
}

/** The view with a rectangle in its middle, as large as it can be at a whole zoom. */
export function viewOf(rectangle: Rectangle, scene: Size, frame: Frame): View {
  const zoom = Math.max(Math.min(1, fitZoom(scene, frame)), fitZoom(rectangle, frame))
  const x = rectangle.left + rectangle.width / 2
  const y = rectangle.top + rectangle.height / 2
  return settled({ zoom, x, y }, scene, frame)
}

/** The middle of a frame. */
export function middleOf({ left, top, width, height }: Frame): Place {
  return { x: left + width / 2, y: top + height / 2 }
}

/** The place of a scene, in its pixels, that lies at a place of the canvas. */
export function sceneAt({ zoom, left, top }: Placement, at: Place): Place {
  return { x: (at.x - left) / zoom, y: (at.y - top) / zoom }
}

/** The pixel of a scene that is seen at a place of the canvas; null beside the scene. */
export function pixelAt(placement: Placement, scene: Size, at: Place): Place | null {
  const { x, y } = sceneAt(placement, at)
  const pixel = { x: Math.floor(x), y: Math.floor(y) }
  return pixel.x >= 0 && pixel.y >= 0 && pixel.x < scene.width && pixel.y < scene.height ? pixel : null
}

/** The pixels of a scene that are seen in a frame, in part or whole. */
export function visiblePart({ zoom, left, top }: Placement, scene: Size, frame: Frame): Rectangle {
  const [x, width] = visibleAlong(frame.left - left, frame.width, zoom, scene.width)
  const [y, height] = visibleAlong(frame.top - top, frame.height, zoom, scene.height)
  return { left: x, top: y, width, height }
}

function visibleAlong(begin: number, room: number, zoom: number, length: number): readonly [number, number] {
  const first = Math.min(length - 1, Math.max(0, Math.floor(begin / zoom)))
  const end = Math.min(length, Math.max(first + 1, Math.ceil((begin + room) / zoom)))
  return [first, end - first]
}

/** The rectangle between two pixels, both within, as far as it lies in the scene. */
export function rectangleBetween(a: Place, b: Place, scene: Size): Rectangle {
  const [left, width] = between(a.x, b.x, scene.width)
  const [top, height] = between(a.y, b.y, scene.height)
  return { left, top, width, height }
}

function between(a: number, b: number, length: number): readonly [number, number] {
  const within = (value: number): number => Math.min(length - 1, Math.max(0, Math.floor(value)))
  const first = within(Math.min(a, b))
  return [first, within(Math.max(a, b)) - first + 1]
}

export function isWithin({ left, top, width, height }: Frame, { x, y }: Place): boolean {
  return x >= left && y >= top && x < left + width && y < top + height
}
