import { clone, create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  NodeProtoSchema,
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
  type ValueInfoProtoSchema
} from 'onnx-buf'
import { StudioError } from '../core/errors'
import { format, symbol, type Dimension } from '../core/graph/dimension'
import {
  int,
  opset,
  type Attribute,
  type Attributes,
  type Graph,
  type GraphFunction,
  type GraphInput,
  type Node,
  type ValueType
} from '../core/graph/graph'
import { inferShapes } from '../core/graph/infer'
import { elementTypeCode } from '../core/graph/operators/elementwise'
import { floatTensor, indexTensor, type Tensor } from '../core/tensor'
import { readTensor, tensorProto, widenedType, type ExternalData } from './onnx-tensor'

/** Versions of the operators that files are written in, and of the file format: the oldest that knows them. */
const irVersions = { 21: 10n, 25: 12n } as const
export type WrittenOpset = keyof typeof irVersions

/** Versions of the operator sets beside the standard one. */
const otherOpsets: ReadonlyMap<string, bigint> = new Map([['com.microsoft', 1n]])

/** What a file holds beside its graph. */
export interface WrittenFile {
  /** Free text, kept in `metadata_props`. */
  readonly metadata?: ReadonlyMap<string, string>
  /** Of the operators, all of which mean the same in 21 and 25; without it, the oldest that has all types of the graph. */
  readonly version?: WrittenOpset
  /** What operators of the graph are that are no standard ones. */
  readonly functions?: readonly GraphFunction[]
  /** Types of the outputs, where these do not follow from standard operators. */
  readonly types?: ReadonlyMap<string, ValueType>
}

/** A graph as the bytes of an ONNX file. Graphs with operators of our own must be lowered first. */
export function writeOnnx(graph: Graph, file: WrittenFile = {}): Uint8Array {
  const { metadata = new Map<string, string>(), functions = [], types = inferShapes(graph) } = file
  const isNewest = [...graph.initializers.values()].some(({ type }) => type === 'uint2')
  const { version = isNewest ? 25 : opset } = file
  const domains = [...new Set(graph.nodes.map((node) => node.domain))].filter((domain) => domain !== '')
  const model = create(ModelProtoSchema, {
    irVersion: irVersions[version],
    producerName: '2DQuant Studio',
    opsetImport: [
      { domain: '', version: BigInt(version) },
      ...domains.map((domain) => ({ domain, version: otherOpsets.get(domain) ?? 1n }))
    ],
    metadataProps: [...metadata].map(([key, value]) => ({ key, value })),
    graph: {
      name: 'graph',
      node: graph.nodes.map(nodeProto),
      initializer: [...graph.initializers].map(([name, tensor]) => tensorProto(name, tensor)),
      input: graph.inputs.map((input) => valueInfo(input.name, input)),
      output: graph.outputs.map((name) => {
        const type = types.get(name)
        if (type === undefined) throw new Error(`The output "${name}" is made by no node`)
        return valueInfo(name, type)
      })
    },
    functions: functions.map(({ op, domain, text, body }) => ({
      name: op,
      domain,
      docString: text,
      input: body.inputs.map(({ name }) => name),
      output: [...body.outputs],
      opsetImport: [{ domain: '', version: BigInt(version) }],
      node: [
        ...[...body.initializers].map(([name, value]) => {
          return nodeProto({
            name: '',
            op: 'Constant',
            domain: '',
            inputs: [],
            outputs: [name],
            attributes: { value: { kind: 'tensor', value } }
          })
        }),
        ...body.nodes.map(nodeProto)
      ]
    }))
  })
  return toBinary(ModelProtoSchema, model)
}

function nodeProto({ name, op, domain, inputs, outputs, attributes }: Node): MessageInitShape<typeof NodeProtoSchema> {
  return {
    name,
    opType: op,
    domain,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([key, attribute]) => attributeProto(key, attribute))
  }
}

export function attributeProto(name: string, attribute: Attribute): MessageInitShape<typeof AttributeProtoSchema> {
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
 * Reads the bytes of an ONNX file as they are: operators of any name and version, float16 and doubles widened to float32.
 * Sizes are checked against the bytes that are there.
 *
 * @param external gives what the model keeps in other files; without it, such a model is refused
 * @throws StudioError ('unreadable' for damaged files, 'refused' for content that is not supported)
 */
export function readOnnx(bytes: Uint8Array, file: string, external: ExternalData = refuseExternal(file)): OnnxModel {
  const model = parse(bytes, file)
  const proto = model.graph
  if (proto === undefined || proto.node.length === 0) {
    throw new StudioError('unreadable', `"${file}" is not a usable ONNX model: it holds no operators.`)
  }
  const standard = model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')
  return {
    graph: graphOf(proto, { file, external, functions: functionsOf(model) }),
    metadata: new Map(model.metadataProps.map(({ key, value }) => [key, value])),
    opset: Number(standard?.version ?? 1n)
  }
}

function refuseExternal(file: string): ExternalData {
  return (location) => {
    const what = `"${file}" keeps weights in another file, "${location}"`
    throw new StudioError('refused', `${what}, which is not read here; save the model as one file.`)
  }
}

/** What a file is called in errors, where it keeps what is not in it, and the operators that it defines itself. */
interface Source {
  readonly file: string
  readonly external: ExternalData
  readonly functions: ReadonlyMap<string, FunctionProto>
}

function functionsOf({ functions }: ModelProto): Source['functions'] {
  return new Map(functions.map((each) => [operatorKey(each.domain, each.name), each]))
}

const operatorKey = (domain: string, op: string): string => `${domain} ${op}`

function parse(bytes: Uint8Array, file: string): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes)
  } catch (cause) {
    throw new StudioError('unreadable', `"${file}" is not an ONNX file, or it is damaged.`, { cause })
  }
}

