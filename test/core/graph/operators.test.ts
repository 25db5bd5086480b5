import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../../src/core/graph/builder'
import { float, int, ints, string, type Attributes } from '../../../src/core/graph/graph'
import { interpret } from '../../../src/core/graph/infer'
import { floatTensor, indexTensor, type Tensor } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'

const floats = (shape: readonly number[], first = -2.5, step = 0.75): Tensor =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + ((i * 7) % 11) * step),
    shape
  )
const integers = (...values: readonly number[]): Tensor => indexTensor(values)
const booleans = (...values: readonly number[]): Tensor => {
  return { type: 'bool', shape: [values.length], data: Uint8Array.from(values) }
}
const bytes = (...values: readonly number[]): Tensor => {
  return { type: 'uint8', shape: [values.length], data: Uint8Array.from(values) }
}
const whole = (shape: readonly number[]): Tensor =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => ((i * 7) % 13) - 6),
    shape
  )
const indices = (shape: readonly number[], ...values: readonly number[]): Tensor => ({ ...indexTensor(values), shape })
const scalar = (value: number): Tensor => ({ type: 'int64', shape: [], data: BigInt64Array.of(BigInt(value)) })

/** Operator, inputs that are data, inputs that decide the shape (constants), attributes. */
type Case = readonly [op: string, data: readonly Tensor[], constants?: readonly Tensor[], attributes?: Attributes]

