import { describe, expect, it } from 'vitest'
import { distillationOutputs, featureWeightInput } from '../../../src/core/distillation/objective'
import { ParameterVector } from '../../../src/core/distillation/parameters'
import {
  agreement,
  featureShare,
  schedules,
  studentBounds,
  Trainer,
  type Distillation,
  type TrainerSettings
} from '../../../src/core/distillation/trainer'
import type { NamedTensors, Session } from '../../../src/core/runtime'
import { floatTensor } from '../../../src/core/tensor'

const settings: TrainerSettings = {
  iterations: 300,
  learningRates: new Float64Array(6).fill(0.05),
  schedule: schedules.cosine,
  adam: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }
}
const weight = floatTensor([1, 2], [2])
const weights = new Map([['w', weight]])
const parameters = new ParameterVector(2, weights)
const start = parameters.pack([-1, 1, 0, 4], weights)

interface Problem extends Distillation {
  /** Pictures of every run. */
  readonly runs: number[]
}

/**
 * Sessions whose loss is ‖parameters − target‖², the mean of their pictures added to the target's first entry; the feature
 * term is λ times the first bound.
 */
function quadratic(target: readonly number[], runBatch = 1, copies = 1): Problem {
  const runs: number[] = []
  const run = async (feeds: NamedTensors): Promise<NamedTensors> => {
    const numbers = (name: string): number[] => Array.from(feeds.get(name)?.data ?? [], Number)
    const [values, pictures] = [[...numbers('bounds'), ...numbers('w')], numbers('lr')]
    const [lambda = NaN] = numbers(featureWeightInput)
    runs.push(pictures.length)
    const shift = pictures.reduce((sum, value) => sum + value, 0) / pictures.length
    // Some runs take longer than others.
    await new Promise((resolve) => setTimeout(resolve, Math.abs(shift) > 0.25 ? 2 : 0))
    const difference = values.map((value, i) => value - (target[i] ?? 0) - (i === 0 ? shift : 0))
    const gradient = difference.map((value, i) => 2 * value + (i === 0 ? lambda : 0))
    const scalar = (value: number): ReturnType<typeof floatTensor> => floatTensor([value], [])
    return new Map([
      [distillationOutputs.outputLoss, scalar(difference.reduce((sum, value) => sum + value * value, 0))],
      [distillationOutputs.featureLoss, scalar(lambda * (values[0] ?? NaN))],
      [distillationOutputs.picture, floatTensor(pictures, [pictures.length, 1, 1, 1])],
      [
        distillationOutputs.teacherPicture,
        floatTensor(
          pictures.map((value) => 2 * value),
          [pictures.length, 1, 1, 1]
        )
      ],
      [distillationOutputs.boundsGradient, floatTensor(gradient.slice(0, 4), [2, 2])],
      ['w.gradient', floatTensor(gradient.slice(4), [2])]
    ])
  }
  const session: Session = { run, dispose: () => Promise.resolve() }
  const others = new Array<Session>(copies - 1).fill(session)
  const common = { parameters, levels: Float32Array.of(15, 15), zeroPoint: 'float' as const, featureWeight: 0 }
  return { sessions: [session, ...others], inputShape: [runBatch, 1, 1, 1], ...common, runs }
}

const pictures = (...values: readonly number[]): Float32Array[] => values.map((value) => Float32Array.of(value))

async function train(problem: Problem, given: Partial<TrainerSettings> = {}, batch = pictures(0)): Promise<Trainer> {
  const all = { ...settings, ...given }
  const trainer = Trainer.fresh(problem, all, start)
  for (let i = 0; i < all.iterations; i++) await trainer.step(batch)
  return trainer
}