function graphOf(proto: GraphProto, source: Source): Graph {
  const { file } = source
  if (proto.sparseInitializer.length > 0) {
    throw new StudioError(
      'refused',
      `"${file}" holds sparse constants, which are not supported; save them as dense ones.`
    )
  }
  const initializers = new Map<string, Tensor>()
  const nodes: Node[] = []
  readNodes(proto, { source, initializers, nodes, names: new Map(), rename: (name) => name, depth: 0 })
  const inputs = proto.input.filter(({ name }) => !initializers.has(name)).map((value) => graphInput(value, file))
  expectAssignedOnce([...inputs.map(({ name }) => name), ...initializers.keys()], nodes, file)
  return { inputs, outputs: proto.output.map(({ name }) => name), initializers, nodes: sorted(nodes, file) }
}

/** Where nodes are read into, and what the values of a graph within the graph are called there. */
interface Reading {
  readonly source: Source
  readonly initializers: Map<string, Tensor>
  readonly nodes: Node[]
  /** How often a name was wanted. */
  readonly names: Map<string, number>
  readonly rename: (name: string) => string
  /** Graphs that this one is within. */
  readonly depth: number
}

/** Graphs within graphs are followed this far, and so many nodes may come of all. */
const deepest = 16
const mostNodes = 1_000_000

/**
 * Reads constants and nodes; what an If with a constant condition chooses stands in its place, and what a function of the file
 * consists of in that of its call.
 */
function readNodes(proto: Pick<GraphProto, 'initializer' | 'node'>, reading: Reading): void {
  const { source, initializers, nodes, names, rename } = reading
  const { file, external } = source
  for (const tensor of proto.initializer) initializers.set(rename(tensor.name), readTensor(tensor, file, external))
  for (const node of proto.node) {
    const outputs = node.output.map(rename)
    const inputs = node.input.map(rename)
    // Names need not be unique, and may be missing.
    const wanted = node.name === '' ? (outputs[0] ?? '') : node.name
    const times = (names.get(wanted) ?? 0) + 1
    names.set(wanted, times)
    const name = times === 1 ? wanted : `${wanted}#${times}`
    if (nodes.length >= mostNodes) {
      throw new StudioError(
        'refused',
        `"${file}" consists of more than ${mostNodes} operators, which is not supported.`
      )
    }
    const called = source.functions.get(operatorKey(node.domain, node.opType))
    if (called !== undefined) {
      readCall(node, called, { name, inputs, outputs }, reading)
      continue
    }
    if (node.opType === 'If') {
      readBranch(node, { name, outputs, condition: initializers.get(inputs[0] ?? '') }, reading)
      continue
    }
    const attributes = attributesOf(node, source)
    if (node.opType === 'Constant') {
      initializers.set(outputs[0] ?? '', constantOf(node, attributes, file))
      continue
    }
    const domain = node.domain === 'ai.onnx' ? '' : node.domain
    nodes.push({ name, op: node.opType, domain, inputs, outputs, attributes })
  }
}

function readBranch(
  node: NodeProto,
  {
    name,
    outputs,
    condition
  }: { readonly name: string; readonly outputs: readonly string[]; readonly condition: Tensor | undefined },
  reading: Reading
): void {
  const { nodes, rename, depth, source } = reading
  const where = `The operator If of node "${name}" in "${source.file}"`
  if (condition === undefined) {
    throw new StudioError(
      'refused',
      `${where} decides while the network runs, which is not supported; export it for one case.`
    )
  }
  expectNotTooDeep(where, depth)
  const chosen = Number(condition.data[0]) === 0 ? 'else_branch' : 'then_branch'
  const branch = node.attribute.find((attribute) => attribute.name === chosen)?.g
  if (branch === undefined) throw new StudioError('unreadable', `${where} has no ${chosen}.`)
  const made = branch.node.flatMap(({ output }) => output)
  const own = new Set([...branch.initializer.map((tensor) => tensor.name), ...made].filter((each) => each !== ''))
  const inner = (value: string): string => (own.has(value) ? `${name}/${value}` : rename(value))
  readNodes(branch, { ...reading, rename: inner, depth: depth + 1 })
  branch.output.forEach((value, i) => {
    const output = outputs[i] ?? ''
    const copy = { op: 'Identity', domain: '', inputs: [inner(value.name)], outputs: [output], attributes: {} }
    nodes.push({ name: `${name}/${i}`, ...copy })
  })
}

