import { describe, expect, it } from 'vitest'
import { composeStage, pointedPixel, type StageState } from '../../../src/renderer/viewer/stage-drawing'
import { layOutStage } from '../../../src/renderer/viewer/stage-layout'
import { place } from '../../../src/renderer/viewer/view'
import { pane, sceneOf } from './panes'

const lr = pane('lr', 'lr', 200, 150)
const hr = pane('hr', 'hr', 800, 600)
const fp = pane('fp', 'fp', 800, 600)
const two = pane('two', 'variant', 800, 600, { columns: 2, rows: 2, side: 400, done: new Set(['0-0']), failure: null })
const scene = sceneOf(lr, hr, fp, two)
const size = { width: 1000, height: 728 }

function state(changes: Partial<StageState>): StageState {
  const { mode = 'grid', panes = scene.panes, reference = hr, scale = 1 } = changes
  const orientation = changes.split?.orientation ?? 'vertical'
  const chosen = { active: 'fp', previous: 'hr', orientation, isFlickered: false, headsHeight: 28 }
  const shown = { scene, panes, reference, mode, ...chosen }
  const layout = layOutStage(shown, size, scale)
  return {
    scene,
    panes,
    reference,
    marks: [],
    layout,
    placements: layout.frames.map(({ frame }) => place({ zoom: 1, x: 400, y: 300 }, scene, frame)),
    size,
    scale,
    mode,
    isSmooth: false,
    hasPixelGrid: true,
    region: null,
    split: { orientation: 'vertical', position: 0.25 },
    difference: { form: 'absolute', channel: 'rgb', gain: 4, map: 'viridis' },
    differenceBefore: null,
    lens: { radius: 50, magnification: 2 },
    pointer: null,
    isByKeyboard: false,
    background: '#000',
    ...changes
  }
}

const paths = (stage: ReturnType<typeof composeStage>): readonly string[] =>
  stage.drawing.layers.map(({ picture: { source } }) => (source.kind === 'file' ? source.path : ''))

