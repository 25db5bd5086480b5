import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../../src/core/graph/builder'
import { contributedDomain } from '../../../src/core/graph/conversion/convert'
import { float, type Graph } from '../../../src/core/graph/graph'
import { foldIntoProducers } from '../../../src/core/quantization/folding'
import { noise, outputsOf } from './small-graphs'

const x = noise([6, 8], 3)

function byte(builder: GraphBuilder, code: number): Value {
  return builder.constant({ type: 'uint8', shape: [], data: Uint8Array.of(code) })
}

/** [6, 5] by integers, with a bias or none. */
function integerProduct(builder: GraphBuilder, value: Value, bias: Value): Value {
  const codes = builder.apply('QuantizeLinear', [value, builder.scalar(0.01), byte(builder, 128)])
  const weights = Int8Array.from({ length: 40 }, (_, i) => i - 20)
  const weight = builder.constant({ type: 'int8', shape: [8, 5], data: weights })
  const operands = [codes, weight, builder.scalar(0.01), builder.scalar(0.02), byte(builder, 128), '', bias]
  return builder.apply('MatMulIntegerToFloat', operands, {}, undefined, contributedDomain)
}

/** [6, 7] */
function layer(builder: GraphBuilder, value: Value): Value {
  return builder.linear(value, builder.constant(noise([7, 8], 2)), builder.constant(noise([7], 4)))
}

function graphOf(make: (builder: GraphBuilder, x: Value) => Value): Graph {
  const builder = new GraphBuilder()
  const made = make(builder, builder.input('x', [6, 8]))
  return builder.build([made])
}

async function expectSame(made: Graph, graph: Graph, digits: number): Promise<void> {
  const [[found], [expected]] = [await outputsOf(made, { x }), await outputsOf(graph, { x })]
  expect(found?.shape).toEqual(expected?.shape)
  const values = Array.from(expected?.data ?? [], Number)
  expect(new Set(values).size).toBeGreaterThan(10)
  for (const [i, value] of values.entries()) expect(Number(found?.data[i])).toBeCloseTo(value, digits)
}

const subtractions = (graph: Graph): number => graph.nodes.filter(({ op }) => op === 'Sub').length

describe('a number that is taken off a value', () => {
  const lessAndOn = (b: GraphBuilder, value: Value): Value => b.apply('Tanh', [b.subtract(value, b.scalar(0.3))])

  it.each<[string, (builder: GraphBuilder, x: Value) => Value]>([
    ['a product of integers', (b, v) => integerProduct(b, v, '')],
    ['a product of integers and its bias', (b, v) => integerProduct(b, v, b.constant(noise([5], 1)))],
    [
      'a product to which sums are added',
      (b, v) => b.add(integerProduct(b, v, ''), b.apply('Tanh', [b.gather(v, b.integers([0]), 1)]))
    ],
    ['a layer', layer],
    ['a layer without a bias', (b, v) => b.linear(v, b.constant(noise([7, 8], 2)), null)],
    ['a normalization', (b, v) => b.layerNormalization(v, b.constant(noise([8], 5)), b.constant(noise([8], 6)), 1e-5)],
    ['a normalization without a bias', (b, v) => b.apply('LayerNormalization', [v, b.constant(noise([8], 5))])],
    ['a convolution', (b, v) => b.convolution(b.reshape(v, [1, 2, 4, 6]), b.constant(noise([3, 2, 3, 3], 7)), null, 3)],
    ['a constant that is added', (b, v) => b.add(b.constant(noise([6, 1], 8)), b.apply('Tanh', [v]))],
    [
      'a layer behind a factor and movements',
      (b, v) => b.transpose(b.multiply(b.reshape(layer(b, v), [3, 14]), b.scalar(-0.4)), [1, 0])
    ]
  ])('is part of what makes it: %s', async (_, make) => {
    const graph = graphOf((builder, value) => lessAndOn(builder, make(builder, value)))
    const made = foldIntoProducers(graph)
    expect([subtractions(graph), subtractions(made)]).toEqual([1, 0])
    await expectSame(made, graph, 6)
  })

  it.each<[string, (builder: GraphBuilder, x: Value) => Value]>([
    ['nothing adds to it', (b, v) => lessAndOn(b, b.softmax(layer(b, v)))],
    [
      'it is added to itself',
      (b, v) => {
        const value = layer(b, v)
        return lessAndOn(b, b.add(value, value))
      }
    ],
    [
      'something else reads it',
      (b, v) => {
        const value = layer(b, v)
        return b.add(lessAndOn(b, value), value)
      }
    ],
    [
      'something else reads what it is a part of',
      (b, v) => {
        const value = layer(b, v)
        return b.concat([lessAndOn(b, b.transpose(value, [1, 0])), b.reshape(value, [7, 6])], 0)
      }
    ],
    [
      'a layer takes its bias twice',
      (b, v) => {
        const operands = [v, b.constant(noise([8, 7], 2)), b.constant(noise([7], 4))]
        return lessAndOn(b, b.apply('Gemm', operands, { beta: float(2) }))
      }
    ],
    [
      'a bias is made at run time',
      (b, v) =>
        lessAndOn(
          b,
          b.apply('Gemm', [v, b.constant(noise([8, 8], 2)), b.apply('Tanh', [b.gather(v, b.integer(0), 0)])])
        )
    ]
  ])('is left where %s', async (_, make) => {
    const graph = graphOf(make)
    const made = foldIntoProducers(graph)
    expect(subtractions(made)).toBe(1)
    expect(await outputsOf(made, { x })).toEqual(await outputsOf(graph, { x }))
  })
})

describe('a factor before a quantizer', () => {
  const quantized = (factor: number): Graph =>
    graphOf((b, v) => {
      const less = b.subtract(b.multiply(layer(b, v), b.scalar(factor)), b.scalar(-0.9))
      return b.apply('QuantizeLinear', [less, b.scalar(0.0171), byte(b, 0)])
    })

  it('is part of the step, and of the number that is taken off', async () => {
    const made = foldIntoProducers(quantized(0.37))
    expect(made.nodes.map(({ op }) => op)).toEqual(['Gemm', 'QuantizeLinear'])
    await expectSame(made, quantized(0.37), 6)
  })

  it('is left where it turns the sign', async () => {
    const made = foldIntoProducers(quantized(-0.37))
    expect(made.nodes.map(({ op }) => op)).toEqual(['Gemm', 'Mul', 'QuantizeLinear'])
    await expectSame(made, quantized(-0.37), 6)
  })
})
