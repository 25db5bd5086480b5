import { afterAll, describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { lowerQuantizers } from '../../../src/core/quantization/lowering'
import { boundsInput, levelsInput, placeQuantizers } from '../../../src/core/quantization/placement'
import {
  codeOf,
  levelsOf,
  quantize,
  quantizerGradients,
  roundHalfEven,
  type Bounds
} from '../../../src/core/quantization/quantizer'
import type { Session } from '../../../src/core/runtime'
import { floatTensor } from '../../../src/core/tensor'
import { testedRuntime } from '../../runtime'
import { goldenJson } from '../../golden'

interface GoldenCase {
  readonly bits: number
  readonly lower: number
  readonly upper: number
  readonly x: number[]
  readonly y: number[]
  readonly grad_y: number[]
  readonly grad_x: number[]
  readonly grad_lower: number
  readonly grad_upper: number
}

/** Bounds as the authors' code holds them: float32. */
const cases = (goldenJson('quantizer.json') as GoldenCase[]).map((golden) => ({
  ...golden,
  lower: Math.fround(golden.lower),
  upper: Math.fround(golden.upper)
}))

/** A graph whose output is one quantized vector of any length, times one. */
let session: Promise<Session> | null = null
function quantizerSession(): Promise<Session> {
  const builder = new GraphBuilder()
  const x = builder.input('x', [400])
  const output = builder.apply('Identity', [x], {}, 'y')
  const site = { name: 'x', kind: 'activation', value: 'x', readers: [{ node: 'y', input: 0 }] } as const
  session ??= testedRuntime.load(lowerQuantizers(placeQuantizers(builder.build([output]), [site])), { threads: 1 })
  return session
}

afterAll(async () => {
  await (await session)?.dispose()
})

async function runGraph(x: readonly number[], { lower, upper }: Bounds, bits: number): Promise<readonly number[]> {
  const result = await (
    await quantizerSession()
  ).run(
    new Map([
      ['x', floatTensor(x, [400])],
      [boundsInput, floatTensor([lower, upper], [1, 2])],
      [levelsInput, floatTensor([levelsOf(bits)], [1])]
    ])
  )
  return Array.from(result.get('y')?.data ?? [], Number)
}

describe.each(cases.map((golden, i) => ({ i, golden })))('quantizer case $i', ({ golden }) => {
  it('has the values of the authors’ code', () => {
    const span = golden.upper - golden.lower
    golden.x.forEach((x, k) => {
      expect(Math.abs(quantize(x, golden, golden.bits) - (golden.y[k] ?? NaN))).toBeLessThanOrEqual(1e-6 * span)
    })
  })

  it('has the gradients of the authors’ code', () => {
    const { x, lower, upper } = quantizerGradients(
      Float32Array.from(golden.x),
      Float32Array.from(golden.grad_y),
      golden,
      golden.bits
    )
    const largest = Math.max(...golden.grad_y.map(Math.abs))
    golden.grad_x.forEach((expected, k) => {
      expect(Math.abs((x[k] ?? NaN) - expected)).toBeLessThanOrEqual(1e-6 * largest)
    })
    const size = golden.grad_y.reduce((sum, g) => sum + Math.abs(g), 0)
    expect(Math.abs(lower - golden.grad_lower)).toBeLessThanOrEqual(1e-6 * size)
    expect(Math.abs(upper - golden.grad_upper)).toBeLessThanOrEqual(1e-6 * size)
  })

  it('gives the same bits as an operator of a graph', async () => {
    const y = await runGraph(golden.x, golden, golden.bits)
    const expected = golden.x.map((x) => quantize(x, golden, golden.bits))
    expect(y).toEqual(expected)
  })
})

const float = fc.float({ min: -1000, max: 1000, noNaN: true })
const bounds = fc
  .tuple(float, float)
  .filter(([a, b]) => Math.abs(a - b) > 1e-3)
  .map(([a, b]) => ({ lower: Math.min(a, b), upper: Math.max(a, b) }))
const width = fc.constantFrom(2, 3, 4, 6, 8)

describe('quantizer', () => {
  it('rounds halves to even', () => {
    expect([-1.5, -0.5, 0.5, 1.5, 2.5, 2.500001, -2.4].map(roundHalfEven)).toEqual([-2, 0, 0, 2, 2, 3, -2])
  })

  it('keeps its error within half a step inside the bounds, and never leaves the levels', () => {
    fc.assert(
      fc.property(float, bounds, width, (x, b, bits) => {
        const code = codeOf(x, b, bits)
        expect(Number.isInteger(code) && code >= 0 && code <= levelsOf(bits)).toBe(true)
        const clipped = Math.min(Math.max(x, b.lower), b.upper)
        const step = (b.upper - b.lower) / levelsOf(bits)
        expect(Math.abs(quantize(x, b, bits) - clipped)).toBeLessThanOrEqual(step / 2 + 1e-3)
      })
    )
  })

  it('is idempotent', () => {
    fc.assert(
      fc.property(float, bounds, width, (x, b, bits) => {
        expect(codeOf(quantize(x, b, bits), b, bits)).toBe(codeOf(x, b, bits))
      })
    )
  })
})
