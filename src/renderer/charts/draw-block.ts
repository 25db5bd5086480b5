import type { BlockPicture } from './block'
import { shortened } from './draw-gallery'
import { fontFamily, inkOf } from './style'
import { draw, hatch, round, sheet, type Drawn } from './svg'

/** Words and colours of a picture of a block. */
export interface BlockDrawing {
  readonly title: string
  /** What operations are called. */
  readonly nameOf: (key: string) => string
  /** In how many blocks an operation is quantized, where that is not all. */
  readonly noteOf: (quantized: number, blocks: number) => string
  readonly legend: { readonly int: string; readonly fp: string }
  readonly isDark: boolean
  /** Without title and ground. */
  readonly isBare: boolean
  readonly id: string
}

const box = { width: 96, height: 42, column: 122, row: 56 }
const edgeRoom = 40

/** Colours of what is computed in integers (filled and hatched) and in full precision (plain, with a dashed edge). */
const colours = {
  int: {
    fill: '#dbeafe',
    stroke: '#0072b2',
    hatch: '#9cc9ee',
    darkFill: '#12324a',
    darkStroke: '#56b4e9',
    darkHatch: '#24587d'
  },
  fp: { fill: '#fff4e5', stroke: '#b34700', darkFill: '#33240f', darkStroke: '#e69f00' }
} as const

