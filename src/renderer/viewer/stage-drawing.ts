import type { Difference, Rectangle } from '../../contract/pixels'
import { largerOf } from '../../core/imaging/registration'
import type { ViewerMode } from '../stores/viewer'
import type { Crosshair, Layer, StageDrawing } from './drawing'
import { doneUnder } from './outputs-under'
import {
  extentIn,
  fromTheMiddle,
  levelIn,
  makePicture,
  overviewLevel,
  pixelsUnder,
  type PyramidPicture
} from './pyramid'
import type { Pane, Scene } from './scene'
import type { ShownFrame, StageLayout } from './stage-layout'
import type { WantedTile } from './tile-cache'
import { isWithin, middleOf, pixelAt, type Frame, type Place, type Placement, type Size } from './view'

/** How a stage that is laid out is looked at. */
export interface StageState {
  readonly scene: Scene
  /** All that can be shown in the frames. */
  readonly panes: readonly Pane[]
  readonly reference: Pane | null
  readonly marks: readonly Rectangle[]
  readonly layout: StageLayout
  /** Where the scene lies in the frame of that number. */
  readonly placements: readonly Placement[]
  readonly size: Size
  readonly scale: number
  readonly mode: ViewerMode
  readonly isSmooth: boolean
  readonly hasPixelGrid: boolean
  readonly region: Rectangle | null
  readonly split: { readonly orientation: 'vertical' | 'horizontal'; readonly position: number }
  readonly difference: Omit<Difference, 'reference'>
  /** The difference that was drawn before, which stands in while the new one is on its way. */
  readonly differenceBefore: Omit<Difference, 'reference'> | null
  readonly lens: { readonly radius: number; readonly magnification: number }
  /** What is pointed at, on the canvas. */
  readonly pointer: Place | null
  /** Whether the keyboard points, at the middle of every frame. */
  readonly isByKeyboard: boolean
  readonly background: string
}

export interface ComposedStage {
  readonly drawing: StageDrawing
  /** Tiles in the order in which they are needed. */
  readonly wanted: readonly WantedTile[]
}

/** A picture in a frame whose tiles are to be there. */
interface Seen {
  readonly panes: readonly Pane[]
  readonly picture: PyramidPicture
  readonly placement: Placement
  readonly clip: Frame
}

/** What is drawn of a stage, and which tiles that takes. */
export function composeStage(state: StageState): ComposedStage {
  const composed = state.layout.frames.map((shown, i) => {
    const placement = state.placements[i]
    return placement === undefined ? null : composeFrame(state, shown, placement)
  })
  const frames = composed.filter((each) => each !== null)
  const splitLine = state.mode === 'split' ? splitLineOf(state) : null
  return {
    drawing: {
      width: state.size.width,
      height: state.size.height,
      background: state.background,
      scale: state.scale,
      layers: frames.flatMap(({ layers }) => layers),
      isSmooth: state.isSmooth,
      hasPixelGrid: state.hasPixelGrid,
      splitLine,
      outlines: state.layout.frames.flatMap(({ frame }, i) => {
        const placement = state.placements[i]
        if (placement === undefined) return []
        const of = (rectangle: Rectangle, kind: 'region' | 'mark') => ({ frame, placement, rectangle, kind })
        return [
          ...state.marks.map((mark) => of(mark, 'mark')),
          ...(state.region === null ? [] : [of(state.region, 'region')])
        ]
      }),
      crosshairs: crosshairsOf(state)
    },
    wanted: wantedTiles(
      frames.flatMap(({ seen }) => seen),
      frames.flatMap(({ seen, soon }) => [...seen.flatMap((each) => underneath(state, each)), ...soon])
    )
  }
}

