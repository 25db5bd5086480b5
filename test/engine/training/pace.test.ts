import { describe, expect, it } from 'vitest'
import { Pace, type PlannedTraining } from '../../../src/engine/training/pace'

const bounds: PlannedTraining = { method: '2dquant', iterations: 100, done: 0, batch: 4, trainsWeights: false }
const weights: PlannedTraining = { ...bounds, method: '2dquant+', trainsWeights: true }

/** A machine on which iterations take 500 ms (700 ms with weights) and validations 3 s (4 s). */
class Machine {
  now = 1e6
  readonly pace = new Pace(() => this.now)

  /** Trains from the start to an iteration; what was told last. */
  async train(training: PlannedTraining, last: number, next: readonly PlannedTraining[]): Promise<Told> {
    let told: Told = null
    for (let done = 0; done <= last; done++) {
      if (done > 0) this.now += training.trainsWeights ? 700 : 500
      if (done % 20 === 0) {
        await this.pace.validating(training, () => {
          this.now += training.trainsWeights ? 4000 : 3000
          return Promise.resolve()
        })
      }
      if (done > 0) told = this.pace.tick({ ...training, done }, next) ?? told
    }
    return told
  }
}
type Told = ReturnType<Pace['tick']>

describe('the time left', () => {
  it('counts validations apart from iterations, and is right from the first seconds on', async () => {
    const machine = new Machine()
    // 96 iterations and the validations at 20, 40, 60, 80 and 100.
    expect((await machine.train(bounds, 4, []))?.secondsLeft).toBeCloseTo(96 * 0.5 + 5 * 3, 6)
    const later = await new Machine().train(bounds, 50, [])
    expect(later?.iterationsPerSecond).toBeCloseTo(2, 6)
    expect(later?.secondsLeft).toBeCloseTo(50 * 0.5 + 3 * 3, 6)
  })

  it('counts what is to come by what was measured of its method', async () => {
    const machine = new Machine()
    await machine.train(bounds, 100, [weights])
    await machine.train(weights, 100, [bounds])
    const told = await machine.train(bounds, 10, [weights])
    const next = 100 * 0.7 + 6 * 4
    expect(told?.secondsLeft).toBeCloseTo(90 * 0.5 + 5 * 3 + next, 6)
  })

  it('takes a training with weights for a little slower before it was measured, and more patches for as much slower', async () => {
    const machine = new Machine()
    const told = await machine.train(bounds, 10, [weights, { ...bounds, method: 'dbdc+pac', batch: 2 }])
    const own = 90 * 0.5 + 5 * 3
    expect(told?.secondsLeft).toBeCloseTo(own + 1.2 * (100 * 0.5 + 6 * 3) + (100 * 0.25 + 6 * 3), 6)
  })

  it('is told once in a second, and a break counts nothing', () => {
    let now = 0
    const pace = new Pace(() => now)
    const tick = (milliseconds: number, done: number): Told => {
      now += milliseconds
      return pace.tick({ ...bounds, done }, [])
    }
    expect([tick(5000, 1), tick(400, 2)?.iterationsPerSecond, tick(400, 3), tick(400, 4)]).toEqual([
      null,
      2.5,
      null,
      null
    ])
    pace.restart()
    expect([tick(60_000, 5), tick(250, 6)?.iterationsPerSecond]).toEqual([null, 4])
  })
})
