import { describe, expect, it } from 'vitest'
import { format } from '../../../src/core/graph/dimension'
import { int, ints, string } from '../../../src/core/graph/graph'
import { inferShapes } from '../../../src/core/graph/infer'
import type { Model } from '../../../src/core/models/model'
import { buildOnnxModel } from '../../../src/core/models/onnx-model'
import { withValueRange } from '../../../src/core/models/value-range'
import { findQuantizerSites, placeQuantizers } from '../../../src/core/quantization/placement'
import { Random } from '../../../src/core/imaging/random'
import { floatTensor, indexTensor, type Tensor, type TensorOf } from '../../../src/core/tensor'
import { readOnnx } from '../../../src/formats/onnx'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { onnxFile, type WrittenFile, type WrittenNode } from '../../formats/onnx-writer'

const random = Random.seeded(5)
const weights = (...shape: readonly number[]): Tensor =>
  floatTensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (random.word() / 2 ** 32 - 0.5) / 2),
    shape
  )
const padded = { pads: ints([1, 1, 1, 1]) }

/** Features, a residual block whose convolution is used twice, and an enlargement by two. */
const constants: Readonly<Record<string, Tensor>> = {
  'head.weight': weights(8, 3, 3, 3),
  'head.bias': weights(8),
  'body.0.weight': weights(8, 8, 3, 3),
  'tail.weight': weights(12, 8, 3, 3)
}
const nodes: readonly WrittenNode[] = [
  { op: 'Conv', name: '/head/Conv', inputs: ['input', 'head.weight', 'head.bias'], outputs: ['f'], attributes: padded },
  { op: 'Conv', name: '/body/0/Conv', inputs: ['f', 'body.0.weight'], outputs: ['g'], attributes: padded },
  { op: 'Relu', inputs: ['g'], outputs: ['sr'] },
  { op: 'Conv', name: '/body/0/Conv_1', inputs: ['sr', 'body.0.weight'], outputs: ['h'], attributes: padded },
  { op: 'Add', name: '/body/Add', inputs: ['f', 'h'], outputs: ['r'] },
  { op: 'Conv', name: '/tail/Conv', inputs: ['r', 'tail.weight'], outputs: ['t'], attributes: padded },
  {
    op: 'DepthToSpace',
    inputs: ['t'],
    outputs: ['output'],
    attributes: { blocksize: int(2), mode: string('CRD') }
  }
]
const network: WrittenFile = {
  opset: 13,
  inputs: [{ name: 'input', shape: ['N', 3, 'H', 'W'] }],
  outputs: ['output'],
  nodes,
  constants
}

function load(file: WrittenFile): Model {
  return buildOnnxModel(readOnnx(onnxFile(file), 'x.onnx'), 'x.onnx')
}

const picture = (height: number, width: number, batch = 1): TensorOf<'float32'> =>
  floatTensor(
    Float32Array.from({ length: batch * 3 * height * width }, (_, i) => ((i * 37) % 101) / 100),
    [batch, 3, height, width]
  )

async function enlarged({ graph }: Model, x: TensorOf<'float32'>): Promise<TensorOf<'float32'>> {
  const session = await onnxruntimeCpu.load(graph, { threads: 1 })
  const output = (await session.run(new Map([['lr', x]]))).get('sr')
  await session.dispose()
  if (output?.type !== 'float32') throw new Error('no picture')
  return output
}

function expectNear(a: TensorOf<'float32'>, b: TensorOf<'float32'>, digits = 6): void {
  expect(a.shape).toEqual(b.shape)
  a.data.forEach((value, i) => {
    expect(value).toBeCloseTo(b.data[i] ?? NaN, digits)
  })
}

