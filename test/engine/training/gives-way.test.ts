import { join } from 'node:path'
import { expect, it } from 'vitest'
import { settingsOf } from '../../../src/contract/presets'
import type { Runtime, Session } from '../../../src/core/runtime'
import { quantize } from '../../../src/engine/jobs/quantize'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()

it('training gives way before every patch: an iteration of a large network takes many seconds', async () => {
  await writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72)
  let ways = 0
  /** How often it had given way at each run of a training session. */
  const atRuns: number[] = []
  const runtime: Runtime = {
    ...onnxruntimeCpu,
    loadCopies: async (graph, _, options) => {
      const session = await onnxruntimeCpu.load(graph, options)
      const counted: Session = {
        run: (...args) => {
          atRuns.push(ways)
          return session.run(...args)
        },
        dispose: () => session.dispose()
      }
      return [counted]
    }
  }
  const giveWay = (): Promise<void> => {
    ways++
    return Promise.resolve()
  }
  const usual = settingsOf('fast')
  const distillation = { ...usual.distillation, iterations: 2, batch: 4 }
  const bits = [{ weight: 4 as const, activation: 4 as const }]
  const settings = { ...usual, bits, methods: ['2dquant' as const], patches: 1, patchSize: 16, distillation }
  const config = { model: bundledModel, overrides: {}, scale: undefined, calibrationKind: undefined, tellsTime: false }
  await quantize(
    { ...config, calibration: join(folder, 'pictures'), settings, out: join(folder, 'run') },
    { runtime, emit: () => undefined, signal: new AbortController().signal, giveWay }
  )
  expect(atRuns.length).toBeGreaterThan(2 * 4)
  expect(new Set(atRuns).size).toBe(atRuns.length)
})
