import type { Rectangle } from '../../contract/pixels'
import { levelSize } from '../../core/imaging/pyramid'
import { fontFamily, inkOf } from '../charts/style'
import { draw, round, sheet, type Drawn } from '../charts/svg'
import type { Scene } from './scene'

/** A piece of a picture as the address of a PNG file, and where it lies. */
export interface FigurePiece {
  readonly address: string
  /** In pixels of the scene. */
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

/** What a figure shows: a picture with a box, and what is in the box in several versions, as in the paper's Fig. 1 and 6. */
export interface Figure {
  readonly scene: Pick<Scene, 'width' | 'height'>
  readonly title: string
  /** All of the picture that the box stands in; it may be smaller than the scene. */
  readonly whole: string
  /** In pixels of the scene. */
  readonly region: Rectangle
  readonly crops: readonly FigureCrop[]
  readonly columns: number
  /** Pixels of the figure that one of the scene takes in crops. */
  readonly scale: number
  /** Whether PSNR and SSIM of the crops stand below them. */
  readonly hasNumbers: boolean
}

export interface FigureCrop {
  readonly title: string
  readonly piece: FigurePiece
  /** PSNR in dB and SSIM of the region; null where it is not known, and for what it is compared with. */
  readonly numbers: string | null
}

const gap = 8
const fontSize = 13
const lineHeight = 18
/** As wide as most labels. */
const leastCell = 120
/** Width to height of the large picture at most. */
const widest = 2

/** Where everything lies in a figure, in its pixels. */
export interface FigureLayout {
  readonly width: number
  readonly height: number
  /** The large picture, and the box in it. */
  readonly whole: Rectangle
  readonly box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number }
  readonly crops: readonly Rectangle[]
}

export function layOut(
  figure: Pick<Figure, 'scene' | 'region' | 'columns' | 'scale' | 'hasNumbers'>,
  count: number
): FigureLayout {
  const { scene, region, scale } = figure
  const columns = Math.max(1, Math.min(figure.columns, count))
  const rows = Math.ceil(count / columns)
  const label = lineHeight * (figure.hasNumbers ? 2 : 1)
  const [width, height] = [region.width * scale, region.height * scale]
  const cell = Math.max(width, leastCell)
  const gridHeight = rows * (height + label) + Math.max(0, rows - 1) * gap
  // As high as the crops beside it, unless it becomes too wide for that.
  const room = Math.max(gridHeight - label, height)
  const aspect = scene.width / scene.height
  const wholeWidth = Math.round(Math.min(room * aspect, widest * room))
  const wholeHeight = Math.round(wholeWidth / aspect)
  const whole = { left: gap, top: gap, width: wholeWidth, height: wholeHeight }
  const factor = wholeWidth / scene.width
  const first = wholeWidth + 2 * gap
  return {
    width: first + columns * (cell + gap),
    height: gridHeight + 2 * gap,
    whole,
    box: {
      left: whole.left + region.left * factor,
      top: whole.top + region.top * factor,
      width: region.width * factor,
      height: region.height * factor
    },
    crops: Array.from({ length: count }, (_, i) => ({
      left: first + (i % columns) * (cell + gap) + Math.floor((cell - width) / 2),
      top: gap + Math.floor(i / columns) * (height + label + gap),
      width,
      height
    }))
  }
}

/** A figure as vectors: dark letters on white, the same for the same description. */
export function drawFigure(figure: Figure): Drawn {
  const { width, height, whole, box, crops } = layOut(figure, figure.crops.length)
  const ink = inkOf(false)
  const text = (x: number, y: number, words: string, attributes: Drawn['attributes'] = {}): Drawn =>
    draw('text', { x: round(x), y, fill: ink.text, 'text-anchor': 'middle', ...attributes }, [words])
  const below = ({ left, top, width, height }: Rectangle, line: number): readonly [number, number] => [
    left + width / 2,
    top + height + lineHeight * line - 4
  ]
  return sheet(width, height, [
    draw('rect', { width, height, fill: ink.ground }),
    draw('g', { 'font-family': fontFamily, 'font-size': fontSize }, [
      draw('image', {
        class: 'whole',
        x: whole.left,
        y: whole.top,
        width: whole.width,
        height: whole.height,
        preserveAspectRatio: 'none',
        href: figure.whole
      }),
      draw('rect', {
        class: 'box',
        x: round(box.left),
        y: round(box.top),
        width: round(box.width),
        height: round(box.height),
        fill: 'none',
        stroke: '#e60000',
        'stroke-width': 2
      }),
      text(...below(whole, 1), figure.title),
      ...figure.crops.flatMap(({ title, piece, numbers }, i) => {
        const place = crops[i]
        if (place === undefined) return []
        return [
          drawCrop(piece, figure.region, place),
          text(...below(place, 1), title, { 'font-weight': 600 }),
          ...(figure.hasNumbers && numbers !== null ? [text(...below(place, 2), numbers)] : [])
        ]
      })
    ])
  ])
}

/** What of a piece lies in the region, pixel by pixel. */
function drawCrop(piece: FigurePiece, region: Rectangle, place: Rectangle): Drawn {
  return draw(
    'svg',
    {
      class: 'crop',
      x: place.left,
      y: place.top,
      width: place.width,
      height: place.height,
      viewBox: `${region.left} ${region.top} ${region.width} ${region.height}`,
      preserveAspectRatio: 'none'
    },
    [
      draw('image', {
        x: piece.left,
        y: piece.top,
        width: piece.width,
        height: piece.height,
        preserveAspectRatio: 'none',
        'image-rendering': 'pixelated',
        href: piece.address
      })
    ]
  )
}

/** The pixels of a pane, `factor` times smaller than the scene, that a region touches. */
export function pieceOf({ left, top, width, height }: Rectangle, factor: number): Rectangle {
  const [x, y] = [Math.floor(left / factor), Math.floor(top / factor)]
  return {
    left: x,
    top: y,
    width: Math.ceil((left + width) / factor) - x,
    height: Math.ceil((top + height) / factor) - y
  }
}

/** The coarsest level of a picture that is still as wide as it will be drawn. */
export function levelFor(width: number, drawn: number): number {
  let level = 0
  while (levelSize(width, level + 1) >= drawn && level < 16) level++
  return level
}
