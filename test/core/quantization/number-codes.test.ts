import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { int, type Graph } from '../../../src/core/graph/graph'
import { codesAsNumbers } from '../../../src/core/quantization/number-codes'
import type { Tensor } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { floats } from '../graph/operator-cases'

async function outputsOf(graph: Graph, x: Tensor): Promise<readonly (Tensor | undefined)[]> {
  const session = await onnxruntimeCpu.load(graph, { threads: 1, optimize: false })
  const outputs = await session.run(new Map([['x', x]]))
  await session.dispose()
  return graph.outputs.map((name) => outputs.get(name))
}

describe('codes as numbers', () => {
  const x = floats([3, 4])
  const code = (type: 'uint8' | 'int8', ...values: readonly number[]): Tensor => {
    const shape = values.length === 1 ? [] : [values.length]
    return type === 'uint8'
      ? { type, shape, data: Uint8Array.from(values) }
      : { type, shape, data: Int8Array.from(values) }
  }

  it.each<[string, readonly Tensor[], number | null]>([
    ['of one scale', [floats([], 0.37), code('uint8', 3)], null],
    ['with a sign', [floats([], 0.02), code('int8', -5)], null],
    ['of the channels of an axis', [floats([4], 0.1, 0.05), code('uint8', 0, 1, 2, 3)], 1],
    ['of rows', [floats([3], 0.2, 0.05), code('uint8', 9, 0, 1)], 0]
  ])('%s stand for the same, and have the types that they had', async (_, [scale, zero], axis) => {
    if (scale === undefined || zero === undefined) throw new Error('scale and zero')
    const builder = new GraphBuilder()
    const operands = [builder.constant(scale), builder.constant(zero)]
    const attributes = axis === null ? {} : { axis: int(axis) }
    const codes = builder.apply('QuantizeLinear', [builder.input('x', [3, 4]), ...operands], attributes, 'codes')
    const y = builder.apply('DequantizeLinear', [codes, ...operands], attributes, 'y')
    const graph = builder.build([codes, y])
    const numbers = codesAsNumbers(graph)
    expect(numbers.nodes.some(({ op }) => op.endsWith('eLinear'))).toBe(false)
    expect(await outputsOf(numbers, x)).toEqual(await outputsOf(graph, x))
  })

  it('are clamped by what clamps codes', async () => {
    const builder = new GraphBuilder()
    const zero = builder.constant(code('uint8', 0))
    const scale = builder.scalar(0.25)
    const codes = builder.apply('QuantizeLinear', [builder.input('x', [3, 4]), scale, zero])
    const levels = builder.cast(builder.scalar(7), 'uint8')
    const y = builder.apply('DequantizeLinear', [builder.apply('Min', [codes, levels]), scale, zero], {}, 'y')
    const graph = builder.build([y])
    expect(await outputsOf(codesAsNumbers(graph), x)).toEqual(await outputsOf(graph, x))
  })
})
