import { pixelTileSide } from '../../contract/pixels'
import type { Crosshair, Layer, Outline, StageDrawing } from './drawing'
import { extentIn, levelIn, levelSize, tilesIn, type Extent, type PyramidPicture, type TilePlace } from './pyramid'
import type { Frame, Placement } from './view'

/** A tile as it is drawn, where it is there. */
export type LookUpTile = (
  picture: string,
  place: TilePlace
) => (CanvasImageSource & { width: number; height: number }) | null

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D

/** Pixels that take so many device pixels have lines between them. */
const leastGridStep = 12
/** Pixels that take so many device pixels are outlined where they are pointed at; of smaller ones, the surroundings. */
const leastPointedStep = 6

/** A canvas that pictures are put together on before they are scaled, as large as the largest of them. */
export class Scratch {
  #context: OffscreenCanvasRenderingContext2D | null = null

  /** An empty part of it, of at least this size. */
  clear(width: number, height: number): OffscreenCanvasRenderingContext2D {
    const { canvas } = this.#context ?? { canvas: { width: 0, height: 0 } }
    if (this.#context === null || canvas.width < width || canvas.height < height) {
      const grown = new OffscreenCanvas(Math.max(width, canvas.width), Math.max(height, canvas.height))
      this.#context = grown.getContext('2d')
    }
    if (this.#context === null) throw new Error('A picture cannot be drawn: there is no canvas to be had.')
    this.#context.clearRect(0, 0, width, height)
    return this.#context
  }
}

/**
 * Draws a stage. Where a pixel of a picture's level takes a whole number of device pixels and pixels are not to flow into each
 * other, what is drawn is exact: each device pixel has the colour of one pixel.
 */
export function drawStage(
  context: CanvasRenderingContext2D,
  scratch: Scratch,
  stage: StageDrawing,
  lookUp: LookUpTile
): void {
  context.globalAlpha = 1
  context.fillStyle = stage.background
  context.fillRect(0, 0, stage.width, stage.height)
  const flat = stage.layers.filter(({ isRound }) => !isRound)
  const round = stage.layers.filter(({ isRound }) => isRound)
  for (const layer of flat) drawLayer(context, scratch, stage, layer, lookUp)
  const { splitLine } = stage
  if (splitLine !== null) drawLine(context, splitLine)
  for (const outline of stage.outlines) drawOutline(context, outline, stage.scale)
  // In a lens, what is outlined lies elsewhere.
  for (const [i, layer] of round.entries()) drawLayer(context, scratch, stage, layer, lookUp, i === 0)
  for (const crosshair of stage.crosshairs) drawCrosshair(context, crosshair, stage.scale)
}

function drawLayer(
  context: CanvasRenderingContext2D,
  scratch: Scratch,
  { isSmooth, hasPixelGrid, background, scale }: StageDrawing,
  layer: Layer,
  lookUp: LookUpTile,
  /** Whether what was drawn before is not to be seen through it. */
  isGround = false
): void {
  const { picture, placement, isRound, isDimmed } = layer
  const clip = commonPart(layer.clip, extentOf(picture, placement))
  const at = levelIn(picture, placement)
  context.save()
  context.beginPath()
  if (isRound) {
    addEllipse(context, layer.clip)
  } else context.rect(clip.left, clip.top, clip.width, clip.height)
  context.clip()
  if (isGround) {
    context.fillStyle = background
    context.fillRect(layer.clip.left, layer.clip.top, layer.clip.width, layer.clip.height)
  }
  context.globalAlpha = isDimmed ? 0.5 : 1
  const isExact = Number.isInteger(at.step) && (!isSmooth || at.step === 1)
  const extent = extentIn(picture, at, placement, clip, isExact ? 0 : 1)
  if (extent !== null) {
    if (isExact) paintLevel(context, layer, at.level, extent, { ...placement, step: at.step }, lookUp)
    else {
      const [width, height] = [extent.right - extent.left, extent.bottom - extent.top]
      const composed = scratch.clear(width, height)
      paintLevel(composed, layer, at.level, extent, { left: -extent.left, top: -extent.top, step: 1 }, lookUp)
      context.imageSmoothingEnabled = true
      const left = placement.left + extent.left * at.step
      const top = placement.top + extent.top * at.step
      context.drawImage(composed.canvas, 0, 0, width, height, left, top, width * at.step, height * at.step)
    }
    context.globalAlpha = 1
    if (hasPixelGrid && !isDimmed && at.step >= leastGridStep) drawGrid(context, extent, placement, at.step, scale)
  }
  context.restore()
  if (isRound) drawRing(context, layer.clip, scale)
}

/** The part of the canvas that a picture covers. */
function extentOf({ width, height, factor }: PyramidPicture, { zoom, left, top }: Placement): Frame {
  return { left, top, width: Math.ceil(width * factor * zoom), height: Math.ceil(height * factor * zoom) }
}

function commonPart(a: Frame, b: Frame): Frame {
  const left = Math.max(a.left, b.left)
  const top = Math.max(a.top, b.top)
  return {
    left,
    top,
    width: Math.max(0, Math.min(a.left + a.width, b.left + b.width) - left),
    height: Math.max(0, Math.min(a.top + a.height, b.top + b.height) - top)
  }
}

/** Where pixels of a level go: the place of its left top corner, and what a pixel takes. */
interface Target {
  readonly left: number
  readonly top: number
  readonly step: number
}

/** Paints the tiles of an extent; for those that are not there, what there is of other levels and of stand-ins. */
function paintLevel(
  context: Context,
  { picture, standIns }: Layer,
  level: number,
  extent: Extent,
  target: Target,
  lookUp: LookUpTile
): void {
  for (const place of tilesIn(level, extent)) {
    const part = commonExtent(extent, tileExtent(place))
    const image = lookUp(picture.key, place)
    if (image !== null) {
      context.imageSmoothingEnabled = false
      paint(context, image, place, part, 0, target)
      continue
    }
    context.imageSmoothingEnabled = true
    const standIn = standIns.map((key) => lookUp(key, place)).find((found) => found !== null)
    if (standIn !== undefined) paint(context, standIn, place, part, 0, target)
    else {
      paintCoarser(context, picture, place, part, target, lookUp)
      paintFiner(context, picture, place, 1, target, lookUp)
    }
  }
}

function tileExtent({ column, row }: TilePlace): Extent {
  const left = column * pixelTileSide
  const top = row * pixelTileSide
  return { left, top, right: left + pixelTileSide, bottom: top + pixelTileSide }
}

function commonExtent(a: Extent, b: Extent): Extent {
  return {
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom)
  }
}

