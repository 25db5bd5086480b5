import { describe, expect, it } from 'vitest'
import type { Outputs } from '../../../src/contract/outputs'
import type { EvaluatedPicture, RunDetails } from '../../../src/contract/runs'
import { regionIn, type Scene } from '../../../src/renderer/viewer/scene'
import {
  choicesOf,
  evaluatedId,
  filesScene,
  fitsBeside,
  inOrder,
  paneIdOf,
  pictureToEnlarge,
  referenceOf,
  sceneOf,
  versionIdsOf,
  withFiles,
  withProgress,
  type TitleOf
} from '../../../src/renderer/viewer/scenes'

const two = { weight: 2, activation: 2 } as const
const four = { weight: 4, activation: 4 } as const
type View = EvaluatedPicture['views'][number]
const view = (method: View['method'], bits: View['bits'], psnr: number | null): View => ({
  method,
  bits,
  file: `images/1/${method}.png`,
  psnr,
  ssim: psnr === null ? null : 0.9
})
const picture: EvaluatedPicture = {
  set: 'Set5',
  name: 'bird',
  width: 400,
  height: 200,
  views: [
    view('bicubic', null, 28),
    view('fp', null, 34),
    view('dobi', two, 30),
    view('hr', null, null),
    view('lr', null, null)
  ]
}
const older: EvaluatedPicture = {
  ...picture,
  name: 'older',
  views: picture.views.filter(({ method }) => method !== 'lr')
}

function detailsWith(
  variants: RunDetails['variants'],
  outdated: readonly RunDetails['variants'][number][]
): RunDetails {
  // The rest of a run has no part in this.
  const rest = { summary: { folder: '/runs/one', key: 'r', name: 'one', scale: 4 } } as unknown as RunDetails
  return {
    ...rest,
    variants,
    evaluation: { schema: 1, results: [], outdated: [...outdated], pictures: [picture, older] },
    upscaled: [
      { file: 'upscaled/a.png', name: 'cat', method: 'fp', bits: null, width: 80, height: 40 },
      { file: 'upscaled/b.png', name: 'cat', method: 'dobi', bits: two, width: 80, height: 40 },
      { file: 'upscaled/c.png', name: 'dog', method: 'dobi', bits: two, width: 80, height: 40 }
    ]
  }
}
const dobi = { method: 'dobi', bits: two } as const
const trained = { method: '2dquant', bits: four } as const
const details = detailsWith([dobi, trained], [])
const outputs: Outputs = {
  width: 100,
  height: 50,
  scale: 4,
  columns: 1,
  rows: 1,
  outputs: [null, dobi, trained].map((variant) => ({
    variant,
    source: { kind: 'tiles', folder: `/runs/one/views/${variant?.method ?? 'fp'}`, width: 400, height: 200, side: 512 },
    done: variant === null ? ['0-0'] : []
  }))
}
const titleOf: TitleOf = ({ method }, isOutdated) => (isOutdated ? `${method} (old)` : method)
type RunChoice = Parameters<typeof sceneOf>[1]
const evaluated = (of: EvaluatedPicture): RunChoice => {
  return { kind: 'evaluated', id: evaluatedId(of), title: of.name, set: of.set, picture: of }
}
const ids = (scene: Scene | null): readonly string[] => (scene?.panes ?? []).map(({ id }) => id)
const paneOf = (scene: Scene | null, id: string): Scene['panes'][number] => {
  const found = scene?.panes.find((pane) => pane.id === id)
  if (found === undefined) throw new Error(`There is no ${id}`)
  return found
}

