import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { convertByShape, convertOperators } from '../../../../src/core/graph/conversion/convert'
import { float, int, ints, string, type Attributes, type Graph } from '../../../../src/core/graph/graph'
import { inferShapes } from '../../../../src/core/graph/infer'
import { floatTensor, indexTensor, type Tensor, type TensorOf } from '../../../../src/core/tensor'
import { readOnnx } from '../../../../src/formats/onnx'
import { onnxruntimeCpu } from '../../../../src/runtimes/onnxruntime'
import { onnxFile, type WrittenFile } from '../../../formats/onnx-writer'

const numbers = (shape: readonly number[], first = -2.5): TensorOf<'float32'> =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + ((i * 7) % 11) * 0.45),
    shape
  )
const statistics = { s: numbers([3], 0.5), b: numbers([3]), m: numbers([3], -1), v: numbers([3], 0.2) }

/** Operator, opset, input, constants that follow it, attributes, number of outputs. */
type Case = readonly [
  op: string,
  opset: number,
  x: readonly number[],
  constants?: Readonly<Record<string, Tensor>>,
  attributes?: Attributes,
  outputs?: number
]

const cases: readonly Case[] = [
  ['ReduceMean', 11, [2, 3, 4, 4], {}, { axes: ints([2, 3]), keepdims: int(0) }],
  ['ReduceL2', 13, [2, 3, 4], {}, { axes: ints([-1]) }],
  ['ReduceSum', 11, [2, 3, 4], {}, { axes: ints([1]) }],
  ['ReduceSum', 13, [2, 3, 4], { axes: indexTensor([1]) }],
  ['ReduceMax', 17, [2, 3, 4], {}, { axes: ints([0, 2]) }],
  ['ReduceMin', 11, [2, 3, 4]],
  ['Squeeze', 11, [1, 3, 1], {}, { axes: ints([2]) }],
  ['Unsqueeze', 9, [2, 3], {}, { axes: ints([0, 3]) }],
  ['Split', 11, [2, 6], {}, { axis: int(1), split: ints([1, 5]) }, 2],
  ['Split', 11, [2, 6], {}, { axis: int(1) }, 3],
  ['Split', 18, [2, 7], {}, { axis: int(1), num_outputs: int(3) }, 3],
  ['Clip', 9, [2, 6], {}, { min: float(-1), max: float(1) }],
  ['Clip', 9, [2, 6], {}, { max: float(1) }],
  ['Clip', 11, [2, 6], { low: floatTensor([-0.5], []) }],
  ['Pad', 9, [2, 3], {}, { pads: ints([0, 1, 1, 0]), value: float(4), mode: string('constant') }],
  ['Pad', 9, [3, 4], {}, { pads: ints([1, 2, 0, 1]), mode: string('reflect') }],
  ['Pad', 18, [2, 3, 4], { pads: indexTensor([1, 2]), value: floatTensor([9], []), axes: indexTensor([-1]) }],
  ['Resize', 10, [1, 2, 3, 4], { scales: floatTensor([1, 1, 2, 2], [4]) }, { mode: string('nearest') }],
  ['Resize', 10, [1, 2, 3, 4], { scales: floatTensor([1, 1, 2, 3], [4]) }, { mode: string('linear') }],
  ['Upsample', 9, [1, 2, 3, 4], { scales: floatTensor([1, 1, 2, 2], [4]) }, { mode: string('nearest') }],
  ['Upsample', 7, [1, 2, 3, 4], {}, { mode: string('nearest'), scales: { kind: 'floats', value: [1, 1, 3, 3] } }],
  ['Softmax', 11, [2, 3, 4], {}, { axis: int(2) }],
  ['Softmax', 11, [2, 3, 4]],
  ['Softmax', 11, [2, 3, 4, 5], {}, { axis: int(-2) }],
  ['Softmax', 13, [2, 3, 4]],
  ['Dropout', 9, [2, 3]],
  ['BatchNormalization', 9, [2, 3, 4, 5], statistics, { epsilon: float(1e-3) }],
  ...(
    [
      ['bhnd,bhmd->bhnm', [2, 3, 4, 5], [2, 3, 6, 5]],
      ['bnhd, hdo -> bno', [2, 3, 4, 5], [4, 5, 6]],
      ['abc,cd', [2, 3, 4], [4, 5]],
      ['cab,cde->deab', [4, 2, 3], [4, 5, 2]],
      ['bij,bkj->b', [2, 3, 4], [2, 5, 4]],
      ['bc,bc->bc', [2, 3], [2, 3]],
      ['i,j->ji', [3], [4]]
    ] as const
  ).map(([equation, x, w]): Case => ['Einsum', 13, x, { w: numbers(w) }, { equation: string(equation) }]),
  ['Einsum', 13, [2, 3, 4], {}, { equation: string('abc->ca') }],
  ['InstanceNormalization', 11, [2, 3, 4, 5], { s: numbers([3], 0.5), b: numbers([3]) }, { epsilon: float(1e-3) }],
  ['InstanceNormalization', 17, [2, 3, 7], { s: numbers([3], 0.5), b: numbers([3]) }],
  ['GroupNormalization', 18, [2, 6, 4, 5], { s: numbers([3], 0.5), b: numbers([3]) }, { num_groups: int(3) }],
  ['GroupNormalization', 21, [2, 6, 4, 5], { s: numbers([6], 0.5), b: numbers([6]) }, { num_groups: int(3) }],
  ['Conv', 11, [1, 2, 5, 6], { w: numbers([3, 2, 3, 2]) }, { auto_pad: string('SAME_UPPER') }],
  ['Conv', 11, [1, 2, 7, 6], { w: numbers([3, 2, 2, 2]) }, { auto_pad: string('SAME_LOWER') }],
  ['Conv', 11, [1, 2, 5, 6], { w: numbers([3, 2, 3, 3]) }, { auto_pad: string('VALID') }],
  ['MaxPool', 11, [1, 2, 5, 6], {}, { auto_pad: string('SAME_UPPER'), kernel_shape: ints([2, 2]) }]
]

