import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { foldConstants } from '../../../src/core/graph/fold'
import { int, type Graph } from '../../../src/core/graph/graph'
import { splitProjections } from '../../../src/core/models/split-projections'
import { floatTensor, type TensorOf } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'

const [tokens, width, heads, depth] = [6, 8, 2, 4]
const numbers = (...shape: readonly number[]): TensorOf<'float32'> =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (((i * 13) % 29) - 14) / 16),
    shape
  )

/** Attention as torch writes it: one layer for q, k and v, which are counted by an axis that comes to the front. */
function attention({ withBias = true, order = [2, 0, 3, 1, 4], others = false } = {}): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', [2, tokens, width])
  const weight = builder.constant(numbers(width, 3 * width), 'attn.qkv.weight')
  const made = builder.matmul(x, weight, '/attn/qkv/MatMul')
  const biased = withBias ? builder.add(builder.constant(numbers(3 * width), 'attn.qkv.bias'), made) : made
  const apart = builder.transpose(builder.reshape(biased, [2, tokens, 3, heads, depth]), order)
  const [q = '', k = '', v = ''] = [0, 1, -1].map((i) => builder.gather(apart, builder.integer(i), 0))
  const products = builder.matmul(q, builder.transpose(k, [0, 1, 3, 2]))
  const weights = builder.apply('Softmax', [products], { axis: int(-1) })
  const sum = builder.matmul(weights, v)
  return builder.build([sum, ...(others ? [biased] : [])])
}

async function outputsOf(graph: Graph): Promise<readonly number[]> {
  const session = await onnxruntimeCpu.load(graph, { threads: 1 })
  const results = await session.run(new Map([['x', numbers(2, tokens, width)]]))
  await session.dispose()
  return Array.from(results.get(graph.outputs[0] ?? '')?.data ?? [], Number)
}

describe('one layer for q, k and v', () => {
  it.each([true, false])('becomes three, which give the same numbers (bias: %s)', async (withBias) => {
    const graph = attention({ withBias })
    const split = foldConstants(splitProjections(graph))
    const layers = split.nodes.filter(({ op, inputs }) => op === 'MatMul' && split.initializers.has(inputs[1] ?? ''))
    expect(layers.map(({ name }) => name)).toEqual(['q', 'k', 'v'].map((part) => `/attn/qkv.${part}/MatMul`))
    expect(layers.map(({ inputs }) => inputs[1])).toEqual(['q', 'k', 'v'].map((part) => `attn.qkv.${part}.weight`))
    expect(split.nodes.some(({ op }) => op === 'Gather')).toBe(false)
    const [expected, found] = [await outputsOf(graph), await outputsOf(split)]
    expect(expected).toHaveLength(2 * tokens * width)
    expected.forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 6)
    })
  })

  it('stays one where its outputs are used otherwise', () => {
    for (const graph of [attention({ others: true }), attention({ order: [1, 0, 3, 2, 4] })]) {
      expect(splitProjections(graph)).toBe(graph)
    }
  })
})