/** What a function of the file consists of, with the values and attributes of one call. */
function readCall(
  { attribute }: NodeProto,
  called: FunctionProto,
  { name, inputs, outputs }: Pick<Node, 'name' | 'inputs' | 'outputs'>,
  reading: Reading
): void {
  expectNotTooDeep(`The function ${called.name} of node "${name}" in "${reading.source.file}"`, reading.depth)
  const bound = new Map([
    ...called.input.map((each, i) => [each, inputs[i] ?? ''] as const),
    ...called.output.map((each, i) => [each, outputs[i] ?? ''] as const)
  ])
  const rename = (value: string): string => (value === '' ? '' : (bound.get(value) ?? `${name}/${value}`))
  const given = new Map([...called.attributeProto, ...attribute].map((each) => [each.name, each]))
  const node = called.node.map(({ name: own, opType, domain, input, output, attribute: written }) =>
    create(NodeProtoSchema, {
      name: own,
      opType,
      domain,
      input,
      output,
      attribute: written.flatMap((each) => attributeOfCall(each, given))
    })
  )
  readNodes({ initializer: [], node }, { ...reading, rename, depth: reading.depth + 1 })
}

/** An attribute in a function: where it is one of the function's, what the call gives for it, if anything. */
function attributeOfCall(own: AttributeProto, given: ReadonlyMap<string, AttributeProto>): AttributeProto[] {
  if (own.refAttrName === '') return [own]
  const found = given.get(own.refAttrName)
  return found === undefined ? [] : [Object.assign(clone(AttributeProtoSchema, found), { name: own.name })]
}

function expectNotTooDeep(where: string, depth: number): void {
  if (depth < deepest) return
  throw new StudioError('refused', `${where} lies within ${deepest} others, which is not supported.`)
}

function expectAssignedOnce(given: readonly string[], nodes: Graph['nodes'], file: string): void {
  const assigned = new Set(given)
  for (const { outputs } of nodes) {
    for (const output of outputs) {
      if (output !== '' && assigned.has(output)) {
        throw new StudioError('unreadable', `"${file}" is not a usable ONNX model: "${output}" is computed twice.`)
      }
      assigned.add(output)
    }
  }
}

/** What a Constant node stands for, whichever of its attributes holds it. */
function constantOf({ name }: NodeProto, attributes: Attributes, file: string): Tensor {
  const [attribute] = Object.values(attributes)
  switch (attribute?.kind) {
    case 'tensor':
      return attribute.value
    case 'float':
      return floatTensor([attribute.value], [])
    case 'floats':
      return floatTensor(attribute.value, [attribute.value.length])
    case 'int':
      return { ...indexTensor([attribute.value]), shape: [] }
    case 'ints':
      return indexTensor(attribute.value)
    case 'string':
    case 'strings':
    case undefined:
      throw new StudioError('refused', `The constant of node "${name}" in "${file}" is no tensor of numbers.`)
  }
}

/** Nodes in an order in which each reads only what earlier ones made. ONNX demands it; not every exporter complies. */
function sorted(nodes: Graph['nodes'], file: string): Graph['nodes'] {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
  const done = new Set<Node>()
  const order: Node[] = []
  for (const root of nodes) {
    const stack: { readonly node: Node; next: number }[] = [{ node: root, next: 0 }]
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
  const type = widenedType(tensor?.elemType ?? 0)
  if (tensor === undefined || type === null) {
    throw new StudioError('refused', `The input "${value.name}" of "${file}" has a type that is not supported.`)
  }
  const shape = (tensor.shape?.dim ?? []).map(({ value: size }, i): Dimension => {
    if (size.case === 'dimValue') return Number(size.value)
    return symbol(size.case === 'dimParam' && /^\w+$/.test(size.value) ? size.value : `${value.name}_${i}`)
  })
  return { name: value.name, type, shape }
}

function attributesOf(node: NodeProto, source: Source): Attributes {
  return Object.fromEntries(
    node.attribute.map((proto) => {
      const attribute = attributeOf(proto, node, source)
      // Halves and doubles are widened, so nothing is cast to them.
      const isTarget = node.opType === 'Cast' && proto.name === 'to' && attribute.kind === 'int'
      const type = isTarget ? widenedType(attribute.value) : null
      return [proto.name, type === null ? attribute : int(elementTypeCode(type))]
    })
  )
}

function attributeOf(proto: AttributeProto, node: NodeProto, { file, external }: Source): Attribute {
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
      if (proto.t !== undefined) return { kind: 'tensor', value: readTensor(proto.t, file, external) }
      break
    default:
  }
  const what = `The operator ${node.opType} of node "${node.name}" in "${file}" has an attribute "${proto.name}"`
  throw new StudioError('refused', `${what} of a kind that is not supported, such as a graph within the graph.`)
}
