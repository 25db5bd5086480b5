import { describe, expect, it } from 'vitest'
import { interpret } from '../../../src/core/graph/infer'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { cases, floats, graphOf, integers, type Case } from './operator-cases'

const titled = cases.map((each) => ({
  title: `${each[0]} of ${each[1].map(({ shape }) => `[${shape.join()}]`).join()}`,
  each
}))

describe.each(titled)('$title', ({ each }) => {
  it('has the shape and the elements that onnxruntime computes', async () => {
    const session = await onnxruntimeCpu.load(graphOf(each, true), { threads: 1, optimize: false })
    const computed = (await session.run(new Map(each[1].map((tensor, i) => [`x${i}`, tensor])))).get('y')
    await session.dispose()
    const inferred = interpret(graphOf(each, true), 1000).get('y')
    expect([inferred?.type, inferred?.shape]).toEqual([computed?.type, computed?.shape])
    const folded = interpret(graphOf(each, false), 1000).get('y')?.known
    if (folded === null || folded === undefined) return
    expect(folded).toHaveLength(computed?.data.length ?? NaN)
    for (const [i, value] of (computed?.data ?? []).entries())
      expect(folded[i], `element ${i}`).toBeCloseTo(Number(value), 5)
  })
})

describe('operators that fold', () => {
  it('are all that shapes are computed with', () => {
    const folding = cases
      .filter((each) => interpret(graphOf(each, false), 1000).get('y')?.known instanceof Array)
      .map(([op]) => op)
    const wanted = [
      'Add',
      'Sub',
      'Mul',
      'Div',
      'Mod',
      'Cast',
      'Concat',
      'Equal',
      'Expand',
      'Gather',
      'Reshape',
      'Slice'
    ]
    expect(folding).toEqual(expect.arrayContaining([...wanted, 'Squeeze', 'Transpose', 'Unsqueeze', 'Where']))
  })
})

describe('what does not fit', () => {
  it.each<readonly [string, Case, RegExp]>([
    ['shapes that do not broadcast', ['Add', [floats([2, 3]), floats([4])]], /Add.*"y"/],
    ['a product of wrong sizes', ['MatMul', [floats([2, 3]), floats([4, 2])]], /MatMul.*"y"/],
    ['an unknown operator', ['Magic', [floats([1])]], /operator Magic.*not supported/],
    ['a reshape to another size', ['Reshape', [floats([2, 3])], [integers(4, 2)]], /Reshape.*"y"/]
  ])('is refused by name: %s', (_, each, says) => {
    expect(() => interpret(graphOf(each, true), 100)).toThrow(says)
  })
})
