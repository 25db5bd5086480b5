import { describe, expect, it } from 'vitest'
import { countTests } from '../../scripts/end-to-end.mjs'

const stats = { expected: 3, unexpected: 0, flaky: 0, skipped: 1 }

describe('the count of end-to-end tests', () => {
  it('is what Playwright reports', () => {
    expect(countTests({ stats, errors: [] })).toEqual({ passed: 3, failed: 0, skipped: 1 })
    expect(countTests({ stats: { ...stats, unexpected: 2, flaky: 1 }, errors: [] }).failed).toBe(3)
  })

  it.each([
    ['there is no report', undefined],
    ['no test ran', { stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 4 }, errors: [] }],
    ['a file does not load', { stats, errors: [{}] }]
  ])('is a failure where %s', (_, report) => {
    expect(countTests(report).failed).toBe(1)
  })
})