const cases: readonly Case[] = [
  ['Add', [floats([2, 3]), floats([3])]],
  ['Sub', [floats([2, 1, 3]), floats([4, 1])]],
  ['Mul', [floats([2, 3]), floats([])]],
  ['Div', [floats([2, 3]), floats([2, 3], 0.5, 0.25)]],
  ['Div', [integers(7, -7, 7, -7, 6), integers(2, 2, -2, -2, 3)]],
  ['Mod', [integers(7, -7, 7, -7, 6), integers(3, 3, -3, -3, 3)]],
  ['BitShift', [bytes(255, 6, 1), bytes(3, 1, 1)], [], { direction: string('RIGHT') }],
  ['BitShift', [bytes(255, 6, 1), bytes(3, 1, 1)], [], { direction: string('LEFT') }],
  ['Pow', [floats([4], 0.5, 0.5), floats([4], 0, 0.5)]],
  ['And', [booleans(0, 0, 1, 1), booleans(0, 1, 0, 1)]],
  ['Or', [booleans(0, 0, 1, 1), booleans(0, 1, 0, 1)]],
  ['Equal', [integers(1, 2, 3), integers(1, 5, 3)]],
  ['Greater', [floats([2, 3]), floats([1, 3])]],
  ['GreaterOrEqual', [integers(1, 2, 3), integers(2, 2, 2)]],
  ['Less', [floats([2, 3]), floats([1, 3])]],
  ['LessOrEqual', [integers(1, 2, 3), integers(2, 2, 2)]],
  ['Abs', [floats([5])]],
  ['Neg', [floats([5])]],
  ['Neg', [integers(2 ** 40 + 1, -3)]],
  ['Exp', [floats([5])]],
  ['Log', [floats([5], 0.5)]],
  ['Sqrt', [floats([5], 0.5)]],
  ['Sign', [floats([5])]],
  ['Floor', [floats([5])]],
  ['Round', [floats([8], -1.5, 0.5)]],
  ['Erf', [floats([5])]],
  ['Gelu', [floats([5])]],
  ['Relu', [floats([5])]],
  ['LeakyRelu', [floats([5])], [], { alpha: float(0.2) }],
  ['Sigmoid', [floats([5])]],
  ['Tanh', [floats([5])]],
  ['Min', [floats([2, 3]), floats([3], 0)]],
  ['Max', [floats([2, 3]), floats([3], 0), floats([])]],
  ['Clip', [floats([5]), floats([], -1), floats([], 2)]],
  ['Cast', [floats([5])], [], { to: int(7) }],
  ['Cast', [integers(0, 3, -1)], [], { to: int(9) }],
  ['PRelu', [floats([2, 3, 1]), floats([3, 1], 0.1, 0.2)]],
  ['Pow', [floats([4], 0.5, 0.5), integers(0, 1, 2, 3)]],
  ['Not', [booleans(0, 1)]],
  ['Ceil', [floats([5])]],
  ['Reciprocal', [floats([5], 0.5)]],
  ['Sin', [floats([5])]],
  ['Cos', [floats([5])]],
  ['Elu', [floats([5])]],
  ['HardSigmoid', [floats([5])]],
  ['HardSwish', [floats([5])]],
  ['Mish', [floats([5])]],
  ['Softplus', [floats([5])]],
  ['Sum', [floats([2, 3]), floats([3], 0)]],
  ['Where', [booleans(1, 0, 1), floats([2, 3]), floats([3])]],
  ['Identity', [floats([2, 3])]],
  ['Shape', [floats([2, 3, 1])]],
  ['Shape', [floats([2, 3, 1])], [], { start: int(1), end: int(-1) }],
  ['ConstantOfShape', [], [integers(2, 3)], { value: { kind: 'tensor', value: integers(7) } }],
  ['ConstantOfShape', [], [integers(2)]],
  ['Flatten', [floats([2, 3, 4])], [], { axis: int(2) }],
  ['Tile', [floats([2, 3])], [integers(2, 1)]],
  ['GatherND', [floats([3, 4, 2]), indices([2, 2], 1, 3, -1, 0)]],
  ['GatherND', [floats([3, 4, 2]), indices([2, 1], 1, 0)]],
  ['ScatterND', [floats([4, 2]), indices([3, 1], -1, 0, 1), floats([3, 2], 9)]],
  ['ScatterND', [floats([2, 2]), indices([1, 2], 1, -1), floats([1], 9)]],
  ['SpaceToDepth', [floats([1, 2, 4, 6])], [], { blocksize: int(2) }],
  ['Reshape', [floats([2, 3, 4])], [integers(0, -1, 2)]],
  ['Reshape', [floats([2, 6])], [integers(-1)]],
  ['Transpose', [floats([2, 3, 4])], [], { perm: ints([2, 0, 1]) }],
  ['Transpose', [floats([2, 3])]],
  ['Gather', [floats([3, 4])], [integers(2, -1, 0)], { axis: int(0) }],
  ['Gather', [floats([3, 4])], [scalar(1)], { axis: int(-1) }],
  ['Concat', [floats([2, 1]), floats([2, 3])], [], { axis: int(-1) }],
  ['Slice', [floats([5, 6])], [integers(1, -1), integers(4, -100), integers(0, 1), integers(1, -2)]],
  ['Slice', [floats([5, 6])], [integers(-3), integers(1000), integers(1)]],
  ['Squeeze', [floats([1, 3, 1])], [integers(-1)]],
  ['Unsqueeze', [floats([2, 3])], [integers(0, 3)]],
  ['Expand', [floats([3, 1])], [integers(2, 1, 4)]],
  ['Pad', [floats([3, 4])], [integers(1, 2, 0, 1)], { mode: string('reflect') }],
  ['Pad', [floats([3, 4])], [integers(1, 0, 0, 2)], { mode: string('edge') }],
  ['Pad', [floats([3, 4])], [integers(0, 2, 1, 0), floats([], 9)]],
  ['DepthToSpace', [floats([1, 8, 2, 3])], [], { blocksize: int(2), mode: string('CRD') }],
  ['MatMul', [floats([2, 1, 3, 4]), floats([5, 4, 2])]],
  ['Gemm', [floats([3, 4]), floats([5, 4]), floats([5])], [], { transB: int(1), alpha: float(0.5) }],
  ['Conv', [floats([1, 2, 5, 6]), floats([3, 2, 3, 3]), floats([3])], [], { pads: ints([1, 1, 1, 1]) }],
  ['Conv', [floats([1, 4, 7, 7]), floats([4, 1, 3, 3])], [], { group: int(4), strides: ints([2, 2]) }],
  ['ConvTranspose', [floats([1, 4, 3, 5]), floats([4, 2, 3, 3])], [], { group: int(2), pads: ints([1, 0, 1, 0]) }],
  [
    'ConvTranspose',
    [floats([1, 2, 3, 4]), floats([2, 3, 3, 3])],
    [],
    { strides: ints([2, 3]), dilations: ints([2, 1]), output_padding: ints([1, 2]) }
  ],
  ['MaxPool', [floats([1, 2, 7, 8])], [], { kernel_shape: ints([3, 3]), strides: ints([2, 3]) }],
  ['MaxPool', [floats([1, 2, 4, 5])], [], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) }],
  ['AveragePool', [floats([1, 2, 7, 8])], [], { kernel_shape: ints([3, 2]), strides: ints([2, 2]) }],
  ['GlobalAveragePool', [floats([2, 3, 4, 5])]],
  ['ReduceProd', [integers(2, 3, 4)], [], { keepdims: int(0) }],
  ['ReduceSum', [floats([2, 3, 4])], [integers(1)], { keepdims: int(0) }],
  ['ReduceSum', [whole([2, 3, 4])], [integers(1)], { keepdims: int(0) }],
  ['ReduceSum', [whole([2, 3, 4])], [integers(0, -1)]],
  ['ReduceSum', [whole([2, 3, 4])]],
  ['ReduceMean', [floats([2, 3, 4])], [integers(-1, 0)]],
  ['ReduceMin', [floats([2, 3])]],
  ['ReduceMax', [floats([2, 3])], [], { keepdims: int(0) }],
  ['Softmax', [floats([2, 5])], [], { axis: int(-1) }],
  ['LayerNormalization', [floats([2, 5]), floats([5]), floats([5])], [], { axis: int(-1) }],
  ['QuantizeLinear', [floats([6]), floats([], 0.3), { type: 'uint8', shape: [], data: Uint8Array.of(3) }]],
  ['DequantizeLinear', [bytes(0, 7, 255), floats([], 0.3), { type: 'uint8', shape: [], data: Uint8Array.of(3) }]]
]

/** The operator alone in a graph; its data either inputs or constants. */
function graphOf([op, data, constants = [], attributes = {}]: Case, areInputs: boolean) {
  const builder = new GraphBuilder()
  const operands = data.map((tensor, i): Value => {
    return areInputs ? builder.input(`x${i}`, tensor.shape, tensor.type) : builder.constant(tensor, `x${i}`)
  })
  const rest = constants.map((tensor, i) => builder.constant(tensor, `c${i}`))
  return builder.build([builder.apply(op, [...operands, ...rest], attributes, 'y')])
}

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