/** The block as vectors. */
export function drawBlock(block: BlockPicture, drawing: BlockDrawing): Drawn {
  const { title, nameOf, noteOf, legend, isDark, isBare, id } = drawing
  const ink = inkOf(isDark)
  const wide = block.form === 'list' ? { ...box, width: 285, column: 300 } : box
  const left = block.form === 'list' ? 6 : edgeRoom
  const top = isBare ? 40 : 74
  const columns = Math.max(0, ...block.operations.map(({ column }) => column)) + 1
  const rows = Math.max(0, ...block.operations.map(({ row }) => row)) + 1
  const width = left + columns * wide.column + (block.form === 'list' ? 0 : 20)
  const height = Math.ceil(top + rows * wide.row + 12)
  const boxes = new Map(
    block.operations.map((each) => {
      // Sums are small circles where a box would have its middle.
      const isSum = each.key.startsWith('add')
      const x = left + each.column * wide.column
      const y = top + each.row * wide.row
      const half = isSum ? 13 : wide.width / 2
      return [each.key, { ...each, isSum, x, y, middle: y + wide.height / 2, centre: isSum ? x + 13 : x + half, half }]
    })
  )
  const stroke = ink.text
  const arrow = (d: string): Drawn =>
    draw('path', { d, stroke, fill: 'none', 'stroke-width': 1.5, 'marker-end': `url(#${id}-arrow)` })
  const arrows = block.arrows.flatMap(([from, to]) => {
    const a = boxes.get(from)
    const b = boxes.get(to)
    if (b === undefined) return a === undefined ? [] : [arrow(`M${a.centre + a.half} ${a.middle}h36`)]
    const end = b.centre - b.half - 2
    if (a === undefined) return [arrow(`M${b.x - 40} ${b.middle}H${end}`)]
    if (b.x < a.x) {
      // On to the next row.
      return [arrow(`M${a.centre} ${round(a.middle + 13)}V${round(b.y - 26)}H${left - 34}V${round(b.middle)}H${end}`)]
    }
    const bend = end - 14
    return [arrow(`M${round(a.centre + a.half)} ${round(a.middle)}H${round(bend)}V${round(b.middle)}H${round(end)}`)]
  })
  // Around each row of the block goes what came in, to be added at its end.
  const skips = [...boxes.values()]
    .filter(({ isSum }) => isSum)
    .map(({ centre, middle, row }) => {
      const highest = Math.min(
        ...[...boxes.values()].filter((each) => Math.abs(each.row - row) < 1.2).map(({ y }) => y)
      )
      return arrow(`M${left - 22} ${round(middle)}V${round(highest - 14)}H${round(centre)}V${round(middle - 15)}`)
    })
  const drawn = [...boxes.values()].map(({ key, isSum, x, y, centre, middle, kind, quantized, blocks }) => {
    const { fill, stroke: edge, darkFill, darkStroke } = colours[kind]
    if (isSum)
      return draw('g', { class: `operation ${kind}` }, [
        draw('circle', {
          cx: centre,
          cy: middle,
          r: 13,
          fill: isDark ? darkFill : fill,
          stroke: isDark ? darkStroke : edge
        }),
        draw('text', { x: centre, y: middle + 6, 'text-anchor': 'middle', 'font-size': 18, fill: ink.text }, ['+'])
      ])
    const shape = { x, y: round(y), width: wide.width, height: wide.height, rx: 5 }
    const note = kind === 'int' ? noteOf(quantized, blocks) : ''
    return draw('g', { class: `operation ${kind}` }, [
      draw('rect', {
        ...shape,
        fill: isDark ? darkFill : fill,
        stroke: isDark ? darkStroke : edge,
        'stroke-width': 1.5,
        ...(kind === 'fp' && { 'stroke-dasharray': '4 3' })
      }),
      ...(kind === 'int' ? [draw('rect', { ...shape, fill: `url(#${id}-int)` })] : []),
      draw('rect', {
        x: x + 4,
        y: round(y + 5),
        width: wide.width - 8,
        height: wide.height - 10,
        rx: 3,
        fill: isDark ? darkFill : fill
      }),
      draw(
        'text',
        {
          x: x + wide.width / 2,
          y: round(y + 19),
          'text-anchor': 'middle',
          'font-weight': 600,
          fill: isDark ? '#f4f4f5' : '#18181b'
        },
        [shortened(nameOf(key), block.form === 'list' ? 36 : 16)]
      ),
      draw(
        'text',
        {
          x: x + wide.width / 2,
          y: round(y + 33),
          'text-anchor': 'middle',
          'font-size': 10,
          fill: isDark ? '#d4d4d8' : '#3f3f46'
        },
        [kind === 'int' ? (note === '' ? 'INT' : `INT · ${note}`) : 'FP32']
      )
    ])
  })
  const entry = (kind: 'int' | 'fp', text: string, x: number): Drawn =>
    draw('g', {}, [
      draw('rect', {
        x,
        y: top - 34,
        width: 28,
        height: 14,
        rx: 3,
        fill: isDark ? colours[kind].darkFill : colours[kind].fill,
        stroke: isDark ? colours[kind].darkStroke : colours[kind].stroke,
        ...(kind === 'fp' && { 'stroke-dasharray': '4 3' })
      }),
      ...(kind === 'int'
        ? [draw('rect', { x, y: top - 34, width: 28, height: 14, rx: 3, fill: `url(#${id}-int)` })]
        : []),
      draw('text', { x: x + 36, y: top - 23, fill: ink.text }, [text])
    ])
  return sheet(Math.max(width, 640), height, [
    draw('g', { 'font-family': fontFamily, 'font-size': 12 }, [
      draw('defs', {}, [
        hatch(`${id}-int`, isDark ? colours.int.darkHatch : colours.int.hatch),
        draw(
          'marker',
          { id: `${id}-arrow`, viewBox: '0 0 8 8', refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto' },
          [draw('path', { d: 'M0 0L8 4L0 8Z', fill: stroke })]
        )
      ]),
      ...(isBare
        ? []
        : [
            draw('rect', { width: Math.max(width, 640), height, fill: ink.ground }),
            draw('text', { x: 16, y: 26, fill: ink.text, 'font-size': 15, 'font-weight': 600 }, [title])
          ]),
      entry('int', legend.int, 6),
      entry('fp', legend.fp, 260),
      ...skips,
      ...arrows,
      ...drawn
    ])
  ])
}