function composeFrame(
  state: StageState,
  { frame, panes: [first, second] }: ShownFrame,
  placement: Placement
): { readonly layers: readonly Layer[]; readonly seen: readonly Seen[]; readonly soon: readonly Seen[] } | null {
  if (first === undefined) return null
  const beside = (shown: readonly Pane[]): readonly Seen[] =>
    state.panes
      .filter(({ id }) => !shown.some((each) => each.id === id))
      .map((pane) => plain(state, pane, placement, frame))
  switch (state.mode) {
    case 'grid':
    case 'blind':
      return ofOne(state, plain(state, first, placement, frame), [])
    case 'difference':
      return ofOne(state, compared(state, first, placement, frame), [])
    case 'flicker':
      return ofOne(state, plain(state, first, placement, frame), beside([first]))
    case 'split': {
      const parts = splitFrame(frame, state.split)
      const sides = [first, second ?? first].map((pane, i) => plain(state, pane, placement, parts[i] ?? frame))
      const whole = sides.map((side) => ({ ...side, clip: frame }))
      return {
        layers: sides.flatMap((side) => layersOf(state, side)),
        seen: sides,
        soon: [...whole, ...beside([first, second ?? first])]
      }
    }
    case 'lens': {
      const under = plain(state, first, placement, frame)
      const { clip, placement: enlarged } = lensIn(state, frame, placement)
      const inLens = plain(state, second ?? first, enlarged, clip)
      return {
        layers: [...layersOf(state, under), ...layersOf(state, inLens).map((layer) => ({ ...layer, isRound: true }))],
        seen: [inLens, under],
        soon: beside([first, second ?? first])
      }
    }
  }
}

function ofOne(
  state: StageState,
  seen: Seen,
  soon: readonly Seen[]
): { readonly layers: readonly Layer[]; readonly seen: readonly Seen[]; readonly soon: readonly Seen[] } {
  return { layers: layersOf(state, seen), seen: [seen], soon }
}

function plain({ scene }: StageState, pane: Pane, placement: Placement, clip: Frame): Seen {
  return { panes: [pane], picture: makePicture(pane.source, null, pane, scene, [pane.stamp]), placement, clip }
}

/** A pane's difference to the reference, in pixels of the larger of both; the reference as it is. */
function compared(state: StageState, pane: Pane, placement: Placement, clip: Frame): Seen {
  const { reference, scene } = state
  if (reference === null || reference.id === pane.id) return plain(state, pane, placement, clip)
  const picture = differencePicture(scene, pane, reference, state.difference)
  return { panes: [pane, reference], picture, placement, clip }
}

function differencePicture(
  scene: Scene,
  pane: Pane,
  reference: Pane,
  difference: Omit<Difference, 'reference'>
): PyramidPicture {
  const { form, channel, gain, map } = difference
  const larger = largerOf(pane, reference)
  const compared = { reference: reference.source, form, channel, gain, map }
  return makePicture(pane.source, compared, larger, scene, [pane.stamp, reference.stamp])
}

/** A picture as it is drawn; where a network has not made all of it, over one that is there. */
function layersOf(state: StageState, { panes, picture, placement, clip }: Seen): readonly Layer[] {
  const layer = { placement, clip, isRound: false }
  const [pane, reference] = panes
  const before = state.differenceBefore
  const standIns =
    pane === undefined || reference === undefined || before === null
      ? []
      : [differencePicture(state.scene, pane, reference, before).key]
  return [
    ...underneath(state, { panes, picture, placement, clip }).map((under) => {
      return { ...layer, picture: under.picture, standIns: [], isDimmed: true }
    }),
    { ...layer, picture, standIns, isDimmed: false }
  ]
}

/** What is seen of a scene where a network has not made all of an output. */
function underneath({ scene }: StageState, { panes, placement, clip }: Seen): readonly Seen[] {
  const [pane, reference] = panes
  if (pane === undefined || reference !== undefined || isComplete(pane)) return []
  const under = scene.panes.find(({ kind }) => kind === 'bicubic') ?? scene.panes.find(({ kind }) => kind === 'lr')
  if (under === undefined) return []
  return [{ panes: [under], picture: makePicture(under.source, null, under, scene, [under.stamp]), placement, clip }]
}

function isComplete({ output }: Pane): boolean {
  return output === null || output.done.size >= output.columns * output.rows
}

/** The parts of a frame on both sides of the split, which meet without gap or overlap. */
export function splitFrame(
  { left, top, width, height }: Frame,
  { orientation, position }: StageState['split']
): readonly [Frame, Frame] {
  switch (orientation) {
    case 'vertical': {
      const at = Math.round(position * width)
      return [
        { left, top, width: at, height },
        { left: left + at, top, width: width - at, height }
      ]
    }
    case 'horizontal': {
      const at = Math.round(position * height)
      return [
        { left, top, width, height: at },
        { left, top: top + at, width, height: height - at }
      ]
    }
  }
}

