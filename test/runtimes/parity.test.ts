import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../src/core/graph/builder'
import { float, int, ints, string, type Attributes, type Graph } from '../../src/core/graph/graph'
import { differentiate } from '../../src/core/graph/gradients/differentiate'
import { elementCount, floatTensor, indexTensor, type Tensor } from '../../src/core/tensor'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { tfjsRuntime } from '../../src/runtimes/tfjs/runtime'
import type { Runtime } from '../../src/core/runtime'
import { isUsualRuntime, testedRuntime } from '../runtime'

/** What is compared with onnxruntime on the processor. */
const compared = isUsualRuntime ? tfjsRuntime('wasm') : testedRuntime

/** An operator with operands of some sizes, all of which are inputs of its graph but for those that decide a shape. */
interface Applied {
  readonly op: string
  readonly shapes: readonly (readonly number[])[]
  readonly constants?: readonly Tensor[]
  readonly attributes?: Attributes
}

const size = fc.integer({ min: 1, max: 4 })
const shape = (least: number, most: number): fc.Arbitrary<number[]> =>
  fc.array(size, { minLength: least, maxLength: most })
/** Two shapes that broadcast: some axes of either are 1, and one may have fewer. */
const broadcasting = fc
  .tuple(shape(1, 4), fc.array(fc.constantFrom('a', 'b', 'both'), { minLength: 4, maxLength: 4 }), fc.nat(3))
  .map(([full, who, cut]): [number[], number[]] => {
    const pick = (own: 'a' | 'b'): number[] => full.map((each, i) => (who[i] === own || who[i] === 'both' ? each : 1))
    return [
      pick('a').map((each, i) => Math.max(each, 1, who[i] === 'b' ? 1 : each)),
      pick('b').slice(Math.min(cut, full.length - 1))
    ]
  })
const permutation = (rank: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(
    Array.from({ length: rank }, (_, i) => i),
    { minLength: rank, maxLength: rank }
  )

const elementwise = fc.constantFrom(
  'Abs',
  'Neg',
  'Exp',
  'Sign',
  'Floor',
  'Ceil',
  'Erf',
  'Gelu',
  'Relu',
  'Sigmoid',
  'Tanh',
  'HardSwish',
  'Mish',
  'Softplus',
  'Elu',
  'Sin',
  'Cos'
)

const convolution = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.constantFrom(1, 2, 4),
  outputs: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 2 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  strides: fc.constantFrom([1, 1], [2, 2], [1, 2]),
  dilations: fc.constantFrom([1, 1], [2, 1], [2, 2]),
  pads: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 })
})

const applied: fc.Arbitrary<Applied> = fc.oneof(
  fc.tuple(elementwise, shape(0, 4)).map(([op, own]) => ({ op, shapes: [own] })),
  fc
    .tuple(fc.constantFrom('Add', 'Sub', 'Mul', 'Min', 'Max', 'PRelu'), broadcasting)
    .map(([op, shapes]) => ({ op, shapes: op === 'PRelu' ? [shapes[0], shapes[0]] : shapes })),
  fc.tuple(broadcasting, shape(2, 2), size).map(([[a, b], [n = 1, k = 1], m]) => ({
    op: 'MatMul',
    shapes: [
      [...a, n, k],
      [...b, k, m]
    ]
  })),
  fc.tuple(size, size, size, fc.boolean(), fc.boolean()).map(([n, k, m, a, b]) => ({
    op: 'Gemm',
    shapes: [a ? [k, n] : [n, k], b ? [m, k] : [k, m], [m]],
    attributes: { transA: int(Number(a)), transB: int(Number(b)), alpha: float(0.5) }
  })),
  shape(1, 4).chain((own) =>
    permutation(own.length).map((order) => ({ op: 'Transpose', shapes: [own], attributes: { perm: ints(order) } }))
  ),
  fc.tuple(shape(1, 4), fc.nat(3), fc.boolean()).map(([own, at, keeps]) => ({
    op: 'ReduceMean',
    shapes: [own],
    constants: [indexTensor([at % own.length])],
    attributes: { keepdims: int(Number(keeps)) }
  })),
  fc
    .tuple(shape(1, 4), fc.nat(3))
    .map(([own, at]) => ({ op: 'Softmax', shapes: [own], attributes: { axis: int(at % own.length) } })),
  fc
    .tuple(shape(1, 3), size)
    .map(([own, last]) => ({ op: 'LayerNormalization', shapes: [[...own, last + 4], [last + 4], [last + 4]] })),
  fc
    .tuple(shape(2, 4), fc.constantFrom('constant', 'reflect', 'edge'), fc.nat(1), fc.nat(1))
    .map(([own, mode, before, after]) => {
      const grown = own.map((each) => each + 2)
      const pads = [...own.map(() => before), ...own.map(() => after)]
      return { op: 'Pad', shapes: [grown], constants: [indexTensor(pads)], attributes: { mode: string(mode) } }
    }),
  fc
    .tuple(shape(1, 3), fc.integer({ min: -3, max: 3 }), fc.integer({ min: -3, max: 6 }), fc.constantFrom(1, 2, -1))
    .map(([own, start, end, step]) => {
      const grown = own.map((each) => each + 3)
      return {
        op: 'Slice',
        shapes: [grown],
        constants: [[start], [step < 0 ? -100 : Math.max(end, 4)], [0], [step]].map(indexTensor)
      }
    }),
  convolution.map(({ batch, groups, outputs, channels, kernel, strides, dilations, pads }) => ({
    op: 'Conv',
    shapes: [[batch, channels * groups, 7, 8], [outputs * groups, channels, ...kernel], [outputs * groups]],
    attributes: { group: int(groups), strides: ints(strides), dilations: ints(dilations), pads: ints(pads) }
  })),
  convolution.map(({ batch, groups, outputs, channels, kernel, strides, dilations }) => ({
    op: 'ConvTranspose',
    shapes: [
      [batch, channels * groups, 4, 5],
      [channels * groups, outputs, ...kernel]
    ],
    attributes: { group: int(groups), strides: ints(strides), dilations: ints(dilations) }
  })),
  fc
    .tuple(fc.constantFrom('MaxPool', 'AveragePool'), size, fc.constantFrom([1, 1], [2, 2]), fc.nat(1))
    .map(([op, channels, strides, pad]) => ({
      op,
      shapes: [[1, channels, 6, 7]],
      attributes: { kernel_shape: ints([3, 2]), strides: ints(strides), pads: ints([pad, pad, pad, pad]) }
    }))
)