function fileOf([op, opset, x, constants = {}, attributes = {}, count = 1]: Case): WrittenFile {
  const outputs = Array.from({ length: count }, (_, i) => `y${i}`)
  // What follows the picture by place; Clip's upper limit and Resize's region may be absent.
  const inputs = ['x', ...Object.keys(constants)]
  return { opset, inputs: [{ name: 'x', shape: x }], outputs, constants, nodes: [{ op, inputs, outputs, attributes }] }
}

/** All outputs of a file as onnxruntime computes it, and as it does what was converted. */
async function bothOf(
  file: WrittenFile,
  x: TensorOf<'float32'>
): Promise<readonly (readonly [string, number[], number[]])[]> {
  const bytes = onnxFile(file)
  const original = await InferenceSession.create(bytes, { logSeverityLevel: 3, graphOptimizationLevel: 'disabled' })
  const expected = await original.run({ x: new OrtTensor('float32', x.data, x.shape) })
  await original.release()
  const session = await onnxruntimeCpu.load(converted(bytes), { threads: 1, optimize: false })
  const results = await session.run(new Map([['x', x]]))
  await session.dispose()
  return file.outputs.map((name) => [
    `${name} [${expected[name]?.dims.join()}]`,
    Array.from(expected[name]?.data ?? [], Number),
    [...(results.get(name)?.data ?? [])].map(Number)
  ])
}

function converted(bytes: Uint8Array): Graph {
  const { graph, opset } = readOnnx(bytes, 'x.onnx')
  const first = convertOperators(graph, opset)
  return convertByShape(first, opset, inferShapes(first))
}

describe('what older operator sets meant is kept', () => {
  it.each(
    cases.map((each) => ({
      title: `${each[0]} of opset ${each[1]}, ${Object.keys(each[4] ?? {}).join()} ${each[2].join('×')}`,
      each
    }))
  )('$title', async ({ each }) => {
    for (const [name, expected, found] of await bothOf(fileOf(each), numbers(each[2]))) {
      expect(found, name).toHaveLength(expected.length)
      expected.forEach((value, i) => {
        expect(found[i], `${name} ${i}`).toBeCloseTo(value, 5)
      })
    }
  })
})

describe('a normalization by constants', () => {
  const convolution = { w: numbers([3, 2, 3, 3]), c: numbers([3], 0.3) }
  const nodes = [
    { op: 'Conv', inputs: ['x', 'w', 'c'], outputs: ['h'] },
    { op: 'BatchNormalization', inputs: ['h', 's', 'b', 'm', 'v'], outputs: ['n'] },
    { op: 'Relu', inputs: ['n'], outputs: ['y0'] }
  ]
  const file = {
    opset: 11,
    inputs: [{ name: 'x', shape: [1, 2, 5, 6] }],
    outputs: ['y0'],
    nodes,
    constants: { ...convolution, ...statistics }
  }

  it('goes into the convolution before it', async () => {
    expect(converted(onnxFile(file)).nodes.map(({ op }) => op)).toEqual(['Conv', 'Relu'])
    const [[, expected, found] = ['', [], []]] = await bothOf(file, numbers([1, 2, 5, 6]))
    expected.forEach((value, i) => {
      expect(found[i]).toBeCloseTo(value, 4)
    })
  })

  it('stands alone where another reads what it reads', async () => {
    const shared = { ...file, outputs: ['y0', 'y1'], nodes: [...nodes, { op: 'Neg', inputs: ['h'], outputs: ['y1'] }] }
    expect(converted(onnxFile(shared)).nodes.map(({ op }) => op)).toEqual(['Conv', 'Mul', 'Add', 'Relu', 'Neg'])
    for (const [name, expected, found] of await bothOf(shared, numbers([1, 2, 5, 6]))) {
      expected.forEach((value, i) => {
        expect(found[i], name).toBeCloseTo(value, 4)
      })
    }
  })
})

it('of an equation that is not known is refused by its name', () => {
  const file = fileOf(['Einsum', 13, [2, 3], {}, { equation: string('...i->i') }])
  expect(() => converted(onnxFile(file))).toThrow(/Einsum of node "y0" .*"\.\.\.i->i"/)
})

it('of an opset that is too old is refused', () => {
  expect(() => converted(onnxFile(fileOf(['Neg', 6, [2]])))).toThrow(/opset 6 .*export it with opset 17/)
})