describe('a measured picture', () => {
  it('has HR, LR, bicubic and FP first, then the variants of the run', () => {
    const scene = sceneOf(details, evaluated(picture), outputs, titleOf)
    expect(ids(scene)).toEqual(['hr', 'lr', 'bicubic', 'fp 32', 'dobi 2', '2dquant 4'])
    expect(scene).toMatchObject({ id: 'Set5/bird', title: 'Set5 · bird', width: 400, height: 200 })
    expect(paneOf(scene, 'lr')).toMatchObject({ width: 100, height: 50 })
    expect(paneOf(scene, 'fp 32')).toMatchObject({
      source: { kind: 'file', path: '/runs/one/images/1/fp.png' },
      psnr: 34,
      ssim: 0.9,
      output: null
    })
  })

  it('has variants made on demand that were not measured', () => {
    expect(pictureToEnlarge(details, evaluated(picture))).toBe('/runs/one/images/1/lr.png')
    const scene = sceneOf(details, evaluated(picture), outputs, titleOf)
    expect(paneOf(scene, '2dquant 4').output).toEqual({
      columns: 1,
      rows: 1,
      side: 512,
      done: new Set(),
      failure: null
    })
    expect(paneOf(scene, '2dquant 4').psnr).toBeNull()
  })

  it('asks for nothing where all is there', () => {
    expect(pictureToEnlarge(detailsWith([dobi], []), evaluated(picture))).toBeNull()
    expect(ids(sceneOf(detailsWith([dobi], []), evaluated(picture), null, titleOf))).toHaveLength(5)
  })

  it('has variants made anew whose bounds were changed since', () => {
    const changed = detailsWith([dobi], [dobi])
    expect(pictureToEnlarge(changed, evaluated(picture))).toBe('/runs/one/images/1/lr.png')
    const scene = sceneOf(changed, evaluated(picture), outputs, titleOf)
    expect(paneOf(scene, 'dobi 2')).toMatchObject({ source: { kind: 'tiles' }, psnr: null, title: 'dobi' })
  })

  it('is shown as it was measured where an older evaluation kept no low-resolution picture', () => {
    const changed = detailsWith([dobi, trained], [dobi])
    expect(pictureToEnlarge(changed, evaluated(older))).toBeNull()
    const scene = sceneOf(changed, evaluated(older), null, titleOf)
    expect(ids(scene)).toEqual(['hr', 'bicubic', 'fp 32', 'dobi 2'])
    expect(paneOf(scene, 'dobi 2')).toMatchObject({ title: 'dobi (old)', psnr: null, ssim: null })
  })

  it('has bicubic computed where it was not measured', () => {
    const without = { ...picture, views: picture.views.filter(({ method }) => method !== 'bicubic') }
    expect(paneOf(sceneOf(details, evaluated(without), null, titleOf), 'bicubic').source).toEqual({
      kind: 'bicubic',
      path: '/runs/one/images/1/lr.png',
      scale: 4
    })
  })
})

describe('pictures of the user', () => {
  it('are listed first, those that were enlarged last, each once', () => {
    const choices = choicesOf(details, ['/home/me/tree.png'])
    expect(choices.map(({ kind, title }) => `${kind} ${title}`)).toEqual([
      'input tree.png',
      'evaluated bird',
      'evaluated older',
      'own cat',
      'own dog'
    ])
    expect(new Set(choices.map(({ id }) => id)).size).toBe(5)
    expect(ids(sceneOf(details, (choices[3] ?? evaluated(picture)) as RunChoice, null, titleOf))).toEqual([
      'fp 32',
      'dobi 2'
    ])
  })

  it('are enlarged by bicubic, FP and every variant', () => {
    const input: RunChoice = { kind: 'input', id: '/p.png', title: 'p.png', set: null, path: '/p.png' }
    expect(pictureToEnlarge(details, input)).toBe('/p.png')
    const scene = sceneOf(details, input, outputs, titleOf)
    expect(ids(scene)).toEqual(['lr', 'bicubic', 'fp 32', 'dobi 2', '2dquant 4'])
    expect(scene).toMatchObject({ width: 400, height: 200 })
    expect(paneOf(scene, 'lr')).toMatchObject({ source: { kind: 'file', path: '/p.png' }, width: 100, height: 50 })
    // Nothing is known of it before the engine has told its size.
    expect(sceneOf(details, input, null, titleOf)).toBeNull()
  })
})

