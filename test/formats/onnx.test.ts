import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType, TensorProto_DataLocation, TensorProtoSchema, type ModelProto } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { int, type Attributes } from '../../src/core/graph/graph'
import { floatTensor, indexTensor, type Tensor } from '../../src/core/tensor'
import { externalDataBeside } from '../../src/formats/external-data'
import { readOnnx } from '../../src/formats/onnx'
import { temporaryFolder } from '../cli/run-cli'
import { onnxFile, type WrittenFile } from './onnx-writer'

const folder = temporaryFolder()
const simple: WrittenFile = {
  opset: 17,
  inputs: [{ name: 'x', shape: [3] }],
  outputs: ['y'],
  nodes: [{ op: 'Add', inputs: ['x', 'c'], outputs: ['y'] }],
  constants: { c: floatTensor([1, -2, 0.5], [3]) }
}
type StoredTensor = NonNullable<ModelProto['graph']>['initializer'][number]

/** The file with its constant stored otherwise. */
function stored(change: Partial<StoredTensor>): Uint8Array {
  return onnxFile({
    ...simple,
    edit: (model) => Object.assign(model.graph?.initializer[0] ?? {}, { rawData: new Uint8Array(0), ...change })
  })
}

const outside = (location: string, more: readonly { key: string; value: string }[] = []): Uint8Array =>
  stored({
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [{ key: 'location', value: location }, ...more].map((entry) => ({
      ...entry,
      $typeName: 'onnx.StringStringEntryProto' as const
    }))
  })

const bytesOf = (data: Tensor['data']): Uint8Array<ArrayBuffer> => new Uint8Array(data.buffer as ArrayBuffer)

describe('constants of an ONNX file', () => {
  it.each<readonly [string, Partial<StoredTensor>]>([
    ['floats', { rawData: bytesOf(Float32Array.of(1, -2, 0.5)) }],
    ['floats one by one', { floatData: [1, -2, 0.5] }],
    ['halves', { dataType: 10, rawData: bytesOf(Uint16Array.of(0x3c00, 0xc000, 0x3800)) }],
    ['halves one by one', { dataType: 10, int32Data: [0x3c00, 0xc000, 0x3800] }],
    ['brain floats', { dataType: 16, rawData: bytesOf(Uint16Array.of(0x3f80, 0xc000, 0x3f00)) }],
    ['doubles one by one', { dataType: 11, doubleData: [1, -2, 0.5] }]
  ])('are float32 where they are stored as %s', (_, change) => {
    const { graph } = readOnnx(stored(change), 'x.onnx')
    expect(graph.initializers.get('c')).toEqual(floatTensor([1, -2, 0.5], [3]))
  })

  it.each<readonly [string, Attributes, Tensor]>([
    ['value', { value: { kind: 'tensor', value: floatTensor([3], [1]) } }, floatTensor([3], [1])],
    ['value_float', { value_float: { kind: 'float', value: 0.5 } }, floatTensor([0.5], [])],
    ['value_floats', { value_floats: { kind: 'floats', value: [1, 2] } }, floatTensor([1, 2], [2])],
    ['value_int', { value_int: int(7) }, { ...indexTensor([7]), shape: [] }],
    ['value_ints', { value_ints: { kind: 'ints', value: [4, 5] } }, indexTensor([4, 5])]
  ])('may be nodes with the attribute %s', (_, attributes, expected) => {
    const nodes = [{ op: 'Constant', inputs: [], outputs: ['d'], attributes }, ...simple.nodes]
    expect(readOnnx(onnxFile({ ...simple, nodes }), 'x.onnx').graph.initializers.get('d')).toEqual(expected)
  })

  it('may lie in a file beside it, and nowhere else', () => {
    mkdirSync(join(folder, 'model', 'weights'), { recursive: true })
    writeFileSync(join(folder, 'model', 'weights', 'all.bin'), bytesOf(Float32Array.of(9, 1, -2, 0.5)))
    writeFileSync(join(folder, 'secret.bin'), bytesOf(Float32Array.of(1, 2, 3)))
    symlinkSync(join(folder, 'secret.bin'), join(folder, 'model', 'link.bin'))
    const external = externalDataBeside(join(folder, 'model', 'x.onnx'))
    const read = (...file: Parameters<typeof outside>): Tensor | undefined =>
      readOnnx(outside(...file), 'x.onnx', external).graph.initializers.get('c')
    const part = [
      { key: 'offset', value: '4' },
      { key: 'length', value: '12' }
    ]
    expect(read('weights/all.bin', part)).toEqual(floatTensor([1, -2, 0.5], [3]))
    for (const location of ['../secret.bin', join(folder, 'secret.bin'), 'weights/../../secret.bin', 'link.bin', '']) {
      expect(() => read(location), location).toThrow(/not in its folder/)
    }
    expect(() => read('weights/none.bin')).toThrow(/no file "weights.none.bin"/)
    expect(() => read('weights/all.bin', [{ key: 'length', value: '999999' }])).toThrow(/too short/)
    expect(() => read('weights/all.bin', [{ key: 'offset', value: '-4' }])).toThrow(/does not fit/)
    expect(() => readOnnx(outside('weights/all.bin'), 'x.onnx')).toThrow(/save the model as one file/)
  })
})

