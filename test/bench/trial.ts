import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BitWidth, Method } from '../../src/contract/bounds'
import { settingsOf, type PresetName } from '../../src/contract/presets'
import type { DistillationSettings } from '../../src/contract/run'
import { makeContext, type JobContext } from '../../src/engine/job'
import { evaluate } from '../../src/engine/jobs/evaluate'
import { quantize } from '../../src/engine/jobs/quantize'

/** Pictures and models that may not be part of this repository. */
export const data = join('..', 'shared', 'data')

/** What is quantized and trained in one run. */
export interface Trial {
  /** The model's file. */
  readonly model: string
  readonly preset: PresetName
  readonly methods: readonly Method[]
  readonly bits: readonly BitWidth[]
  readonly training?: Partial<DistillationSettings>
}

/** PSNR in dB on Set5 of full precision (`fp`) and of every variant (`METHOD BITS`) of a model. */
export async function psnrOf({ model, preset, methods, bits, training }: Trial): Promise<ReadonlyMap<string, number>> {
  const folder = mkdtempSync(join(tmpdir(), '2dquant-quality-'))
  const context: JobContext = await makeContext(() => undefined, new AbortController().signal)
  const usual = settingsOf(preset)
  const settings = {
    ...usual,
    methods: [...methods],
    bits: bits.map((each) => ({ weight: each, activation: each })),
    distillation: { ...usual.distillation, ...training }
  }
  const run = join(folder, 'run')
  const shared = { overrides: {}, scale: undefined }
  try {
    const calibration = { calibration: join(data, 'calibration'), calibrationKind: undefined }
    await quantize({ model, ...shared, ...calibration, settings, out: run, tellsTime: false }, context)
    const set = { sets: [{ folder: join(data, 'benchmarks', 'Set5') }], filter: {}, memoryCap: undefined }
    const { results } = await evaluate({ subject: run, ...shared, ...set }, context)
    return new Map(
      results.map(({ method, bits: of, sets }) => [
        of === null ? method : `${method} ${of.weight}`,
        sets[0]?.mean.psnr ?? NaN
      ])
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Throws where the pictures are not there that quality is measured on. */
export function expectData(): void {
  if (existsSync(data)) return
  throw new Error(`Quality is measured on pictures in "${data}", which may not be part of this repository.`)
}
