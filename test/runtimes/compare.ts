import { join } from 'node:path'
import { expect } from 'vitest'
import { settingsOf } from '../../src/contract/presets'
import type { Runtime } from '../../src/core/runtime'
import type { Tensor } from '../../src/core/tensor'
import { makeContext } from '../../src/engine/job'
import { evaluate } from '../../src/engine/jobs/evaluate'
import { quantize } from '../../src/engine/jobs/quantize'
import { openRun } from '../../src/engine/run-folder'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { bundledModel, temporaryFolder } from '../cli/run-cli'
import { cases, graphOf, type Case } from '../core/graph/operator-cases'
import { writeTestPicture } from '../pictures'

/** Operators on numbers that every runtime has: some have no integers of 64 bits. */
export const within32Bits = cases
  .filter(([, data]) => data.every((tensor) => tensor.type !== 'int64' || tensor.data.every((v) => v < 2n ** 31n)))
  .map((each) => ({ title: `${each[0]} of ${each[1].map(({ shape }) => `[${shape.join()}]`).join()}`, each }))

async function outputOf(runtime: Runtime, each: Case): Promise<Tensor | undefined> {
  const session = await runtime.load(graphOf(each, true), { threads: 1, optimize: false })
  const outputs = await session.run(new Map(each[1].map((tensor, i) => [`x${i}`, tensor])))
  await session.dispose()
  return outputs.get('y')
}

/** Expects of a runtime what onnxruntime computes on the processor. */
export async function expectSameOutput(runtime: Runtime, each: Case): Promise<void> {
  const expected = await outputOf(onnxruntimeCpu, each)
  const found = await outputOf(runtime, each)
  expect([found?.type, found?.shape]).toEqual([expected?.type, expected?.shape])
  for (const [i, value] of (expected?.data ?? []).entries()) {
    expect(Number(found?.data[i]), `element ${i}`).toBeCloseTo(Number(value), 5)
  }
}

/**
 * Calibrates and trains the bundled model for two iterations by a runtime and by onnxruntime on the processor, and expects bounds within
 * 1e-4 of their range for 99 % of the quantizers, and a PSNR within 0.02 dB.
 */
export async function expectSameQuantization(other: Runtime): Promise<void> {
  const folder = temporaryFolder()
  const pictures = join(folder, 'pictures')
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 160, 128)
  const usual = settingsOf('fast')
  const bits = { weight: 4 as const, activation: 4 as const }
  const settings = { ...usual, methods: ['dobi' as const, '2dquant' as const], bits: [bits], patches: 2, patchSize: 16 }
  const training = { ...usual.distillation, iterations: 2, batch: 1 }
  const context = await makeContext(() => undefined, new AbortController().signal)
  const results = await Promise.all(
    [onnxruntimeCpu, other].map(async (runtime) => {
      const own = { ...context, runtime }
      const out = join(folder, `${runtime.name}-${runtime.device}`)
      const given = {
        model: bundledModel,
        overrides: {},
        scale: undefined,
        calibration: pictures,
        calibrationKind: undefined
      }
      await quantize({ ...given, settings: { ...settings, distillation: training }, tellsTime: false, out }, own)
      const filter = { method: 'dobi' as const, bits }
      const sets = [{ folder: pictures, kind: undefined }]
      const { results: rows } = await evaluate(
        { subject: out, overrides: {}, filter, sets, scale: undefined, memoryCap: undefined },
        own
      )
      return { variants: (await openRun(out)).bounds.variants, psnr: rows.at(-1)?.sets[0]?.mean.psnr ?? NaN }
    })
  )
  const [expected, found] = results
  if (expected === undefined || found === undefined) throw new Error('two results')
  expect(Math.abs(found.psnr - expected.psnr)).toBeLessThanOrEqual(0.02)
  const [dobi, trained] = expected.variants.map(({ quantizers }, i) => {
    const others = found.variants[i]?.quantizers ?? []
    return quantizers.map(({ lower, upper }, at) => {
      const other = others[at] ?? { lower: NaN, upper: NaN }
      return Math.max(Math.abs(lower - other.lower), Math.abs(upper - other.upper)) / (upper - lower)
    })
  })
  const near = dobi?.filter((distance) => distance < 1e-4).length ?? NaN
  expect(near / (dobi?.length ?? NaN)).toBeGreaterThanOrEqual(0.99)
  // What the sign of a gradient near 0 decides is a step of the optimizer, not more.
  expect(Math.max(...(trained ?? [NaN]))).toBeLessThan(0.01)
}
