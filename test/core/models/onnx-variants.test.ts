import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  AttributeProto_AttributeType,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type ModelProto,
  type NodeProto
} from 'onnx-buf'
import { expect, it } from 'vitest'
import { inferShapes } from '../../../src/core/graph/infer'
import { int, ints, string, type Attributes } from '../../../src/core/graph/graph'
import { floatTensor, type TensorOf } from '../../../src/core/tensor'
import { loadModel } from '../../../src/engine/model-file'
import { attributeProto, readOnnx, writeOnnx } from '../../../src/formats/onnx'
import { temporaryFolder } from '../../cli/run-cli'
import { describeWithSharedData, sharedData } from '../../shared-data'
import { enlarged, greatestDifference, picture } from './plain-onnxruntime'

const folder = temporaryFolder()
const float32 = 1
const float16 = 10

function protoOf(name: string): ModelProto {
  return fromBinary(ModelProtoSchema, readFileSync(sharedData('models', `${name}.onnx`)))
}

function graphOf({ graph }: ModelProto): NonNullable<ModelProto['graph']> {
  if (graph === undefined) throw new Error('The file has no graph')
  return graph
}

function written(model: ModelProto, name: string): string {
  const path = join(folder, `${name}.onnx`)
  writeFileSync(path, toBinary(ModelProtoSchema, model))
  return path
}

function node(opType: string, input: string[], output: string[], attributes: Attributes = {}): NodeProto {
  const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value))
  return create(NodeProtoSchema, { opType, name: `made/${opType}/${output[0] ?? ''}`, input, output, attribute })
}

/** The bits of a half-precision number from those of a single, with what does not fit cut off. */
function halfOf(bits: number): number {
  const exponent = ((bits >>> 23) & 255) - 112
  const sign = (bits >>> 16) & 0x8000
  return exponent <= 0 ? sign : sign | (exponent << 10) | ((bits >>> 13) & 0x3ff)
}

/** Weights in half precision, which a Cast widens where they are read. */
function withHalfWeights(model: ModelProto): void {
  const graph = graphOf(model)
  const casts: NodeProto[] = []
  for (const tensor of graph.initializer) {
    if (tensor.dataType !== float32 || tensor.rawData.length < 256) continue
    const words = new Uint32Array(Uint8Array.from(tensor.rawData).buffer)
    tensor.rawData = new Uint8Array(Uint16Array.from(words, halfOf).buffer)
    tensor.dataType = float16
    const name = tensor.name
    tensor.name = `${name}.half`
    casts.push(node('Cast', [tensor.name], [name], { to: int(float32) }))
  }
  graph.node.unshift(...casts)
}

/** Pictures with channels last, in and out. */
function withChannelsLast(model: ModelProto): void {
  const graph = graphOf(model)
  const [input] = graph.input
  const [output] = graph.output
  if (input === undefined || output === undefined) throw new Error('no ports')
  const inner = [input.name, output.name] as const
  graph.node.unshift(node('Transpose', ['picture'], [inner[0]], { perm: ints([0, 3, 1, 2]) }))
  graph.node.push(node('Transpose', [inner[1]], ['enlarged'], { perm: ints([0, 2, 3, 1]) }))
  const port = (name: string, sizes: readonly string[]) =>
    create(ValueInfoProtoSchema, {
      name,
      type: {
        value: {
          case: 'tensorType',
          value: {
            elemType: float32,
            shape: {
              dim: sizes.map((size) =>
                size === '3'
                  ? { value: { case: 'dimValue' as const, value: 3n } }
                  : { value: { case: 'dimParam' as const, value: size } }
              )
            }
          }
        }
      }
    })
  graph.input = [port('picture', ['n', 'h', 'w', '3'])]
  graph.output = [port('enlarged', ['n', 'H', 'W', '3'])]
}

