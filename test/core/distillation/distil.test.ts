import { describe, expect, it } from 'vitest'
import { agreement, distil, type DistilSettings, type Distillation } from '../../../src/core/distillation/distil'
import { distillationOutputs } from '../../../src/core/distillation/objective'
import type { NamedTensors } from '../../../src/core/runtime'
import { floatTensor } from '../../../src/core/tensor'

const settings: DistilSettings = {
  iterations: 300,
  learningRate: 0.05,
  isRelative: false,
  schedule: 'cosine',
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }
}
const start = Float32Array.of(-1, 1, 0, 4)

/** A session whose loss is ‖bounds − target‖², the mean of its pictures added to the target's first entry. */
function quadratic(target: readonly number[], runBatch = 1): Distillation & { readonly runs: number[] } {
  const runs: number[] = []
  const run = (feeds: NamedTensors): Promise<NamedTensors> => {
    const bounds = Array.from(feeds.get('bounds')?.data ?? [], Number)
    const pictures = Array.from(feeds.get('lr')?.data ?? [], Number)
    runs.push(pictures.length)
    const shift = pictures.reduce((sum, value) => sum + value, 0) / pictures.length
    const difference = bounds.map((value, i) => value - (target[i] ?? 0) - (i === 0 ? shift : 0))
    const loss = difference.reduce((sum, value) => sum + value * value, 0)
    return Promise.resolve(
      new Map([
        [distillationOutputs.outputLoss, floatTensor([loss], [])],
        [distillationOutputs.featureLoss, floatTensor([0], [])],
        [distillationOutputs.squaredError, floatTensor([shift], [])],
        [
          distillationOutputs.boundsGradient,
          floatTensor(
            difference.map((value) => 2 * value),
            [2, 2]
          )
        ]
      ])
    )
  }
  const session = { run, dispose: () => Promise.resolve() }
  return { session, inputShape: [runBatch, 1, 1, 1], levels: Float32Array.of(15, 15), runs }
}

function* batches(values: readonly number[] = [0]): Generator<readonly Float32Array[]> {
  for (;;) yield values.map((value) => Float32Array.of(value))
}

describe('distilling', () => {
  it('brings the bounds where the loss is least', async () => {
    const bounds = await distil(quadratic([-0.4, 0.7, 0.5, 3]), start, batches(), settings)
    for (const [i, expected] of [-0.4, 0.7, 0.5, 3].entries()) expect(bounds[i]).toBeCloseTo(expected, 2)
  })

  it('takes means over a batch, however many runs that takes', async () => {
    const results = await Promise.all(
      [1, 2, 4].map(async (runBatch) => {
        const problem = quadratic([0, 1, 0, 1], runBatch)
        const bounds = await distil(problem, start, batches([0.1, 0.2, -0.3, 0.4]), { ...settings, iterations: 5 })
        expect(problem.runs).toEqual(new Array<number>((5 * 4) / runBatch).fill(runBatch))
        return bounds
      })
    )
    for (const bounds of results)
      expect(Math.max(...bounds.map((b, i) => Math.abs(b - (results[0]?.[i] ?? NaN))))).toBeLessThan(1e-6)
  })

  it('never lets bounds meet', async () => {
    const seen: number[] = []
    await distil(quadratic([1, -1, 4, 0]), start, batches(), settings, (_, bounds) => {
      seen.push((bounds[1] ?? 0) - (bounds[0] ?? 0), (bounds[3] ?? 0) - (bounds[2] ?? 0))
    })
    expect(Math.min(...seen)).toBeGreaterThan(0)
  })

  it('scales steps by the ranges where they are relative', async () => {
    const once = { ...settings, iterations: 1, schedule: 'constant' as const, isRelative: true }
    const bounds = await distil(quadratic([-9, 9, -9, 9]), start, batches(), once)
    // The first step of Adam is the learning rate: 0.05 of ranges 2 and 4.
    for (const [i, expected] of [-1.1, 1.1, -0.2, 4.2].entries()) expect(bounds[i]).toBeCloseTo(expected, 5)
  })

  it('warms up and falls to 2 % by a cosine', async () => {
    const rates: number[] = []
    await distil(quadratic([0, 1, 0, 1]), start, batches(), settings, ({ learningRate }) => {
      rates.push(learningRate / settings.learningRate)
    })
    expect(rates).toHaveLength(300)
    expect(rates[0]).toBeCloseTo(0.1, 2)
    expect(Math.max(...rates)).toBe(rates[9])
    expect(rates.at(-1)).toBeCloseTo(0.02, 6)
  })

  it('stops with a sentence when a loss is no number', async () => {
    const failing = distil(quadratic([NaN, 0, 0, 0]), start, batches(), settings)
    await expect(failing).rejects.toMatchObject({ code: 'failed', message: /diverged in iteration 1/ })
  })

  it('measures agreement in dB', async () => {
    const pictures = [0.01, 0.03].map((error) => Float32Array.of(error))
    expect(await agreement(quadratic([0, 0, 0, 0]), start, pictures)).toBeCloseTo(-10 * Math.log10(0.02), 5)
  })
})