/** Paints a part of a level, given in its pixels, from a tile that is so many levels coarser. */
function paint(
  context: Context,
  image: CanvasImageSource,
  { column, row }: Pick<TilePlace, 'column' | 'row'>,
  { left, top, right, bottom }: Extent,
  coarser: number,
  { left: originLeft, top: originTop, step }: Target
): void {
  const scale = 2 ** coarser
  const [width, height] = [right - left, bottom - top]
  context.drawImage(
    image,
    left / scale - column * pixelTileSide,
    top / scale - row * pixelTileSide,
    width / scale,
    height / scale,
    originLeft + left * step,
    originTop + top * step,
    width * step,
    height * step
  )
}

function paintCoarser(
  context: Context,
  picture: PyramidPicture,
  { level, column, row }: TilePlace,
  part: Extent,
  target: Target,
  lookUp: LookUpTile
): void {
  const { width, height } = picture
  for (let coarser = 1; Math.max(width, height) > pixelTileSide * 2 ** (level + coarser - 1); coarser++) {
    const place = { level: level + coarser, column: column >> coarser, row: row >> coarser }
    const image = lookUp(picture.key, place)
    if (image === null) continue
    paint(context, image, place, part, coarser, target)
    return
  }
}

/** Levels that are looked for below the one that is drawn: one more would be 64 tiles for one. */
const mostFiner = 2

