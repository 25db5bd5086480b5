import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  TensorProto_DataLocation as DataLocation,
  type AttributeProto,
  type AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
  type TensorProtoSchema,
  type ValueInfoProto,
  type ValueInfoProtoSchema
} from 'onnx-buf'
import { StudioError } from '../core/errors'
import { format, symbol, type Dimension } from '../core/graph/dimension'
import {
  opset,
  type Attribute,
  type Attributes,
  type Graph,
  type GraphInput,
  type ValueType
} from '../core/graph/graph'
import { inferShapes } from '../core/graph/infer'
import { elementTypeCode, elementTypeOfCode } from '../core/graph/operators/elementwise'
import { elementCount, type Tensor } from '../core/tensor'

/** The version of the file format; the oldest that knows opset 21. */
const irVersion = 10n

/** Versions of the operator sets beside the standard one. */
const otherOpsets: ReadonlyMap<string, bigint> = new Map([['com.microsoft', 1n]])

/**
 * A graph as the bytes of an ONNX file (opset 21). Graphs with operators of our own must be lowered first.
 *
 * @param metadata free text kept in the file's `metadata_props`
 */
export function writeOnnx(graph: Graph, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array {
  const types = inferShapes(graph)
  const domains = [...new Set(graph.nodes.map((node) => node.domain))].filter((domain) => domain !== '')
  const model = create(ModelProtoSchema, {
    irVersion,
    producerName: '2DQuant Studio',
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      ...domains.map((domain) => ({ domain, version: otherOpsets.get(domain) ?? 1n }))
    ],
    metadataProps: [...metadata].map(([key, value]) => ({ key, value })),
    graph: {
      name: 'graph',
      node: graph.nodes.map((node) => ({
        name: node.name,
        opType: node.op,
        domain: node.domain,
        input: [...node.inputs],
        output: [...node.outputs],
        attribute: Object.entries(node.attributes).map(([name, attribute]) => attributeProto(name, attribute))
      })),
      initializer: [...graph.initializers].map(([name, tensor]) => tensorProto(name, tensor)),
      input: graph.inputs.map((input) => valueInfo(input.name, input)),
      output: graph.outputs.map((name) => {
        const type = types.get(name)
        if (type === undefined) throw new Error(`The output "${name}" is made by no node`)
        return valueInfo(name, type)
      })
    }
  })
  return toBinary(ModelProtoSchema, model)
}

function attributeProto(name: string, attribute: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
  switch (attribute.kind) {
    case 'int':
      return { name, type: AttributeType.INT, i: BigInt(attribute.value) }
    case 'float':
      return { name, type: AttributeType.FLOAT, f: attribute.value }
    case 'string':
      return { name, type: AttributeType.STRING, s: utf8(attribute.value) }
    case 'ints':
      return { name, type: AttributeType.INTS, ints: attribute.value.map(BigInt) }
    case 'floats':
      return { name, type: AttributeType.FLOATS, floats: [...attribute.value] }
    case 'strings':
      return { name, type: AttributeType.STRINGS, strings: attribute.value.map(utf8) }
    case 'tensor':
      return { name, type: AttributeType.TENSOR, t: tensorProto('', attribute.value) }
  }
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function tensorProto(name: string, { type, shape, data }: Tensor): MessageInitShape<typeof TensorProtoSchema> {
  return {
    name,
    dataType: elementTypeCode(type),
    dims: shape.map(BigInt),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
  }
}

function valueInfo(name: string, { type, shape }: ValueType): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: format(size) }
  }))
  return { name, type: { value: { case: 'tensorType', value: { elemType: elementTypeCode(type), shape: { dim } } } } }
}

/** An ONNX file's graph and the free text stored with it. */
export interface OnnxModel {
  readonly graph: Graph
  readonly metadata: ReadonlyMap<string, string>
  /** Version of the standard operators the file was written in. */
  readonly opset: number
}

/**
 * Reads the bytes of an ONNX file. Sizes are checked against the bytes that are there; nothing outside the file is read.
 * Throws a StudioError ('unreadable' for damaged files, 'refused' for content that is not supported).
 */
export function readOnnx(bytes: Uint8Array, file: string): OnnxModel {
  const model = parse(bytes, file)
  const proto = model.graph
  if (proto === undefined || proto.node.length === 0) {
    throw new StudioError('unreadable', `"${file}" is not a usable ONNX model: it holds no operators.`)
  }
  const standard = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')
  return {
    graph: graphOf(proto, file),
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: Number(standard?.version ?? 1n)
  }
}

function parse(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw new StudioError('unreadable', `"${file}" is not an ONNX file, or it is damaged.`, { cause })
  }
}

function graphOf(proto: GraphProto, file: string): Graph {
  const initializers = new Map(proto.initializer.map((tensor) => [tensor.name, tensorOf(tensor, file)]))
  const nodes: Graph['nodes'][number][] = []
  const names = new Set<string>()
  proto.node.forEach((node, i) => {
    const attributes = attributesOf(node.attribute, file)
    const [output] = node.output
    const constant = node.opType === 'Constant' ? attributes['value'] : undefined
    if (constant?.kind === 'tensor' && output !== undefined) {
      initializers.set(output, constant.value)
      return
    }
    const name = node.name !== '' && !names.has(node.name) ? node.name : `${node.opType}_${i}`
    names.add(name)
    const domain = node.domain === 'ai.onnx' ? '' : node.domain
    nodes.push({ name, op: node.opType, domain, inputs: node.input, outputs: node.output, attributes })
  })
  return {
    inputs: proto.input.filter(({ name }) => !initializers.has(name)).map((value) => graphInput(value, file)),
    outputs: proto.output.map(({ name }) => name),
    initializers,
    nodes: sorted(nodes, file)
  }
}