function splitLineOf({ layout, split, scale }: StageState): Frame | null {
  const frame = layout.frames[0]?.frame
  if (frame === undefined) return null
  const [, { left, top, width, height }] = splitFrame(frame, split)
  const thickness = 2 * Math.max(1, Math.round(scale / 2))
  return split.orientation === 'vertical'
    ? { left: left - thickness / 2, top, width: thickness, height }
    : { left, top: top - thickness / 2, width, height: thickness }
}

/** The lens lies around the pointer, and enlarges what is below it. */
function lensIn(
  { lens, scale, pointer, isByKeyboard }: StageState,
  frame: Frame,
  { zoom, left, top }: Placement
): { readonly clip: Frame; readonly placement: Placement } {
  const at = pointer === null || isByKeyboard ? middleOf(frame) : pointer
  const [x, y] = [Math.round(at.x), Math.round(at.y)]
  const radius = Math.round(lens.radius * scale)
  const { magnification } = lens
  return {
    clip: { left: x - radius, top: y - radius, width: 2 * radius, height: 2 * radius },
    placement: {
      zoom: zoom * magnification,
      left: Math.round(x - (x - left) * magnification),
      top: Math.round(y - (y - top) * magnification)
    }
  }
}

/** The pixel of the scene that is pointed at, by the pointer or the keyboard. */
export function pointedPixel(
  state: Pick<StageState, 'scene' | 'layout' | 'placements' | 'pointer' | 'isByKeyboard'>
): Place | null {
  const { layout, placements, pointer, isByKeyboard, scene } = state
  const i = isByKeyboard ? 0 : layout.frames.findIndex(({ frame }) => pointer !== null && isWithin(frame, pointer))
  const [frame, placement] = [layout.frames[i]?.frame, placements[i]]
  if (frame === undefined || placement === undefined) return null
  const at = isByKeyboard ? middleOf(frame) : pointer
  return at === null ? null : pixelAt(placement, scene, at)
}

function crosshairsOf(state: StageState): readonly Crosshair[] {
  const { layout, placements, pointer, isByKeyboard } = state
  const pixel = pointedPixel(state)
  if (pixel === null) return []
  return layout.frames.flatMap(({ frame }, i) => {
    const placement = placements[i]
    const hasPointer = !isByKeyboard && pointer !== null && isWithin(frame, pointer)
    return placement === undefined || hasPointer ? [] : [{ frame, placement, pixel }]
  })
}

/** Pixels around what is seen whose tiles are asked for as well, in tiles of the level: so that panning finds them there. */
const ring = 256

/**
 * The tiles of all that is seen, of every picture from the middle outward in turn; then of what will be seen soon, what lies
 * around it, and a picture of the whole that stands in for what comes later.
 */
function wantedTiles(seen: readonly Seen[], soon: readonly Seen[]): readonly WantedTile[] {
  return [
    ...inTurn(seen.map((each) => tilesOf(each, 0))),
    ...inTurn(soon.map((each) => tilesOf(each, 0))),
    ...seen.flatMap(({ picture, panes }) =>
      panes.every(isComplete)
        ? [{ picture, place: { level: overviewLevel(picture), column: 0, row: 0 }, version: 0 }]
        : []
    ),
    ...inTurn(seen.map((each) => tilesOf(each, ring)))
  ]
}

function tilesOf({ panes, picture, placement, clip }: Seen, margin: number): readonly WantedTile[] {
  const at = levelIn(picture, placement)
  const extent = clip.width > 0 && clip.height > 0 ? extentIn(picture, at, placement, clip, margin) : null
  if (extent === null) return []
  return fromTheMiddle(at.level, extent).map((place) => {
    const under = pixelsUnder(picture, place)
    return { picture, place, version: panes.reduce((sum, pane) => sum + doneUnder(pane, under, picture), 0) }
  })
}

function inTurn<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length))
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat()
}