describe('training', () => {
  it('brings bounds and weights where the loss is least', async () => {
    const target = [-0.4, 0.7, 0.5, 3, 1.3, 1.2]
    const { values } = await train(quadratic(target))
    for (const [i, expected] of target.entries()) expect(values[i]).toBeCloseTo(expected, 2)
  })

  it('takes means over a batch, however many runs and sessions that takes', async () => {
    const batch = pictures(0.1, 0.2, -0.3, 0.4)
    const results = await Promise.all(
      [
        [1, 1],
        [2, 1],
        [4, 1],
        [1, 3]
      ].map(async ([runBatch = 1, copies = 1]) => {
        const problem = quadratic([0, 1, 0, 1, 0, 1], runBatch, copies)
        const { values } = await train(problem, { iterations: 5 }, batch)
        expect(problem.runs).toEqual(new Array<number>((5 * 4) / runBatch).fill(runBatch))
        return values
      })
    )
    const [alone, , , together] = results
    expect(together).toEqual(alone)
    for (const values of results)
      expect(Math.max(...values.map((b, i) => Math.abs(b - (alone?.[i] ?? NaN))))).toBeLessThan(1e-6)
  })

  it('never lets bounds meet, and leaves weights free', async () => {
    const trainer = Trainer.fresh(quadratic([1, -1, 4, 0, 9, -9]), settings, start)
    for (let i = 0; i < 300; i++) {
      await trainer.step(pictures(0))
      const [a = 0, b = 0, c = 0, d = 0] = trainer.values
      expect(Math.min(b - a, d - c)).toBeGreaterThan(0)
    }
    expect(trainer.values[4]).toBeGreaterThan(trainer.values[5] ?? NaN)
  })

  it('gives the student integer zero points, and trains as if bounds were free', async () => {
    const problem = { ...quadratic([-0.41, 0.7, 0.5, 3, 1.3, 1.2]), zeroPoint: 'integer' as const }
    const trainer = await train(problem)
    const [a = NaN, b = NaN, c = NaN, d = NaN] = studentBounds(problem, trainer.values)
    const step = (b - a) / 15
    expect([a / step, b / step]).toEqual([Math.round(a / step), Math.round(b / step)])
    expect(Math.abs(a + 0.41)).toBeLessThan(0.6 * step)
    expect(Math.abs(b - 0.7)).toBeLessThan(0.6 * step)
    // Bounds at 0.5 would not hold 0, so that they stay there.
    expect([c, trainer.values[2]]).toEqual([0, 0])
    expect(d).toBeCloseTo(3, 2)
  })

  it('takes each parameter’s learning rate, nothing where it is zero', async () => {
    const learningRates = Float64Array.of(0.1, 0.1, 0.2, 0.2, 0, 0.01)
    const constant = { iterations: 1, schedule: schedules.constant, learningRates }
    const { values } = await train(quadratic([-9, 9, -9, 9, 9, 9]), constant)
    // The first step of Adam is the learning rate.
    for (const [i, expected] of [-1.1, 1.1, -0.2, 4.2, 1, 2.01].entries()) expect(values[i]).toBeCloseTo(expected, 5)
  })

  it('warms up and falls to 2 % by a cosine', async () => {
    const trainer = Trainer.fresh(quadratic([0, 1, 0, 1]), settings, start)
    const rates: number[] = []
    for (let i = 0; i < 300; i++) rates.push((await trainer.step(pictures(0))).rateFactor)
    expect(rates[0]).toBeCloseTo(0.1, 2)
    expect(Math.max(...rates)).toBe(rates[9])
    expect(rates.at(-1)).toBeCloseTo(0.02, 6)
  })

  it('goes on from a stored state bit for bit', async () => {
    const problem = quadratic([0.3, 1, 0.1, 2, 5, 5])
    const batches = Array.from({ length: 40 }, (_, i) => pictures(Math.sin(i), Math.cos(i)))
    const whole = Trainer.fresh(problem, settings, start)
    for (const batch of batches) await whole.step(batch)
    let parted = Trainer.fresh(problem, settings, start)
    for (const [i, batch] of batches.entries()) {
      if (i % 7 === 3) parted = new Trainer(problem, settings, structuredClone(parted.state))
      await parted.step(batch)
    }
    expect(parted.state).toEqual(whole.state)
  })

  it('scales gradients where it is told to', async () => {
    const gradientScales = Float64Array.of(1, 1, 1, 1, 1e-9, 1)
    const constant = { iterations: 1, schedule: schedules.constant, gradientScales }
    const { values } = await train(quadratic([-9, 9, -9, 9, 9, 9]), constant)
    // Adam's epsilon stops what is tiny: 0.05 · 1.6e-8 / (1.6e-8 + 1e-8).
    expect(values[4]).toBeCloseTo(1 + (0.05 * 1.6e-8) / 2.6e-8, 3)
    expect(values[5]).toBeCloseTo(2.05, 5)
  })

  it('does not follow a loss that is no number', async () => {
    const trainer = Trainer.fresh(quadratic([NaN, 0, 0, 0]), settings, start)
    const { outputLoss } = await trainer.step(pictures(0))
    expect(outputLoss).toBeNaN()
    expect(trainer.values).toEqual(start)
  })

  it('passes on why a run failed', async () => {
    const failing: Session = { run: () => Promise.reject(new Error('pulled plug')), dispose: () => Promise.resolve() }
    const problem = { ...quadratic([0, 0, 0, 0]), sessions: [failing, failing] as const }
    const trainer = Trainer.fresh(problem, settings, start)
    await expect(trainer.step(pictures(0, 0, 0))).rejects.toThrow('pulled plug')
  })
})

describe('validation', () => {
  it('measures agreement in dB and gives the pictures in their order', async () => {
    const shown = pictures(0.01, 0.3, 0.03)
    const { psnr, pictures: made, references } = await agreement(quadratic([0, 0, 0, 0], 1, 2), start, shown)
    // Each is half of what it should be, so that it is its own error: 40, 10.46 and 30.46 dB.
    expect(psnr).toBeCloseTo((-20 * Math.log10(0.01 * 0.3 * 0.03)) / 3, 4)
    expect(made).toEqual(shown)
    expect(references).toEqual(shown.map((picture) => picture.map((value) => 2 * value)))
  })

  it('tells the share of the feature term in the gradient of the bounds', async () => {
    const problem = quadratic([-2, 1, 0, 4, 100, 100])
    // The gradient of the output term is (2, 0, 0, 0) in the bounds, that of the feature term (6, 0, 0, 0).
    expect(await featureShare({ ...problem, featureWeight: 6 }, start, pictures(0))).toBeCloseTo(0.75, 5)
    expect(await featureShare(problem, start, pictures(0))).toBe(0)
  })
})

describe('the vector of parameters', () => {
  it('gives back the parts it was packed from', () => {
    expect(parameters.length).toBe(6)
    expect([...parameters.bounds(start)]).toEqual([-1, 1, 0, 4])
    expect(parameters.tensors(start)).toEqual(weights)
  })
})
