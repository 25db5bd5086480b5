import { describe, expect, it } from 'vitest'
import { quantizeRequestSchema } from '../../../src/contract/jobs'
import type { RunFile } from '../../../src/contract/run'
import {
  choiceOf,
  withChoice,
  draftOfRun,
  draftSchema,
  keptAtEight,
  newDraft,
  presetOf,
  problemsOf,
  problemsOfStep,
  requestOf,
  type Draft
} from '../../../src/renderer/wizard/draft'

const filled = (parts: Partial<Draft> = {}): Draft => ({
  ...newDraft(),
  model: '/m.pth',
  calibration: { folder: '/pictures', kind: 'hr' },
  ...parts
})

describe('a draft', () => {
  it('lacks a model and pictures at first, step by step', () => {
    const draft = newDraft()
    expect(problemsOf(draft)).toEqual(['model', 'calibration'])
    expect(problemsOfStep(draft, 'model')).toEqual(['model'])
    expect(problemsOfStep(draft, 'data')).toEqual(['calibration'])
    expect(problemsOfStep(draft, 'settings')).toEqual([])
    expect(requestOf(draft)).toBeNull()
  })

  it('is kept as JSON and read back as it was', () => {
    const draft = filled({ exceptions: [{ name: 'layers.0.*', bits: 'fp' }], learningRate: 0.002 })
    expect(draftSchema.parse(JSON.parse(JSON.stringify(draft)))).toEqual(draft)
  })

  it.each<[string, Partial<Draft>, string]>([
    ['no patches', { patches: null }, 'patches'],
    ['half a patch', { patches: 1.5 }, 'patches'],
    ['patches that are too small', { patchSize: 7 }, 'patchSize'],
    ['a seed of 33 bits', { seed: 2 ** 32 }, 'seed'],
    ['a percentile of 50', { percentile: 50 }, 'percentile'],
    ['no bits', { bits: [] }, 'bits'],
    ['no bits of activations', { activationBits: [] }, 'activationBits'],
    ['no method', { methods: [] }, 'methods'],
    ['an exception without a name', { exceptions: [{ name: ' ', bits: 8 }] }, 'exceptions'],
    ['no iterations', { iterations: 0 }, 'iterations'],
    ['a negative weight', { featureWeight: -0.1 }, 'featureWeight'],
    ['no feature of those chosen', { distillation: { ...newDraft().distillation, features: [] } }, 'features']
  ])('is not begun with %s', (_, parts, problem) => {
    expect(problemsOf(filled(parts))).toEqual([problem])
    expect(requestOf(filled(parts))).toBeNull()
  })

  it('of an earlier version has null for full precision', () => {
    const kept = JSON.stringify(filled({ exceptions: [{ name: 'a', bits: 'fp' }] })).replace('"fp"', 'null')
    expect(draftSchema.parse(JSON.parse(kept)).exceptions).toEqual([{ name: 'a', bits: 'fp' }])
  })

  it('is read back where a number was missing', () => {
    const kept = JSON.stringify(filled({ patches: null, learningRate: null }))
    expect(draftSchema.parse(JSON.parse(kept.replace('"patches":null,', '')))).toEqual(filled({ patches: null }))
  })

  it('is not begun with two sets that tables could not tell apart', () => {
    const sets = [{ folder: '/a/Set5' }, { folder: 'C:\\b\\Set5' }]
    expect(problemsOf(filled({ sets }))).toEqual(['sets'])
    expect(problemsOfStep(filled({ sets }), 'data')).toEqual(['sets'])
  })

  it('may lack what only training needs where nothing trains', () => {
    const draft = filled({ methods: ['dobi'], iterations: null })
    expect(problemsOf(draft)).toEqual([])
    expect(requestOf(draft)?.settings.distillation).toBeNull()
  })

  it('asks for all combinations where activations have other bits, from many bits to few', () => {
    const request = requestOf(filled({ bits: [2, 4], activationBits: [8] }))
    expect(request?.settings.bits).toEqual([
      { weight: 4, activation: 8 },
      { weight: 2, activation: 8 }
    ])
    expect(quantizeRequestSchema.parse(request)).toEqual(request)
  })

  it('is of a preset until one of its numbers is changed', () => {
    expect(presetOf(newDraft())).toBe('fast')
    expect(presetOf({ ...newDraft(), batch: 5 })).toBeNull()
  })

  it('of a run asks for the same again', () => {
    const wanted = filled({
      bits: [4, 2],
      activationBits: [8],
      methods: ['minmax', 'dobi', '2dquant+'],
      exceptions: [
        { name: 'a.*', bits: 8 },
        { name: 'b', bits: 'fp' },
        { name: 'c', bits: 'variant' }
      ],
      overrides: { imageRange: 255 },
      sets: [{ folder: '/Set5' }],
      patches: 3,
      seed: 9,
      weightLearningRate: 0.01,
      zeroPoint: 'integer',
      quantizeFirstAndLast: true
    })
    const request = requestOf(wanted)
    if (request === null) throw new Error('the draft lacks something')
    const run: RunFile = {
      schema: 1,
      appVersion: '0',
      state: 'done',
      created: '',
      model: { file: '/m.pth', sha256: '', architecture: '', scale: 4, imageRange: 255, residualScale: null },
      calibration: { folder: '/pictures', kind: 'hr', sha256: '', pictures: 1 },
      settings: request.settings,
      sets: [{ folder: '/Set5' }],
      settingsSha256: '',
      runtime: { name: '', version: '', device: '' }
    }
    expect(requestOf(draftOfRun(run))).toEqual(request)
    const { settings } = requestOf(keptAtEight(draftOfRun(run), ['b', 'c'])) ?? request
    expect(settings.plan?.quantizers).toEqual([
      { name: 'a.*', bits: 8, quantize: true },
      { name: 'b', bits: 8, quantize: true },
      { name: 'c', bits: 8, quantize: true }
    ])
  })
})

describe('what is quantized, one by one', () => {
  const usual = { name: 'body.weight', isUsual: true }
  const first = { name: 'head.weight', isUsual: false }

  it.each<[Draft['exceptions'], string, string]>([
    [[], 'variant', 'fp'],
    [[{ name: '*', bits: 8 }], '8', 'fp'],
    [[{ name: '*', bits: 'fp' }], 'fp', 'fp'],
    [[{ name: 'head.weight', bits: 'variant' }], 'variant', 'variant'],
    [
      [
        { name: 'body.weight', bits: 2 },
        { name: 'b*', bits: 'fp' }
      ],
      'fp',
      'fp'
    ]
  ])('%j make of a usual one %s, of another one %s', (exceptions, ofUsual, ofFirst) => {
    expect([choiceOf(exceptions, usual), choiceOf(exceptions, first)].map(String)).toEqual([ofUsual, ofFirst])
  })

  it('is an exception only where it has to be', () => {
    expect(withChoice([], usual, 'variant')).toEqual([])
    expect(withChoice([], first, 'variant')).toEqual([{ name: 'head.weight', bits: 'variant' }])
    const group = [{ name: 'body.*', bits: 'fp' as const }]
    expect(withChoice(group, usual, 4)).toEqual([...group, { name: 'body.weight', bits: 4 }])
    expect(withChoice(withChoice(group, usual, 4), usual, 'fp')).toEqual(group)
  })
})