describe('files beside', () => {
  const scene = sceneOf(details, evaluated(picture), null, titleOf) ?? {
    id: '',
    title: '',
    width: 0,
    height: 0,
    panes: []
  }
  const file = (path: string, width: number, height: number) => ({ path, width, height }) as const

  it('stand beside where their size is that of the picture, or a whole multiple or part of it', () => {
    for (const [width, height, fits] of [
      [400, 200, true],
      [200, 100, true],
      [800, 400, true],
      [400, 100, false],
      [300, 150, false],
      [600, 300, false],
      [399, 200, false]
    ] as const) {
      expect(fitsBeside(scene, { width, height }), `${width}×${height}`).toBe(fits)
      expect(withFiles(scene, [file('/a/b.png', width, height)]).panes.length).toBe(scene.panes.length + (fits ? 1 : 0))
    }
  })

  it('are compared with each other without a run, those that fit to the first', () => {
    const files = [file('/x.png', 200, 100), file('/y.png', 400, 200), file('/z.png', 300, 150)]
    const together = filesScene({ kind: 'files', id: 'files', title: 'Pictures', set: null, files })
    expect(together).toMatchObject({ width: 400, height: 200 })
    expect(ids(together)).toEqual(['/x.png', '/y.png'])
    expect(referenceOf(together?.panes ?? [], null)?.id).toBe('/x.png')
    expect(filesScene({ kind: 'files', id: 'files', title: 'Pictures', set: null, files: [] })).toBeNull()
  })

  it('make the scene as large as the largest, and are there once', () => {
    const both = withFiles(scene, [file('/a/b.png', 800, 400), file('/a/b.png', 800, 400)])
    expect(both).toMatchObject({ width: 800, height: 400 })
    expect(both.panes).toHaveLength(scene.panes.length + 1)
    expect(both.panes.at(-1)).toMatchObject({ id: '/a/b.png', kind: 'file', title: 'b.png' })
  })
})

describe('panes', () => {
  const scene = sceneOf(details, evaluated(picture), outputs, titleOf)
  it('are compared with what was chosen, else with the best there is', () => {
    const panes = scene?.panes ?? []
    expect(referenceOf(panes, null)?.id).toBe('hr')
    expect(referenceOf(panes, 'dobi 2')?.id).toBe('dobi 2')
    expect(referenceOf(panes, 'not there')?.id).toBe('hr')
    expect(referenceOf(panes.slice(1), null)?.id).toBe('fp 32')
    expect(referenceOf(panes.slice(4), null)?.id).toBe('dobi 2')
    expect(referenceOf([], null)).toBeNull()
  })

  it('keep the order that was asked for', () => {
    const ordered = inOrder(scene?.panes ?? [], ['fp 32', 'gone', 'hr'])
    expect(ordered.map(({ id }) => id)).toEqual(['fp 32', 'hr', 'lr', 'bicubic', 'dobi 2', '2dquant 4'])
  })

  it('tell what is there by now', () => {
    if (scene === null) throw new Error('There is no scene')
    const now = withProgress(scene, new Map([['2dquant 4', { done: new Set(['0-0']), failure: 'no' }]]))
    expect(paneOf(now, '2dquant 4').output).toMatchObject({ done: new Set(['0-0']), failure: 'no', side: 512 })
    expect(paneOf(now, 'fp 32')).toBe(paneOf(scene, 'fp 32'))
  })

  it('have ids that are the same in every picture', () => {
    expect(paneIdOf({ method: 'hr', bits: null })).toBe('hr')
    expect(paneIdOf({ method: 'fp', bits: null })).toBe('fp 32')
    expect(paneIdOf({ method: '2dquant+', bits: { weight: 4, activation: 8 } })).toBe('2dquant+ 4/8')
  })
})

describe('versions that a blind test can ask for', () => {
  it('are those that are there, and those that can be made of the low-resolution picture', () => {
    const details = detailsWith([{ method: 'dobi', bits: four }], [])
    const idsOf = (each: EvaluatedPicture): readonly string[] => {
      const choice = choicesOf(details, []).find(({ id }) => id === evaluatedId(each))
      return choice === undefined ? [] : [...versionIdsOf(details, choice)].toSorted()
    }
    expect(idsOf(picture)).toEqual(['bicubic', 'dobi 2', 'dobi 4', 'fp 32', 'hr', 'lr'])
    // Without that picture, nothing can be made of it.
    expect(idsOf(older)).toEqual(['bicubic', 'dobi 2', 'fp 32', 'hr'])
    const [input] = choicesOf(details, ['/own.png'])
    expect(input && [...versionIdsOf(details, input)]).toEqual(['lr', 'bicubic', 'fp 32', 'dobi 4'])
  })
})

describe('a region', () => {
  it.each([
    ['within', { left: 10, top: 20, width: 30, height: 40 }, { left: 10, top: 20, width: 30, height: 40 }],
    ['over the border', { left: 90, top: 70, width: 30, height: 40 }, { left: 90, top: 70, width: 10, height: 10 }],
    ['beside it', { left: 100, top: 0, width: 5, height: 5 }, null],
    ['below it', { left: 0, top: 80, width: 5, height: 5 }, null]
  ])('%s is kept as far as it lies in the picture', (_, region, kept) => {
    expect(regionIn({ width: 100, height: 80 }, region)).toEqual(kept)
  })
})