function paintFiner(
  context: Context,
  picture: PyramidPicture,
  { level, column, row }: TilePlace,
  finer: number,
  target: Target,
  lookUp: LookUpTile
): void {
  if (level === 0 || finer > mostFiner) return
  const { width, height } = levelSize(picture, level - 1)
  for (const place of [0, 1, 2, 3].map((i) => ({
    level: level - 1,
    column: 2 * column + (i & 1),
    row: 2 * row + (i >> 1)
  }))) {
    const { left, top } = tileExtent(place)
    if (left >= width || top >= height) continue
    const image = lookUp(picture.key, place)
    if (image === null) {
      paintFiner(context, picture, place, finer + 1, target, lookUp)
      continue
    }
    const step = target.step / 2 ** finer
    context.drawImage(
      image,
      target.left + left * step,
      target.top + top * step,
      image.width * step,
      image.height * step
    )
  }
}

/** Lines at the left and the top of every pixel. */
function drawGrid(
  context: CanvasRenderingContext2D,
  { left, top, right, bottom }: Extent,
  placement: Placement,
  step: number,
  scale: number
): void {
  const thickness = Math.max(1, Math.floor(scale))
  context.fillStyle = 'rgb(128 128 128 / 0.6)'
  for (let x = left; x < right; x++) {
    const at = Math.round(placement.left + x * step)
    context.fillRect(at, placement.top + top * step, thickness, (bottom - top) * step)
  }
  for (let y = top; y < bottom; y++) {
    const at = Math.round(placement.top + y * step)
    context.fillRect(placement.left + left * step, at, (right - left) * step, thickness)
  }
}

function addEllipse(context: CanvasRenderingContext2D, { left, top, width, height }: Frame): void {
  context.ellipse(left + width / 2, top + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI)
}

/** A light line with a dark one around it is seen on every ground. */
const dark = 'rgb(0 0 0 / 0.85)'
const light = '#ffffff'
const ofMarks = '#ffb000'

function drawRing(context: CanvasRenderingContext2D, clip: Frame, scale: number): void {
  for (const [colour, thickness] of [
    [dark, 4],
    [light, 2]
  ] as const) {
    context.beginPath()
    addEllipse(context, clip)
    context.strokeStyle = colour
    context.lineWidth = thickness * scale
    context.stroke()
  }
}

function drawLine(context: CanvasRenderingContext2D, { left, top, width, height }: Frame): void {
  context.fillStyle = dark
  context.fillRect(left - 1, top - 1, width + 2, height + 2)
  context.fillStyle = light
  context.fillRect(left, top, width, height)
}

function drawOutline(
  context: CanvasRenderingContext2D,
  { frame, placement, rectangle, kind }: Outline,
  scale: number
): void {
  const { zoom } = placement
  clipped(context, frame, () => {
    const left = Math.round(placement.left + rectangle.left * zoom)
    const top = Math.round(placement.top + rectangle.top * zoom)
    const width = Math.max(1, Math.round(rectangle.width * zoom))
    const height = Math.max(1, Math.round(rectangle.height * zoom))
    drawBox(context, { left, top, width, height }, scale, kind === 'mark' ? ofMarks : light)
  })
}

/** A box around a part of the canvas, which stays free. */
function drawBox(
  context: CanvasRenderingContext2D,
  { left, top, width, height }: Frame,
  scale: number,
  colour: string
): void {
  const thickness = Math.max(1, Math.round(scale))
  for (const [ink, from, to] of [
    [dark, 0, 3 * thickness],
    [colour, thickness, 2 * thickness]
  ] as const) {
    context.strokeStyle = ink
    context.lineWidth = to - from
    const middle = (from + to) / 2
    context.strokeRect(left - middle, top - middle, width + 2 * middle, height + 2 * middle)
  }
}

function drawCrosshair(context: CanvasRenderingContext2D, { frame, placement, pixel }: Crosshair, scale: number): void {
  const { zoom } = placement
  clipped(context, frame, () => {
    const least = Math.max(zoom, leastPointedStep * scale)
    const x = Math.round(placement.left + (pixel.x + 0.5) * zoom - least / 2)
    const y = Math.round(placement.top + (pixel.y + 0.5) * zoom - least / 2)
    drawBox(context, { left: x, top: y, width: Math.round(least), height: Math.round(least) }, scale, light)
  })
}

function clipped(context: CanvasRenderingContext2D, frame: Frame, then: () => void): void {
  context.save()
  context.beginPath()
  context.rect(frame.left, frame.top, frame.width, frame.height)
  context.clip()
  then()
  context.restore()
}
