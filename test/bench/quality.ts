import { join } from 'node:path'
import type { Method } from '../../src/contract/bounds'
import { settingsOf } from '../../src/contract/presets'
import type { Figure } from './figure'
import { expectData, psnrOf } from './trial'

const model = join('resources', 'models', 'swinir-tiny-x4.safetensors')
const fewBits = [2, 3, 4] as const

/** Set5 PSNR of the bundled model: what training gains, how much of it `fast` keeps, and the paper's ablation. */
export async function qualityBenchmarks(): Promise<readonly Figure[]> {
  expectData()
  const fast = await psnrOf({
    model,
    preset: 'fast',
    methods: ['minmax', 'dobi', '2dquant', '2dquant+'],
    bits: fewBits
  })
  const of = (method: Method, bits: number): number => fast.get(`${method} ${bits}`) ?? NaN
  const gain = (method: Method, bits: number, atLeast: number): Figure => {
    return { name: `${method} (fast) − dobi at ${bits} bits (dB)`, value: of(method, bits) - of('dobi', bits), atLeast }
  }

  const { iterations } = settingsOf('fast').distillation
  const trained = ['2dquant', '2dquant+'] as const
  const long = await psnrOf({
    model,
    preset: 'fast',
    methods: trained,
    bits: [2],
    training: { iterations: 10 * iterations }
  })
  const kept = trained.map((method): Figure => {
    const whole = (long.get(`${method} 2`) ?? NaN) - of('dobi', 2)
    const value = (of(method, 2) - of('dobi', 2)) / whole
    return { name: `${method} at 2 bits: gain of fast ÷ gain of ten times its steps`, value, atLeast: 0.6 }
  })

  const fromMinmax = await psnrOf({
    model,
    preset: 'fast',
    methods: ['2dquant'],
    bits: [2],
    training: { init: 'minmax' }
  })
  const trainedAlone = fromMinmax.get('2dquant 2') ?? NaN
  const either = [of('dobi', 2), trainedAlone]
  return [
    ...fewBits.flatMap((bits) => ['dobi', ...trained].map((method) => information(fast, `${method} ${bits}`))),
    gain('2dquant', 2, 0.3),
    gain('2dquant', 3, 0.05),
    gain('2dquant', 4, -0.02),
    gain('2dquant+', 2, 1.3),
    gain('2dquant+', 3, 0.45),
    gain('2dquant+', 4, 0.1),
    ...kept,
    {
      name: 'ablation at 2 bits: either alone − neither (dB)',
      value: Math.min(...either) - of('minmax', 2),
      atLeast: 0
    },
    { name: 'ablation at 2 bits: both − either alone (dB)', value: of('2dquant', 2) - Math.max(...either), atLeast: 0 }
  ]
}

/** What 2DQuant+ loses against full precision with the preset `best`; takes about an hour on two cores. */
export async function bestQualityBenchmarks(): Promise<readonly Figure[]> {
  expectData()
  const scores = await psnrOf({ model, preset: 'best', methods: ['2dquant+'], bits: fewBits })
  const allowed = { 2: 0.6, 3: 0.3, 4: 0.15 }
  return fewBits.map((bits) => ({
    name: `fp − 2dquant+ (best) at ${bits} bits (dB)`,
    value: (scores.get('fp') ?? NaN) - (scores.get(`2dquant+ ${bits}`) ?? NaN),
    atMost: allowed[bits]
  }))
}

function information(scores: ReadonlyMap<string, number>, variant: string): Figure {
  return { name: `Set5 PSNR of ${variant} bits (dB)`, value: scores.get(variant) ?? NaN }
}
