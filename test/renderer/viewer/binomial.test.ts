import { describe, expect, it } from 'vitest'
import { binomialTest, clopperPearson, upperTail } from '../../../src/renderer/viewer/binomial'

/** Every outcome of n throws counted, one by one. */
function counted(k: number, n: number): number {
  let hits = 0
  for (let throws = 0; throws < 2 ** n; throws++) {
    const heads = throws.toString(2).replaceAll('0', '').length
    if (heads >= k) hits++
  }
  return hits / 2 ** n
}

describe('the binomial distribution', () => {
  it('has the tails that counting all outcomes gives', () => {
    for (let n = 0; n <= 10; n++) {
      for (let k = 0; k <= n; k++) expect(upperTail(k, n, 0.5)).toBeCloseTo(counted(k, n), 12)
    }
  })

  it('tests against a fair coin on both sides', () => {
    expect(binomialTest(0, 0)).toBe(1)
    expect(binomialTest(5, 10)).toBe(1)
    expect(binomialTest(10, 10)).toBeCloseTo(2 / 1024, 12)
    expect(binomialTest(2, 10)).toBeCloseTo(binomialTest(8, 10), 12)
    // R: binom.test(15, 20)$p.value
    expect(binomialTest(15, 20)).toBeCloseTo(0.04138947, 7)
  })

  it('encloses the share as Clopper and Pearson do', () => {
    for (const n of [1, 7, 40]) {
      const edge = 0.025 ** (1 / n)
      expect(clopperPearson(0, n).lower).toBe(0)
      expect(clopperPearson(0, n).upper).toBeCloseTo(1 - edge, 10)
      expect(clopperPearson(n, n).lower).toBeCloseTo(edge, 10)
      expect(clopperPearson(n, n).upper).toBe(1)
    }
    // R: binom.test(15, 20)$conf.int
    expect(clopperPearson(15, 20).lower).toBeCloseTo(0.5089541, 6)
    expect(clopperPearson(15, 20).upper).toBeCloseTo(0.9134285, 6)
    expect(clopperPearson(0, 0)).toEqual({ lower: 0, upper: 1 })
  })

  it('is at its ends as improbable as they say', () => {
    for (const [k, n] of [
      [3, 9],
      [20, 31],
      [150, 200]
    ] as const) {
      const { lower, upper } = clopperPearson(k, n)
      expect(upperTail(k, n, lower)).toBeCloseTo(0.025, 9)
      expect(1 - upperTail(k + 1, n, upper)).toBeCloseTo(0.025, 9)
    }
  })
})
