import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { QuantizeRequest } from '../../../src/contract/jobs'
import { estimateSchema, type Estimate } from '../../../src/contract/preparation'
import { settingsOf } from '../../../src/contract/presets'
import type { QuantizeSettings } from '../../../src/contract/run'
import { makeContext, type JobContext } from '../../../src/engine/job'
import { estimate } from '../../../src/engine/jobs/estimate'
import { bundledModel, temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'

const folder = temporaryFolder()
const pictures = join(folder, 'pictures')
const usual: QuantizeSettings = { ...settingsOf('fast'), patches: 4, patchSize: 16, distillation: null }
let context: JobContext

const requestOf = (settings: QuantizeSettings, sets: QuantizeRequest['sets'] = []): QuantizeRequest => {
  return { kind: 'quantize', model: bundledModel, calibration: { folder: pictures }, settings, sets }
}
const ask = async (settings: QuantizeSettings, sets: QuantizeRequest['sets'] = []): Promise<Estimate> =>
  estimateSchema.parse(await estimate(requestOf(settings, sets), null, context))

beforeAll(async () => {
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 96, 72)
  await writeTestPicture(join(pictures, 'HR', 'two.png'), 101, 90, 7)
  context = await makeContext(() => expect.unreachable('an estimate tells no events'), new AbortController().signal)
})

describe('what a run would take', () => {
  it('has no training and no evaluation where none is asked for', async () => {
    const { seconds, memoryBytes, freeBytes } = await ask(usual)
    expect(seconds).toMatchObject({ distillation: 0, evaluation: 0 })
    expect(seconds.calibration).toBeGreaterThan(0)
    expect(memoryBytes).toBeGreaterThan(5e7)
    expect(freeBytes).toBeGreaterThan(0)
  })

  it('grows with patches, variants, iterations and pictures', async () => {
    const training = { ...settingsOf('fast').distillation, batch: 2 }
    const trained: QuantizeSettings = { ...usual, methods: ['2dquant'], distillation: { ...training, iterations: 100 } }
    const few = await ask(trained, [{ folder: pictures }])
    const many = await ask(
      {
        ...trained,
        patches: 2000,
        bits: [2, 4].map((bits) => ({ weight: bits as 2 | 4, activation: bits as 2 | 4 })),
        distillation: { ...training, iterations: 1000 }
      },
      [1, 2, 3, 4].map(() => ({ folder: pictures }))
    )
    // Twenty times the iterations; the times of single steps vary from one measurement to the next.
    const ratio = many.seconds.distillation / few.seconds.distillation
    expect(ratio).toBeGreaterThan(2)
    expect(ratio).toBeLessThan(200)
    expect(many.seconds.calibration).toBeGreaterThan(3 * few.seconds.calibration)
    expect(few.seconds.evaluation).toBeGreaterThan(0)
    expect(many.seconds.evaluation).toBeGreaterThan(few.seconds.evaluation)
  })

  it('gives way between its steps, and ends when nobody waits for it', async () => {
    let steps = 0
    const controller = new AbortController()
    const giveWay = (): Promise<void> => {
      steps++
      if (steps === 20) controller.abort(new Error('closed'))
      return Promise.resolve()
    }
    await expect(estimate(requestOf(usual), null, { ...context, giveWay, signal: controller.signal })).rejects.toThrow(
      'closed'
    )
    expect(steps).toBe(20)
  })

  it('is told of the longest training there may be, without its patches in memory', async () => {
    const training = { ...settingsOf('fast').distillation, iterations: 1_000_000, batch: 10 }
    const before = process.resourceUsage().maxRSS
    const { seconds } = await ask({ ...usual, methods: ['2dquant'], distillation: training })
    expect(seconds.distillation).toBeGreaterThan(10_000)
    // KiB; ten million patches would be 0.85 GB.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(4e5)
  })

  it('is refused where the run would be', async () => {
    const training = { ...settingsOf('fast').distillation, iterations: 1_000_000, batch: 4096 }
    const endless = ask({ ...usual, methods: ['2dquant'], distillation: training })
    await expect(endless).rejects.toThrow(
      '1000000 iterations of 4096 patches are more than 10 million patches; take fewer.'
    )
    await expect(ask({ ...usual, patchSize: 64 })).rejects.toMatchObject({ code: 'refused' })
    await expect(ask(usual, [{ folder: join(folder, 'nowhere') }])).rejects.toMatchObject({ code: 'missing' })
  })
})
