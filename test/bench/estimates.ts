import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { QuantizeRequest } from '../../src/contract/jobs'
import type { Estimate } from '../../src/contract/preparation'
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
      const ask = async (): Promise<Estimate['seconds']> => (await estimate(request, null, context)).seconds
      let before: Estimate['seconds'] = { calibration: 0, distillation: 0, evaluation: 0 }
      const asking = await secondsOf(async () => {
        before = await ask()
      })
      const common = { overrides: {}, scale: undefined }
      const quantizing = await secondsOf(() =>
        quantize(
          { model, ...common, calibration, calibrationKind: undefined, settings, out, tellsTime: false },
          context
        )
      )
      const measuring = { run: out, sets: request.sets ?? [], memoryCap: undefined }
      const evaluating = sets.length === 0 ? 0 : await secondsOf(() => measure(measuring, context))
      const after = await ask()
      const actual = quantizing + evaluating
      figures.push({
        name: `estimate ÷ actual time: ${name}`,
        value: sumOf(before) / actual,
        atLeast: 0.67,
        atMost: 1.5
      })
      // Where this differs from the last figure, it was the machine's speed that changed.
      const both = (sumOf(before) + sumOf(after)) / 2 / actual
      figures.push({ name: `mean of estimates before and after ÷ actual time: ${name}`, value: both })
      figures.push({ name: `time of asking (s): ${name}`, value: asking, atMost: 10 })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  return figures
}

const sumOf = ({ calibration, distillation, evaluation }: Estimate['seconds']): number =>
  calibration + distillation + evaluation
