import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, fromBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  FunctionProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type ModelProto
} from 'onnx-buf'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { float, int, type Attributes } from '../../src/core/graph/graph'
import { floatTensor, indexTensor, type Tensor } from '../../src/core/tensor'
import { externalDataBeside } from '../../src/formats/external-data'
import { readOnnx } from '../../src/formats/onnx'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
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

describe('a choice between two graphs', () => {
  type Branch = Pick<WrittenFile, 'outputs' | 'nodes' | 'constants'>

  /** The first node of a file is made a choice between these. */
  const choosing =
    (...branches: readonly [then: Branch, otherwise: Branch]) =>
    (model: ModelProto): void => {
      const node = model.graph?.node[0]
      branches.forEach((branch, i) => {
        const { graph } = fromBinary(ModelProtoSchema, onnxFile({ opset: 17, inputs: [], ...branch }))
        if (graph === undefined) return
        const name = i === 0 ? 'then_branch' : 'else_branch'
        node?.attribute.push(create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g: graph }))
      })
    }
  const twice: Branch = {
    outputs: ['o'],
    nodes: [{ op: 'Mul', name: 'm', inputs: ['x', 'two'], outputs: ['o'] }],
    constants: { two: floatTensor([2], []) }
  }
  const itself: Branch = { outputs: ['o'], nodes: [{ op: 'Identity', name: 'i', inputs: ['x'], outputs: ['o'] }] }
  const bool = (value: number): Tensor => ({ type: 'bool', shape: [], data: Uint8Array.of(value) })
  const file = (condition: number, edit: (model: ModelProto) => void): Uint8Array =>
    onnxFile({
      ...simple,
      nodes: [
        { op: 'If', name: 'either', inputs: ['b'], outputs: ['h'] },
        { op: 'Add', inputs: ['h', 'c'], outputs: ['y'] }
      ],
      constants: { ...simple.constants, b: bool(condition) },
      edit
    })

  it.each([
    [1, [3, 2, 6.5]],
    [0, [2, 0, 3.5]]
  ])('is made where its condition is the constant %d', async (condition, expected) => {
    const bytes = file(condition, choosing(twice, itself))
    const original = await InferenceSession.create(bytes, { logSeverityLevel: 3 })
    const x = new OrtTensor('float32', Float32Array.of(1, 2, 3), [3])
    expect([...((await original.run({ x }))['y']?.data ?? [])]).toEqual(expected)
    await original.release()
    const session = await onnxruntimeCpu.load(readOnnx(bytes, 'x.onnx').graph, { threads: 1 })
    const results = await session.run(new Map([['x', floatTensor([1, 2, 3], [3])]]))
    await session.dispose()
    expect([...(results.get('y')?.data ?? [])]).toEqual(expected)
  })

  it('may stand in another, with values of the same names', () => {
    const inner = file(1, choosing(twice, itself))
    const { graph } = fromBinary(ModelProtoSchema, inner)
    const nested = (model: ModelProto): void => {
      choosing(twice, itself)(model)
      const branch = model.graph?.node[0]?.attribute[0]
      if (branch !== undefined && graph !== undefined) branch.g = graph
    }
    const { nodes } = readOnnx(file(1, nested), 'x.onnx').graph
    expect(nodes.map(({ op }) => op)).toEqual(['Mul', 'Identity', 'Add', 'Identity', 'Add'])
    const made = nodes.flatMap(({ outputs }) => outputs)
    expect(new Set(made).size).toBe(made.length)
  })

  it('is refused where it is made at run time, lies too deep or lacks a graph', () => {
    const atRunTime = onnxFile({
      ...simple,
      nodes: [
        { op: 'If', name: 'either', inputs: ['t'], outputs: ['y'] },
        { op: 'IsNaN', inputs: ['x'], outputs: ['t'] }
      ],
      edit: choosing(twice, itself)
    })
    expect(() => readOnnx(atRunTime, 'x.onnx')).toThrow(/If of node "either" .*decides while the network runs/)
    expect(() =>
      readOnnx(
        file(1, () => undefined),
        'x.onnx'
      )
    ).toThrow(/has no then_branch/)
    let bytes = file(1, choosing(twice, itself))
    for (let depth = 0; depth < 18; depth++) {
      const { graph } = fromBinary(ModelProtoSchema, bytes)
      bytes = file(1, (model) => {
        choosing(twice, itself)(model)
        const branch = model.graph?.node[0]?.attribute[0]
        if (branch !== undefined && graph !== undefined) branch.g = graph
      })
    }
    expect(() => readOnnx(bytes, 'x.onnx')).toThrow(/within 16 others/)
  })
})

