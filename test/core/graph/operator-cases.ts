import { GraphBuilder, type Value } from '../../../src/core/graph/builder'
import { float, int, ints, string, type Attributes, type Graph } from '../../../src/core/graph/graph'
import { floatTensor, indexTensor, type Tensor } from '../../../src/core/tensor'

export const floats = (shape: readonly number[], first = -2.5, step = 0.75): Tensor =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + ((i * 7) % 11) * step),
    shape
  )
export const integers = (...values: readonly number[]): Tensor => indexTensor(values)
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
export type Case = readonly [
  op: string,
  data: readonly Tensor[],
  constants?: readonly Tensor[],
  attributes?: Attributes
]

/** One application of every operator, at least. */
export const cases: readonly Case[] = [
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
export function graphOf([op, data, constants = [], attributes = {}]: Case, areInputs: boolean): Graph {
  const builder = new GraphBuilder()
  const operands = data.map((tensor, i): Value => {
    return areInputs ? builder.input(`x${i}`, tensor.shape, tensor.type) : builder.constant(tensor, `x${i}`)
  })
  const rest = constants.map((tensor, i) => builder.constant(tensor, `c${i}`))
  return builder.build([builder.apply(op, [...operands, ...rest], attributes, 'y')])
}
