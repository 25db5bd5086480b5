import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../../src/core/graph/builder'
import { symbol } from '../../../src/core/graph/dimension'
import type { Graph } from '../../../src/core/graph/graph'
import { inferShapes } from '../../../src/core/graph/infer'
import { quantizeBeforeMovement } from '../../../src/core/quantization/movement'
import { indexTensor } from '../../../src/core/tensor'
import { noise, outputsOf } from './small-graphs'

const x = noise([4, 6, 10], 5)

/** The code of a value, by a scalar that is taken off, QuantizeLinear and Clip. */
function quantized(builder: GraphBuilder, value: Value, lower: number, as: string): Value {
  const byte = (code: number): Value => builder.constant({ type: 'uint8', shape: [], data: Uint8Array.of(code) })
  const shifted = builder.subtract(value, builder.scalar(lower))
  const codes = builder.apply('QuantizeLinear', [shifted, builder.scalar(0.1), byte(0)])
  return builder.apply('Clip', [codes, byte(0), byte(15)], {}, as)
}

/** Types of what movements move, in the order of the nodes. */
function movedTypes(graph: Graph): string[] {
  const types = inferShapes(graph)
  return graph.nodes.flatMap(({ op, inputs: [input = ''] }) => {
    const type = types.get(input)?.type ?? ''
    return ['Transpose', 'Gather', 'Slice'].includes(op) && type !== 'int64' ? [`${op} ${type}`] : []
  })
}

describe('numbers that are moved and quantized', () => {
  const movements: readonly [string, (builder: GraphBuilder, value: Value) => Value, readonly string[]][] = [
    ['a transposition that breaks rows', (b, v) => b.transpose(v, [2, 0, 1]), ['Transpose uint8']],
    ['a transposition of rows, which becomes one Gather', (b, v) => b.transpose(v, [1, 0, 2]), ['Gather uint8']],
    ['a Gather', (b, v) => b.gather(v, b.constant(indexTensor([3, 0, 5, 5])), 1), ['Gather uint8']],
    ['a slice', (b, v) => b.slice(v, b.integers([1]), b.integers([3]), [2]), ['Slice uint8']],
    [
      'several in a row, and a factor between them',
      (b, v) => {
        const heads = b.reshape(v, [-1, 6, 2, 5])
        return b.transpose(b.multiply(b.transpose(heads, [0, 2, 1, 3]), b.scalar(0.7)), [3, 0, 1, 2])
      },
      ['Gather uint8', 'Transpose uint8']
    ]
  ]

  it.each(movements)('are quantized first: %s', async (_, move, moved) => {
    const builder = new GraphBuilder()
    const input = builder.input('x', [symbol('n'), 6, 10])
    const graph = builder.build([quantized(builder, move(builder, input), -0.6, 'codes')])
    const made = quantizeBeforeMovement(graph)
    expect(movedTypes(graph).every((type) => type.endsWith('float32'))).toBe(true)
    expect(movedTypes(made)).toEqual(moved)
    expect(await outputsOf(made, { x })).toEqual(await outputsOf(graph, { x }))
  })

  it('are quantized first in each way, and an order of rows is computed once', async () => {
    const builder = new GraphBuilder()
    const moved = builder.transpose(builder.input('x', [symbol('n'), 6, 10]), [1, 0, 2])
    const lowers = [-0.6, -0.3]
    const graph = builder.build(lowers.map((lower, i) => quantized(builder, moved, lower, `codes ${i}`)))
    const made = quantizeBeforeMovement(graph)
    expect(movedTypes(made)).toEqual(['Gather uint8', 'Gather uint8'])
    expect(made.nodes.filter(({ op }) => op === 'Range')).toHaveLength(1)
    expect(await outputsOf(made, { x })).toEqual(await outputsOf(graph, { x }))
  })

  it.each<[string, (builder: GraphBuilder, moved: Value) => Value]>([
    ['is read by something else', (builder, moved) => builder.softmax(moved)],
    ['is given as well', (_, moved) => moved]
  ])('stay as they were where what is moved %s', async (_, other) => {
    const builder = new GraphBuilder()
    const moved = builder.transpose(builder.input('x', [4, 6, 10]), [0, 2, 1])
    const codes = quantized(builder, moved, -0.6, 'codes')
    const graph = builder.build([codes, other(builder, moved)])
    const made = quantizeBeforeMovement(graph)
    expect(movedTypes(made)).toEqual(['Transpose float32'])
    expect(await outputsOf(made, { x })).toEqual(await outputsOf(graph, { x }))
  })

  it('are moved as they were by numbers that differ', async () => {
    const builder = new GraphBuilder()
    const moved = builder.transpose(builder.input('x', [4, 6, 10]), [0, 2, 1])
    const factors = noise([6], 8)
    const graph = builder.build([quantized(builder, builder.multiply(moved, builder.constant(factors)), -0.6, 'codes')])
    const made = quantizeBeforeMovement(graph)
    expect(movedTypes(made)).toEqual(['Transpose float32'])
    expect(await outputsOf(made, { x })).toEqual(await outputsOf(graph, { x }))
  })
})