describe('a broken or hostile file gives one error', () => {
  const whole = onnxFile(simple)
  const cycle = [
    { op: 'Add', inputs: ['x', 'b'], outputs: ['a'] },
    { op: 'Relu', inputs: ['a'], outputs: ['b'] }
  ]
  it.each<readonly [string, () => Uint8Array, RegExp]>([
    ['cut off', () => whole.subarray(0, whole.length - 20), /damaged/],
    ['text', () => new TextEncoder().encode('These are notes, no tensors.'), /not an ONNX file/],
    ['without operators', () => onnxFile({ ...simple, nodes: [] }), /holds no operators/],
    ['a cycle', () => onnxFile({ ...simple, nodes: cycle }), /form a cycle/],
    [
      'a value that is computed twice',
      () => onnxFile({ ...simple, nodes: [...simple.nodes, ...simple.nodes] }),
      /"y".*twice/
    ],
    ['a claim of 10⁹ elements', () => stored({ dims: [1_000_000_000n], rawData: new Uint8Array(12) }), /does not fit/],
    ['a claim of too many to count', () => stored({ dims: [2n ** 40n, 2n ** 40n] }), /does not fit/],
    ['a negative size', () => stored({ dims: [-3n], rawData: new Uint8Array(12) }), /does not fit/],
    ['part of an element', () => stored({ rawData: new Uint8Array(11) }), /does not fit/],
    ['an unknown element type', () => stored({ dataType: 14, rawData: new Uint8Array(12) }), /element type 14/],
    [
      'a graph within',
      () =>
        onnxFile({
          ...simple,
          nodes: [{ op: 'Loop', name: 'l', inputs: ['x'], outputs: ['y'], attributes: { body: int(0) } }],
          edit: (model) => {
            const attribute = model.graph?.node[0]?.attribute[0]
            if (attribute !== undefined) attribute.type = AttributeProto_AttributeType.GRAPH
          }
        }),
      /Loop of node "l".*"body"/
    ],
    [
      'sparse constants',
      () =>
        onnxFile({
          ...simple,
          edit: (model) =>
            model.graph?.sparseInitializer.push({
              $typeName: 'onnx.SparseTensorProto',
              values: create(TensorProtoSchema),
              indices: create(TensorProtoSchema),
              dims: []
            })
        }),
      /sparse/
    ]
  ])('%s', (_, bytes, says) => {
    expect(() => readOnnx(bytes(), 'x.onnx')).toThrow(says)
  })

  it('wherever it is cut', () => {
    for (let length = 0; length < whole.length; length += 3) {
      try {
        readOnnx(whole.subarray(0, length), 'x.onnx')
      } catch (error) {
        expect(error).toHaveProperty('code')
      }
    }
  })
})

it('names of nodes are unique', () => {
  const nodes = ['a', 'b', 'y'].map((output) => ({ op: 'Relu', name: 'act', inputs: ['x'], outputs: [output] }))
  const { graph } = readOnnx(
    onnxFile({ ...simple, nodes: [...nodes, { op: 'Neg', inputs: ['x'], outputs: ['n'] }] }),
    'x.onnx'
  )
  expect(graph.nodes.map(({ name }) => name)).toEqual(['act', 'act#2', 'act#3', 'n'])
})