describe('a network from an ONNX file', () => {
  const model = load(network)

  it('is called and sized as networks are here', () => {
    expect(model).toMatchObject({ scale: 2, channels: 3, fixedSize: null, takes: { step: 1, least: 1 } })
    const types = inferShapes(model.graph)
    expect(types.get('lr')?.shape.map(format)).toEqual(['batch', '3', 'height', 'width'])
    expect(types.get('sr')?.shape.map(format)).toEqual(['batch', '3', '2*height', '2*width'])
    expect(model.parameters).toBe(8 * 27 + 8 + 8 * 72 + 12 * 72)
  })

  it('has one quantizer for a weight that layers share, and one for each of their inputs', () => {
    const sites = findQuantizerSites(model.graph, model.placement)
    expect(sites.map(({ name }) => name)).toEqual(['body.0.weight', 'body.0.input', 'body.0#2.input'])
    expect(sites[0]?.readers).toHaveLength(2)
    const placed = placeQuantizers(model.graph, sites)
    const read = placed.nodes.filter(({ op }) => op === 'Conv').map(({ inputs }) => inputs[1])
    expect(read).toEqual(['head.weight', 'body.0.weight.quantized', 'body.0.weight.quantized', 'tail.weight'])
  })

  it('offers what its residual additions give', () => {
    expect(model.features).toEqual({ groups: ['r'], blocks: ['r'] })
  })

  it('may take channels last', async () => {
    const last: WrittenFile = {
      ...network,
      inputs: [{ name: 'picture', shape: [1, 'H', 'W', 3] }],
      outputs: ['result'],
      nodes: [
        { op: 'Transpose', inputs: ['picture'], outputs: ['input'], attributes: { perm: ints([0, 3, 1, 2]) } },
        ...nodes,
        { op: 'Transpose', inputs: ['output'], outputs: ['result'], attributes: { perm: ints([0, 2, 3, 1]) } }
      ]
    }
    const x = picture(5, 7)
    const found = load(last)
    expect(found).toMatchObject({ scale: 2, channels: 3, config: { layout: 'NHWC' } })
    expectNear(await enlarged(found, x), await enlarged(model, x))
  })

  it('may repeat pixels as torch writes it in opset 11, with a region that is empty', () => {
    const repeated: WrittenFile = {
      ...network,
      opset: 11,
      nodes: [
        ...nodes.slice(0, -2),
        {
          op: 'Resize',
          inputs: ['r', 'region', 'factors'],
          outputs: ['large'],
          attributes: {
            coordinate_transformation_mode: string('asymmetric'),
            mode: string('nearest'),
            nearest_mode: string('floor')
          }
        },
        { op: 'Conv', inputs: ['large', 'tail.weight'], outputs: ['output'], attributes: padded }
      ],
      constants: {
        ...constants,
        'tail.weight': weights(3, 8, 3, 3),
        region: floatTensor([], [0]),
        factors: floatTensor([1, 1, 2, 2], [4])
      }
    }
    expect(load(repeated)).toMatchObject({ scale: 2, takes: { step: 1, least: 1 } })
  })

  it('may be of one size', () => {
    const fixed = { ...network, inputs: [{ name: 'input', shape: [1, 3, 24, 24] }] }
    expect(load(fixed)).toMatchObject({ scale: 2, fixedSize: 24 })
  })

  it('may work on another range of values', async () => {
    const x = picture(6, 5)
    const shown = floatTensor(
      x.data.map((value) => 2 * value - 1),
      x.shape
    )
    const raw = await enlarged(model, shown)
    const expected = floatTensor(
      raw.data.map((value) => (value + 1) / 2),
      raw.shape
    )
    expectNear(await enlarged(withValueRange(model, { black: -1, white: 1 }), x), expected)
  })

  it('tells of what its sizes must be multiples, and its least size', () => {
    const grid: WrittenFile = {
      ...network,
      inputs: [{ name: 'input', shape: [1, 3, 'H', 'W'] }],
      nodes: [
        { op: 'Reshape', inputs: ['input', 'into'], outputs: ['windows'] },
        { op: 'Reshape', inputs: ['windows', 'back'], outputs: ['flat'] },
        { op: 'Shape', inputs: ['input'], outputs: ['shape'] },
        { op: 'Reshape', inputs: ['flat', 'shape'], outputs: ['whole'] },
        { op: 'MaxPool', inputs: ['whole'], outputs: ['small'], attributes: { kernel_shape: ints([20, 1]) } },
        { op: 'ReduceMean', inputs: ['small'], outputs: ['mean'] },
        { op: 'Add', inputs: ['whole', 'mean'], outputs: ['output'] }
      ],
      constants: { into: indexTensor([3, -1, 12, 0]), back: indexTensor([1, -1]) }
    }
    expect(load(grid)).toMatchObject({ scale: 1, takes: { step: 12, least: 24 }, multiple: 12 })
    const told = { ...grid, metadata: { multiple: '36', min_size: '72' } }
    expect(load(told).takes).toEqual({ step: 36, least: 72 })
  })
})

describe('what cannot be a network here is refused', () => {
  const without = (op: string, ...others: readonly WrittenNode[]): readonly WrittenNode[] => [
    ...nodes.filter((node) => node.op !== op),
    ...others
  ]
  it.each<readonly [string, WrittenFile, RegExp]>([
    ['two inputs', { ...network, inputs: [...network.inputs, { name: 'b', shape: [1] }] }, /2 inputs \("input", "b"\)/],
    ['no picture', { ...network, inputs: [{ name: 'input', shape: ['N', 3] }] }, /"input" is float32 with 2 axes/],
    ['five channels', { ...network, inputs: [{ name: 'input', shape: [1, 5, 'H', 'W'] }] }, /5 channels/],
    ['whole numbers', { ...network, inputs: [{ name: 'input', shape: [1, 3, 8, 8], type: 7 }] }, /int64/],
    ['eight pictures', { ...network, inputs: [{ name: 'input', shape: [8, 3, 'H', 'W'] }] }, /8 pictures at a time/],
    ['one free side', { ...network, inputs: [{ name: 'input', shape: [1, 3, 64, 'W'] }] }, /one of height and width/],
    ['no square', { ...network, inputs: [{ name: 'input', shape: [1, 3, 64, 32] }] }, /32×64 only/],
    [
      'an operator that is not known',
      {
        ...network,
        nodes: without('Relu', { op: 'Hardmax', name: 'act', inputs: ['g'], outputs: ['sr'] })
      },
      /Hardmax \(node "act"\) of opset 13/
    ],
    [
      'one of our own',
      { ...network, nodes: without('Relu', { op: 'StopGradient', inputs: ['g'], outputs: ['sr'] }) },
      /StopGradient/
    ],
    ['no enlarged picture', { ...network, outputs: ['t'] }, /none of its outputs is a picture of 3 channels/],
    [
      'weights that are no numbers',
      { ...network, constants: { ...constants, 'head.bias': floatTensor(new Float32Array(8).fill(NaN), [8]) } },
      /"head.bias" is no number/
    ],
    ['a value that nobody makes', { ...network, nodes: without('Relu') }, /reads "sr", which nothing/]
  ])('%s', (_, file, says) => {
    expect(() => load(file)).toThrow(says)
  })
})