describe('functions of a file', () => {
  const custom = 'q'
  type Body = readonly {
    readonly opType: string
    readonly input: string[]
    readonly output: string[]
    readonly domain?: string
  }[]
  const defining =
    (functions: Readonly<Record<string, Body>>) =>
    (model: ModelProto): void => {
      model.functions = Object.entries(functions).map(([name, node]) =>
        create(FunctionProtoSchema, {
          name,
          domain: custom,
          input: ['a', 'b'],
          output: ['c'],
          node: node.map((each) => create(NodeProtoSchema, each))
        })
      )
    }
  const calling = (edit: (model: ModelProto) => void): Uint8Array =>
    onnxFile({
      ...simple,
      nodes: [
        { op: 'F', name: 'first', domain: custom, inputs: ['x', 'x'], outputs: ['h'] },
        { op: 'F', name: 'second', domain: custom, inputs: ['h', 'x'], outputs: ['y'] }
      ],
      edit
    })

  it('stand in the place of their calls, those of others within them, with the attributes of the call', () => {
    const edit = (model: ModelProto): void => {
      defining({
        F: [
          { opType: 'G', domain: custom, input: ['a', 'b'], output: ['t'] },
          { opType: 'Add', input: ['t', 'b'], output: ['c'] }
        ],
        G: [
          { opType: 'LeakyRelu', input: ['a'], output: ['r'] },
          { opType: 'Mul', input: ['r', 'b'], output: ['c'] }
        ]
      })(model)
      const [f, g] = model.functions
      const slope = { name: 'alpha', type: AttributeProto_AttributeType.FLOAT, refAttrName: 'slope' }
      g?.node[0]?.attribute.push(create(AttributeProtoSchema, slope))
      f?.node[0]?.attribute.push(create(AttributeProtoSchema, { ...slope, name: 'slope', refAttrName: 'steepness' }))
      model.graph?.node[0]?.attribute.push(
        create(AttributeProtoSchema, { ...slope, refAttrName: '', name: 'steepness', f: 0.5 })
      )
    }
    const { nodes } = readOnnx(calling(edit), 'x.onnx').graph
    expect(nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ['LeakyRelu', ['x'], ['first/t/r']],
      ['Mul', ['first/t/r', 'x'], ['first/t']],
      ['Add', ['first/t', 'x'], ['h']],
      ['LeakyRelu', ['h'], ['second/t/r']],
      ['Mul', ['second/t/r', 'x'], ['second/t']],
      ['Add', ['second/t', 'x'], ['y']]
    ])
    expect(nodes[0]?.attributes).toEqual({ alpha: float(0.5) })
    expect(nodes[3]?.attributes).toEqual({})
  })

  it('that call themselves, or grow without end, are refused', () => {
    const itself = defining({ F: [{ opType: 'F', domain: custom, input: ['a', 'b'], output: ['c'] }] })
    expect(() => readOnnx(calling(itself), 'x.onnx')).toThrow(/function F of node .* within 16 others/)
    const names = ['F', 'G', 'H', 'I', 'J', 'K', 'L']
    const bombs = Object.fromEntries(
      names.map((name, i): [string, Body] => {
        const next = names[i + 1]
        const inner = next === undefined ? { opType: 'Add' } : { opType: next, domain: custom }
        return [
          name,
          Array.from({ length: 16 }, (_, at) => ({
            ...inner,
            input: ['a', 'b'],
            output: [at === 0 ? 'c' : `t${at}`]
          }))
        ]
      })
    )
    expect(() => readOnnx(calling(defining(bombs)), 'x.onnx')).toThrow(/more than 1000000 operators/)
  })
})