/** Nodes in an order in which each reads only what earlier ones made. ONNX demands it; not every exporter complies. */
function sorted(nodes: Graph['nodes'], file: string): Graph['nodes'] {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
  const done = new Set<Graph['nodes'][number]>()
  const order: Graph['nodes'][number][] = []
  for (const root of nodes) {
    const stack: { readonly node: Graph['nodes'][number]; next: number }[] = [{ node: root, next: 0 }]
    const open = new Set([root])
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const input = done.has(top.node) ? undefined : top.node.inputs[top.next++]
      if (input === undefined) {
        if (!done.has(top.node)) order.push(top.node)
        done.add(top.node)
        open.delete(top.node)
        stack.pop()
        continue
      }
      const maker = makers.get(input)
      if (maker === undefined || done.has(maker)) continue
      if (open.has(maker)) {
        throw new StudioError('unreadable', `"${file}" is not a usable ONNX model: its operators form a cycle.`)
      }
      open.add(maker)
      stack.push({ node: maker, next: 0 })
    }
  }
  return order
}

function graphInput(value: ValueInfoProto, file: string): GraphInput {
  const tensor = value.type?.value.case === 'tensorType' ? value.type.value.value : undefined
  const type = elementTypeOfCode(tensor?.elemType ?? 0)
  if (tensor === undefined || type === null) {
    throw new StudioError('refused', `The input "${value.name}" of "${file}" has a type that is not supported.`)
  }
  const shape = (tensor.shape?.dim ?? []).map(({ value: size }, i): Dimension => {
    if (size.case === 'dimValue') return Number(size.value)
    return symbol(size.case === 'dimParam' && /^\w+$/.test(size.value) ? size.value : `${value.name}_${i}`)
  })
  return { name: value.name, type, shape }
}

function attributesOf(protos: readonly AttributeProto[], file: string): Attributes {
  return Object.fromEntries(protos.map((proto) => [proto.name, attributeOf(proto, file)]))
}

function attributeOf(proto: AttributeProto, file: string): Attribute {
  switch (proto.type) {
    case AttributeType.INT:
      return { kind: 'int', value: Number(proto.i) }
    case AttributeType.FLOAT:
      return { kind: 'float', value: proto.f }
    case AttributeType.STRING:
      return { kind: 'string', value: new TextDecoder().decode(proto.s) }
    case AttributeType.INTS:
      return { kind: 'ints', value: proto.ints.map(Number) }
    case AttributeType.FLOATS:
      return { kind: 'floats', value: proto.floats }
    case AttributeType.STRINGS:
      return { kind: 'strings', value: proto.strings.map((text) => new TextDecoder().decode(text)) }
    case AttributeType.TENSOR:
      if (proto.t !== undefined) return { kind: 'tensor', value: tensorOf(proto.t, file) }
      break
    default:
  }
  throw new StudioError('refused', `The attribute "${proto.name}" in "${file}" is of a kind that is not supported.`)
}

function tensorOf(proto: TensorProto, file: string): Tensor {
  const type = elementTypeOfCode(proto.dataType)
  const shape = proto.dims.map(Number)
  if (type === null) {
    const what = `The constant "${proto.name}" in "${file}" has the element type ${proto.dataType}`
    throw new StudioError('refused', `${what}, which is not supported; convert the model to float32.`)
  }
  if (proto.externalData.length > 0 || proto.dataLocation !== DataLocation.DEFAULT) {
    const what = `"${file}" keeps the constant "${proto.name}" in another file`
    throw new StudioError('refused', `${what}, which is not read; save the model as one file.`)
  }
  const count = elementCount(shape)
  if (shape.some((size) => size < 0) || !Number.isSafeInteger(count)) throw wrongSize(proto, file)
  const tensor = proto.rawData.length > 0 ? rawTensor(type, shape, proto.rawData) : listedTensor(type, shape, proto)
  if (tensor?.data.length !== count) throw wrongSize(proto, file)
  return tensor
}

function wrongSize(proto: TensorProto, file: string): StudioError {
  const claim = `the constant "${proto.name}" claims the shape [${proto.dims.join(', ')}]`
  return new StudioError('unreadable', `"${file}" is damaged: ${claim}, which does not fit what is stored.`)
}

/** Little-endian bytes as they stand in the file; null where they are no whole number of elements. */
function rawTensor(type: Tensor['type'], shape: readonly number[], raw: Uint8Array): Tensor | null {
  const { buffer } = raw.slice()
  try {
    switch (type) {
      case 'float32':
        return { type, shape, data: new Float32Array(buffer) }
      case 'uint8':
      case 'bool':
        return { type, shape, data: new Uint8Array(buffer) }
      case 'int8':
        return { type, shape, data: new Int8Array(buffer) }
      case 'uint16':
        return { type, shape, data: new Uint16Array(buffer) }
      case 'int32':
        return { type, shape, data: new Int32Array(buffer) }
      case 'int64':
        return { type, shape, data: new BigInt64Array(buffer) }
    }
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
}

/** Elements stored one by one in the field that ONNX reserves for their type. */
function listedTensor(type: Tensor['type'], shape: readonly number[], proto: TensorProto): Tensor {
  switch (type) {
    case 'float32':
      return { type, shape, data: Float32Array.from(proto.floatData) }
    case 'int64':
      return { type, shape, data: BigInt64Array.from(proto.int64Data) }
    case 'int32':
      return { type, shape, data: Int32Array.from(proto.int32Data) }
    case 'uint8':
    case 'bool':
      return { type, shape, data: Uint8Array.from(proto.int32Data) }
    case 'int8':
      return { type, shape, data: Int8Array.from(proto.int32Data) }
    case 'uint16':
      return { type, shape, data: Uint16Array.from(proto.int32Data) }
  }
}