function graphOf({ op, shapes, constants = [], attributes = {} }: Applied): Graph {
  const builder = new GraphBuilder()
  const inputs = shapes.map((own, i): Value => builder.input(`x${i}`, own))
  return builder.build([
    builder.apply(op, [...inputs, ...constants.map((each) => builder.constant(each))], attributes, 'y')
  ])
}

/** Without halves and ties, where a last digit decides. */
const feedsOf = ({ shapes }: Applied): Map<string, Tensor> =>
  new Map(
    shapes.map((own, i) => {
      const values = Float32Array.from(
        { length: elementCount(own) },
        (_, at) => Math.sin(12.9898 * (at + 1) + 78.233 * i) * 1.7
      )
      return [`x${i}`, floatTensor(values, own)]
    })
  )

async function outputsOf(
  runtime: Runtime,
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>
): Promise<readonly Tensor[]> {
  const session = await runtime.load(graph, { threads: 1, optimize: false })
  const outputs = await session.run(feeds)
  await session.dispose()
  return graph.outputs.map((name) => outputs.get(name) ?? indexTensor([]))
}

async function expectEqual(graph: Graph, feeds: ReadonlyMap<string, Tensor>): Promise<void> {
  const expected = await outputsOf(onnxruntimeCpu, graph, feeds)
  const found = await outputsOf(compared, graph, feeds)
  expected.forEach((tensor, i) => {
    expect([found[i]?.type, found[i]?.shape]).toEqual([tensor.type, tensor.shape])
    const numbers = Array.from(tensor.data, Number)
    const largest = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 1)
    const furthest = numbers.reduce(
      (most, value, at) => Math.max(most, Math.abs(value - Number(found[i]?.data[at]))),
      0
    )
    expect(furthest / largest, graph.outputs[i]).toBeLessThan(1e-5)
  })
}

/** Operators whose gradients are tried: those of steps have none, those of extremes depend on which of equals is taken. */
const differentiable = new Set([
  ...['Abs', 'Neg', 'Exp', 'Erf', 'Gelu', 'Relu', 'Sigmoid', 'Tanh', 'Add', 'Sub', 'Mul'],
  ...['MatMul', 'Gemm', 'Transpose', 'ReduceMean', 'LayerNormalization', 'Conv']
])
function isSmooth({ op, shapes: [x = []], attributes = {} }: Applied): boolean {
  // Of a softmax over the last axis alone there is a rule.
  if (op === 'Softmax') return attributes['axis']?.value === x.length - 1
  return differentiable.has(op)
}

/** CUDA's Gelu takes no scalars, which no network has. */
const taken = isUsualRuntime ? applied : applied.filter(({ shapes }) => shapes.every((own) => own.length > 0))

describe('an operator on operands of any size', () => {
  it('gives what it gives by onnxruntime on the processor', async () => {
    await fc.assert(
      fc.asyncProperty(taken, async (each) => {
        await expectEqual(graphOf(each), feedsOf(each))
      }),
      { numRuns: 300, seed: 5 }
    )
  })

  it('has the gradients that it has by onnxruntime on the processor', async () => {
    const smooth = taken.filter(isSmooth)
    await fc.assert(
      fc.asyncProperty(smooth, async (each) => {
        const graph = graphOf(each)
        const builder = GraphBuilder.rewriting(graph)
        for (const node of graph.nodes) builder.append(node)
        builder.apply('ReduceSum', [builder.multiply('y', 'y')], { keepdims: int(0) }, 'loss')
        const names = graph.inputs.map(({ name }) => name)
        await expectEqual(differentiate(builder.build(['loss']), 'loss', names), feedsOf(each))
      }),
      { numRuns: 100, seed: 6 }
    )
  })
})
