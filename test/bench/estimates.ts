import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QuantizeRequest } from '../../src/contract/jobs'
import { settingsOf } from '../../src/contract/presets'
import type { QuantizeSettings } from '../../src/contract/run'
import { makeContext } from '../../src/engine/job'
import { estimate } from '../../src/engine/jobs/estimate'
import { measure } from '../../src/engine/jobs/measure'
import { quantize } from '../../src/engine/jobs/quantize'
import { secondsOf, type Figure } from './figure'

const model = join('resources', 'models', 'swinir-tiny-x4.safetensors')
const data = join('..', 'shared', 'data')

const four = { weight: 4, activation: 4 } as const
const two = { weight: 2, activation: 2 } as const

/** Runs whose time is told beforehand. */
const trials: readonly {
  readonly name: string
  readonly settings: QuantizeSettings
  readonly sets: readonly string[]
}[] = [
  {
    name: 'DOBI, 4 bits, 32 patches of 64×64',
    settings: { ...settingsOf('paper'), methods: ['dobi'], bits: [four], distillation: null },
    sets: []
  },
  {
    name: '2DQuant and 2DQuant+, 2 bits, fast',
    settings: { ...settingsOf('fast'), methods: ['2dquant', '2dquant+'], bits: [two] },
    sets: []
  },
  {
    name: 'MinMax, DBDC and DOBI, 2 and 4 bits, measured on Set5',
    settings: { ...settingsOf('fast'), methods: ['minmax', 'dbdc', 'dobi'], bits: [two, four], distillation: null },
    sets: [join(data, 'benchmarks', 'Set5')]
  }
]

/** How near estimates are to what runs then take. */
export async function estimateBenchmarks(): Promise<readonly Figure[]> {
  if (!existsSync(data))
    throw new Error(`Runs are timed on pictures in "${data}", which may not be part of this repository.`)
  const context = await makeContext(() => undefined, new AbortController().signal)
  const figures: Figure[] = []
  for (const { name, settings, sets } of trials) {
    const folder = mkdtempSync(join(tmpdir(), '2dquant-estimates-'))
    const out = join(folder, 'run')
    const calibration = join(data, 'calibration')
    const request: QuantizeRequest = {
      kind: 'quantize',
      model,
      calibration: { folder: calibration },
      settings,
      sets: sets.map((each) => ({ folder: each }))
    }
    try {
      let told = { calibration: 0, distillation: 0, evaluation: 0 }
      const asking = await secondsOf(async () => {
        told = (await estimate(request, null, context)).seconds
      })
      const common = { overrides: {}, scale: undefined }
      const quantizing = await secondsOf(() =>
        quantize(
          { model, ...common, calibration, calibrationKind: undefined, settings, out, tellsTime: false },
          context
        )
      )
      const evaluating =
        sets.length === 0
          ? 0
          : await secondsOf(() =>
              measure({ run: out, sets: sets.map((folder) => ({ folder })), memoryCap: undefined }, context)
            )
      const ratio = (told.calibration + told.distillation + told.evaluation) / (quantizing + evaluating)
      figures.push({ name: `estimate ÷ actual time: ${name}`, value: ratio, atLeast: 0.67, atMost: 1.5 })
      if (sets.length > 0) {
        const value = told.evaluation / evaluating
        figures.push({ name: 'the same of its evaluation', value, atLeast: 0.67, atMost: 1.5 })
      }
      figures.push({ name: `time of asking (s): ${name}`, value: asking, atMost: 10 })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return figures
}