/** Products of activations as Einsum. */
function withEinsum(model: ModelProto, bytes: Uint8Array): number {
  const { graph } = readOnnx(bytes, 'x.onnx')
  const inputs = graph.inputs.map((input) => ({ ...input, shape: [1, 3, 32, 48] }))
  const types = inferShapes({ ...graph, inputs })
  const rankOf = (name: string): number => types.get(name)?.shape.length ?? 0
  let count = 0
  for (const each of graphOf(model).node) {
    const [a = '', b = ''] = each.input
    if (each.opType !== 'MatMul' || rankOf(a) !== rankOf(b) || graph.initializers.has(b)) continue
    const batch = 'abcd'.slice(0, rankOf(a) - 2)
    each.opType = 'Einsum'
    each.attribute = node('Einsum', [], [], { equation: string(`${batch}ij,${batch}jk->${batch}ik`) }).attribute
    count++
  }
  return count
}

/** The first convolution within a choice whose condition is constant. */
function withChoice(model: ModelProto): void {
  const graph = graphOf(model)
  const at = graph.node.findIndex(({ opType }) => opType === 'Conv')
  const inner = graph.node[at]
  if (inner === undefined) throw new Error('no convolution')
  const [output = ''] = inner.output
  const branch = (body: NodeProto) =>
    create(GraphProtoSchema, {
      name: 'branch',
      node: [body],
      output: [create(ValueInfoProtoSchema, { name: body.output[0] ?? '' })]
    })
  const choice = create(NodeProtoSchema, {
    opType: 'If',
    name: 'choice',
    input: ['condition'],
    output: [output],
    attribute: [
      { name: 'then_branch', type: AttributeProto_AttributeType.GRAPH, g: branch({ ...inner, output: ['chosen'] }) },
      {
        name: 'else_branch',
        type: AttributeProto_AttributeType.GRAPH,
        g: branch(node('Identity', [inner.input[0] ?? ''], ['unchosen']))
      }
    ]
  })
  graph.node[at] = choice
  graph.initializer.push(
    create(TensorProtoSchema, { name: 'condition', dataType: 9, dims: [], rawData: Uint8Array.from([1]) })
  )
}

/** All weights in a file beside the network's. */
function withExternalData(model: ModelProto, name: string): void {
  const parts: Uint8Array[] = []
  let offset = 0
  for (const tensor of graphOf(model).initializer) {
    if (tensor.rawData.length < 256) continue
    const entries = { location: `${name}.data`, offset: String(offset), length: String(tensor.rawData.length) }
    parts.push(tensor.rawData)
    offset += tensor.rawData.length
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value })
    )
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL
    tensor.rawData = new Uint8Array()
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.data`), Buffer.concat(parts))
}

/** A picture with channels last. */
function channelsLast({
  data,
  shape: [, channels = 0, height = 0, width = 0]
}: TensorOf<'float32'>): TensorOf<'float32'> {
  const plane = height * width
  const turned = Float32Array.from(data, (_, i) => data[(i % channels) * plane + Math.floor(i / channels)] ?? NaN)
  return floatTensor(turned, [1, height, width, channels])
}

function channelsFirst(data: Float32Array, channels = 3): Float32Array {
  const plane = data.length / channels
  return data.map((_, i) => data[(i % plane) * channels + Math.floor(i / plane)] ?? NaN)
}

describeWithSharedData('real networks in other forms', () => {
  it.each(['CARN_M_x4', 'MobileSR_x4', 'SMFANetp_x4'])('%s in every form gives what its file gives', async (name) => {
    const bytes = new Uint8Array(readFileSync(sharedData('models', `${name}.onnx`)))
    const x = picture(32, 48)
    const same = async (form: string, edit: (model: ModelProto) => void, turned = false): Promise<void> => {
      const proto = protoOf(name)
      edit(proto)
      const path = written(proto, `${name} ${form}`)
      const plain = await enlarged(path, turned ? channelsLast(x) : x)
      const expected = turned ? channelsFirst(plain) : plain
      const { model } = await loadModel(path, {})
      const found = await enlarged(writeOnnx(model.graph), x)
      expect(greatestDifference(found, expected), form).toBeLessThan(1e-5)
    }
    await same('with half weights', withHalfWeights)
    await same('with channels last', withChannelsLast, true)
    await same('with a choice', withChoice)
    await same('with external data', (model) => {
      withExternalData(model, name)
    })
    if (name !== 'MobileSR_x4') return
    await same('with Einsum', (model) => {
      expect(withEinsum(model, bytes)).toBeGreaterThan(4)
    })
  })
})