describe('what is drawn of a stage', () => {
  it('are all panes in a grid, what is not made yet over what it is made from', () => {
    const stage = composeStage(state({}))
    expect(paths(stage)).toEqual(['/lr.png', '/hr.png', '/fp.png', '/lr.png', '/two.png'])
    expect(stage.drawing.layers.map(({ isDimmed }) => isDimmed)).toEqual([false, false, false, true, false])
    // The smaller one is enlarged to the same size.
    expect(stage.drawing.layers.map(({ picture: { width, factor } }) => width * factor)).toEqual([
      800, 800, 800, 800, 800
    ])
  })

  it('are differences in pixels of the larger picture, and the reference as it is', () => {
    const { drawing } = composeStage(state({ mode: 'difference', panes: [hr, lr, fp] }))
    const [reference, low, full] = drawing.layers.map(({ picture }) => picture)
    expect(reference?.difference).toBeNull()
    expect(low).toMatchObject({ width: 800, height: 600, factor: 1, source: lr.source })
    expect(full?.difference).toEqual({
      reference: hr.source,
      form: 'absolute',
      channel: 'rgb',
      gain: 4,
      map: 'viridis'
    })
  })

  it('have the difference before in its place until a new one is there', () => {
    const before = { form: 'absolute', channel: 'rgb', gain: 2, map: 'viridis' } as const
    const { drawing } = composeStage(state({ mode: 'difference', panes: [hr, fp], differenceBefore: before }))
    const then = composeStage(state({ mode: 'difference', panes: [hr, fp], difference: before })).drawing
    expect(drawing.layers[1]?.standIns).toEqual([then.layers[1]?.picture.key])
    expect(drawing.layers[1]?.picture.key).not.toBe(then.layers[1]?.picture.key)
  })

  it('are two parts of one frame that meet without gap or overlap', () => {
    for (const orientation of ['vertical', 'horizontal'] as const) {
      const { drawing, wanted } = composeStage(state({ mode: 'split', split: { orientation, position: 0.3 } }))
      const [a, b] = drawing.layers.map(({ clip }) => clip)
      const frame = state({ mode: 'split', split: { orientation, position: 0.3 } }).layout.frames[0]?.frame
      if (a === undefined || b === undefined || frame === undefined) throw new Error('there are two parts')
      if (orientation === 'vertical') {
        expect(a.left + a.width).toBe(b.left)
        expect(a.width + b.width).toBe(frame.width)
        expect(a.height).toBe(frame.height)
      } else {
        expect(a.top + a.height).toBe(b.top)
        expect(a.height + b.height).toBe(frame.height)
      }
      // Behind the line lies what will be seen when it moves.
      const places = (path: string): number =>
        new Set(
          wanted.flatMap(({ picture, place }) =>
            picture.source.kind === 'file' && picture.source.path === path && place.level === 0
              ? [`${place.column}-${place.row}`]
              : []
          )
        ).size
      expect(places('/hr.png')).toBe(places('/fp.png'))
    }
  })

  it('is another picture in the lens, with the same pixel below the pointer', () => {
    const pointer = { x: 500.4, y: 400.2 }
    const { drawing } = composeStage(state({ mode: 'lens', pointer }))
    const [under, lens] = drawing.layers
    expect(paths(composeStage(state({ mode: 'lens', pointer })))).toEqual(['/hr.png', '/fp.png'])
    expect(lens?.isRound).toBe(true)
    expect(lens?.clip).toEqual({ left: 450, top: 350, width: 100, height: 100 })
    const at = (layer: typeof lens): number => (500 - (layer?.placement.left ?? 0)) / (layer?.placement.zoom ?? 1)
    expect(lens?.placement.zoom).toBe(2)
    expect(at(lens)).toBe(at(under))
  })

  it('points at one pixel in all frames, except where the pointer is', () => {
    const grid = state({ panes: [hr, fp] })
    const [first] = grid.layout.frames
    const pointer = { x: (first?.frame.left ?? 0) + 200, y: (first?.frame.top ?? 0) + 100 }
    const { drawing } = composeStage({ ...grid, pointer })
    expect(drawing.crosshairs).toHaveLength(1)
    expect(drawing.crosshairs[0]?.frame).toEqual(grid.layout.frames[1]?.frame)
    expect(drawing.crosshairs[0]?.pixel).toEqual(pointedPixel({ ...grid, pointer }))
    const byKeyboard = composeStage({ ...grid, isByKeyboard: true }).drawing.crosshairs
    expect(byKeyboard.map(({ pixel }) => pixel)).toEqual([
      { x: 400, y: 300 },
      { x: 400, y: 300 }
    ])
  })

  it('asks for what is seen first, of all pictures in turn, and for nothing twice first', () => {
    const { wanted } = composeStage(state({ panes: [hr, fp] }))
    const sources = wanted.slice(0, 4).map(({ picture: { source } }) => (source.kind === 'file' ? source.path : ''))
    expect(sources).toEqual(['/hr.png', '/fp.png', '/hr.png', '/fp.png'])
    expect(wanted.at(0)?.place.level).toBe(0)
    // The whole picture is there soon, too, for what comes into view.
    expect(wanted.some(({ place }) => place.level === 2)).toBe(true)
  })

  it('asks for tiles of outputs again when more of them is there', () => {
    const versions = (done: readonly string[]): readonly number[] => {
      const output = { columns: 2, rows: 2, side: 400, done: new Set(done), failure: null }
      const { wanted } = composeStage(state({ panes: [{ ...two, output }] }))
      return wanted.filter(({ place: { column, row } }) => column === 0 && row === 0).map(({ version }) => version)
    }
    expect(versions(['0-0'])[0]).toBe(1)
    expect(versions([])[0]).toBe(0)
    expect(versions(['1-1'])[0]).toBe(0)
  })
})
