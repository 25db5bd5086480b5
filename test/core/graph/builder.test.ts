import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { floatTensor } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'

describe('split', () => {
  it('takes a value apart in any number of parts, with at most eight values at an operator', async () => {
    const parts = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 120 })
    await fc.assert(
      fc.asyncProperty(parts, async (sizes) => {
        const total = sizes.reduce((sum, size) => sum + size, 0)
        const builder = new GraphBuilder()
        const names = builder.split(builder.input('x', [2, total]), sizes, 1)
        const graph = builder.build(names)
        for (const { inputs, outputs } of graph.nodes) {
          expect(
            inputs.filter((name) => name === 'x' || !graph.initializers.has(name)).length + outputs.length
          ).toBeLessThanOrEqual(8)
        }
        const data = Float32Array.from({ length: 2 * total }, (_, i) => i)
        const session = await onnxruntimeCpu.load(graph, { threads: 1, optimize: false })
        const found = await session.run(new Map([['x', floatTensor(data, [2, total])]]))
        await session.dispose()
        let start = 0
        for (const [i, size] of sizes.entries()) {
          const own = Array.from({ length: size }, (_, j) => start + j)
          expect([...(found.get(names[i] ?? '')?.data ?? [])]).toEqual([...own, ...own.map((value) => total + value)])
          start += size
        }
      }),
      { numRuns: 25 }
    )
  })
})
