import { describe, expect, it } from 'vitest'
import { Adam } from '../../../src/core/distillation/adam'

const settings = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8 }

describe('Adam', () => {
  it('moves by the learning rate against the sign of the gradient in its first step', () => {
    const values = Float64Array.of(1, 1, 1)
    Adam.fresh(settings, 3).step(values, [5, -0.01, 0], [0.1, 0.2, 0.3])
    for (const [i, expected] of [0.9, 1.2, 1].entries()) expect(values[i]).toBeCloseTo(expected, 6)
  })

  it('follows its definition in later steps', () => {
    const values = Float64Array.of(0)
    const adam = Adam.fresh(settings, 1)
    let [m, v, expected] = [0, 0, 0]
    for (let t = 1; t <= 20; t++) {
      const g = Math.sin(t)
      m = 0.9 * m + 0.1 * g
      v = 0.99 * v + 0.01 * g * g
      expected -= (0.01 * (m / (1 - 0.9 ** t))) / (Math.sqrt(v / (1 - 0.99 ** t)) + 1e-8)
      adam.step(values, [g], [0.01])
    }
    expect(values[0]).toBeCloseTo(expected, 12)
  })

  it('goes on from a stored state as if nothing had happened', () => {
    const [whole, parted] = [Float64Array.of(3, -2), Float64Array.of(3, -2)]
    const once = Adam.fresh(settings, 2)
    let twice = Adam.fresh(settings, 2)
    for (let t = 0; t < 10; t++) {
      if (t === 5) twice = new Adam(settings, twice.state)
      once.step(whole, [Math.cos(t), t], [0.1, 0.1])
      twice.step(parted, [Math.cos(t), t], [0.1, 0.1])
    }
    expect(parted).toEqual(whole)
  })
})
