import { expect, it } from 'vitest'
import { GraphBuilder } from '../../src/core/graph/builder'
import { int, type Graph } from '../../src/core/graph/graph'
import { floatTensor } from '../../src/core/tensor'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { forWebGpu } from '../../src/runtimes/webgpu-operators'

const values = [-254.5, -3.7, -2.5, -1.5, -0.5, -0.2, 0, 0.2, 0.5, 1.5, 2.5, 3.7, 254.5, 65534.5, 2 ** 22 - 0.5]

async function outputOf(graph: Graph, optimize: boolean): Promise<readonly number[]> {
  const session = await onnxruntimeCpu.load(graph, { optimize })
  const y = (await session.run(new Map([['x', floatTensor(values, [values.length])]]))).get('y')
  await session.dispose()
  // Without negative zeros.
  return Array.from(y?.data as Float32Array, (value) => value + 0)
}

it.each([
  ['Round', 1],
  ['Sign', 1],
  ['Sum', 1],
  ['Sum', 2],
  ['Sum', 5]
])('%s of %i operands is what the operator gives, and is not it', async (op, count) => {
  const builder = new GraphBuilder()
  const x = builder.input('x', [values.length])
  const operands = Array.from({ length: count }, (_, i) => (i === 0 ? x : builder.multiply(x, builder.scalar(i))))
  const graph = builder.build([builder.apply(op, operands, {}, 'y')])
  const without = forWebGpu(graph)
  if (count > 1 || op !== 'Sum') expect(without.nodes.map((node) => node.op)).not.toContain(op)
  const expected = await outputOf(graph, false)
  expect(expected).toHaveLength(values.length)
  // What an optimizer makes of it must be the same.
  for (const optimize of [false, true]) expect(await outputOf(without, optimize)).toEqual(expected)
})

it('leaves integers as they are', () => {
  const builder = new GraphBuilder()
  const graph = builder.build([builder.apply('Sign', [builder.input('x', [3], 'int64')], {}, 'y')])
  expect(forWebGpu(graph).nodes.map(({ op }) => op)).toEqual(['Sign'])
})

it.each([1, 7, 192, 5000])('Gemm of two rows of %i is the sum of their products', async (count) => {
  const builder = new GraphBuilder()
  const [a, b] = ['a', 'b'].map((name) => builder.input(name, [1, count]))
  const graph = builder.build([builder.apply('Gemm', [a ?? '', b ?? ''], { transB: int(1) }, 'y')])
  const without = forWebGpu(graph)
  expect(without.nodes.map((node) => node.op)).not.toContain('Gemm')
  const row = (step: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(step * (i + 1)))
  const [left, right] = [row(0.7), row(1.3)]
  const feeds = new Map([
    ['a', floatTensor(left, [1, count])],
    ['b', floatTensor(right, [1, count])]
  ])
  const session = await onnxruntimeCpu.load(without)
  const y = (await session.run(feeds)).get('y')
  await session.dispose()
  expect(y?.shape).toEqual([1, 1])
  const expected = left.reduce((sum, value, i) => sum + value * (right[i] ?? NaN), 0)
  expect(Number(y?.data[0])).toBeCloseTo(expected, 3)
})
