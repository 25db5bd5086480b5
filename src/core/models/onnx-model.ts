import { StudioError } from '../errors'
import { layerCosts, macsAtSize } from '../evaluation/complexity'
import { contributedDomain, contributedOperators, convertByShape, convertOperators } from '../graph/conversion/convert'
import { cleanUp } from '../graph/clean-up'
import { dropDead } from '../graph/fold'
import type { Graph } from '../graph/graph'
import { operators } from '../graph/operators'
import { quantization } from '../graph/operators/quantization'
import { elementCount } from '../tensor'
import { findQuantizerSites, type QuantizerSite } from '../quantization/placement'
import { nameLayers } from './layer-names'
import { takenSize, type Model, type PlacementRule, type SizeRule } from './model'
import { picturePort, withHouseNames } from './picture-ports'
import { residualFeatures } from './residual-features'
import { probeSizes } from './size-probing'
import { splitProjections } from './split-projections'

/** A network as an ONNX file holds it. */
export interface OnnxNetwork {
  readonly graph: Graph
  /** Free text, of which `arch`, `multiple` and `min_size` are heeded. */
  readonly metadata: ReadonlyMap<string, string>
  /** Version of the standard operators it was written in. */
  readonly opset: number
}

/** Every product with a constant weight and every product of activations, but the first and the last convolution. */
const everywhere: PlacementRule = { linear: true, convolution: true, product: true, firstAndLast: false }

/** Networks of which convolutions are a smaller share are transformers, whose few convolutions the paper leaves as they are. */
const leastConvolutions = 1 / 3

/**
 * A super-resolution network out of an ONNX file: one picture in, one picture out, a whole number of times as large. What it
 * takes follows from the shapes of its values in symbols; its values are in the range of the file still (`withValueRange`).
 *
 * @param name what to call the file in errors
 * @throws StudioError ('refused') naming what does not fit
 */
export function buildOnnxModel(network: OnnxNetwork, name: string): Model {
  try {
    return build(network)
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
    throw new StudioError(error.code, `"${name}" cannot be used: ${lowerFirst(error.message)}`, { cause: error })
  }
}

function build({ graph: given, metadata, opset }: OnnxNetwork): Model {
  const converted = dropDead(convertOperators(given, opset))
  expectKnownOperators(converted, opset)
  expectNumbers(converted)
  const port = picturePort(converted)
  const sized = probeSizes(converted, port, toldSizes(metadata))
  const { channels, takes, enlarged } = sized
  const standard = convertByShape(sized.graph, opset, sized.types)
  const housed = withHouseNames({ ...standard, outputs: [enlarged.output] }, port, enlarged.output)
  const graph = nameLayers(cleanUp(splitProjections(cleanUp(housed))))
  const placement = placementIn(graph, takenSize({ takes, fixedSize: port.fixed?.height ?? null }, usualSize))
  const { fixed } = port
  if (fixed !== null && fixed.height !== fixed.width) {
    const size = `${fixed.width}×${fixed.height}`
    throw new StudioError('refused', `It takes pictures of ${size} only; export it for squares, or for any size.`)
  }
  return {
    architecture: metadata.get('arch') ?? 'ONNX',
    config: { opset, layout: port.layout, ...(fixed === null && { multiple: takes.step, min_size: takes.least }) },
    scale: enlarged.scale,
    channels,
    multiple: takes.step,
    padding: 'skips-edge',
    takes,
    fixedSize: fixed?.height ?? null,
    parameters: countParameters(converted),
    graph,
    features: residualFeatures(graph, findQuantizerSites(graph, placement)),
    placement,
    published: { omittedParameters: 0, countedShare: new Map() }
  }
}

/** Pixels across a picture that operations are counted for. */
const usualSize = 64

/** Where quantizers stand, by what a network mostly consists of. */
function placementIn(graph: Graph, size: number): PlacementRule {
  const convolution = new Set(findQuantizerSites(graph, { ...everywhere, linear: false, product: false }).map(nodeOf))
  const any = new Set(findQuantizerSites(graph, everywhere).map(nodeOf))
  let [ofConvolutions, ofAll] = [0, 0]
  for (const { node, macs } of layerCosts(graph)) {
    const count = any.has(node) ? macsAtSize(macs, size, size) : 0
    ofAll += count
    if (convolution.has(node)) ofConvolutions += count
  }
  return ofConvolutions < leastConvolutions * ofAll ? { ...everywhere, convolution: false } : everywhere
}

const nodeOf = ({ readers }: QuantizerSite): string => readers[0]?.node ?? ''

/** Sizes that the file tells. */
function toldSizes(metadata: ReadonlyMap<string, string>): Partial<SizeRule> {
  const whole = (key: string): number | undefined => {
    const value = Number(metadata.get(key))
    return Number.isInteger(value) && value >= 1 && value <= 4096 ? value : undefined
  }
  const [step, least] = [whole('multiple'), whole('min_size')]
  return { ...(step !== undefined && { step }), ...(least !== undefined && { least }) }
}

/** Throws a StudioError that names the operators which are not known, the first node of each, and the set they are of. */
function expectKnownOperators({ nodes, outputs }: Graph, opset: number): void {
  if (outputs.length === 0) throw new StudioError('refused', 'It has no output, and a picture is expected.')
  const unknown = new Map<string, string>()
  for (const { op, domain, name } of nodes) {
    const isOfFiles = !(op in quantization) || op.endsWith('Linear')
    const isOurs = domain === (contributedOperators.has(op) ? contributedDomain : '') && operators.has(op) && isOfFiles
    const title = domain === '' ? op : `${domain}.${op}`
    if (!isOurs && !unknown.has(title)) unknown.set(title, name)
  }
  if (unknown.size === 0) return
  const listed = [...unknown].map(([op, name]) => `${op} (node "${name}")`).join(', ')
  const many = unknown.size === 1 ? 'The operator' : 'The operators'
  const what = `${many} ${listed} of opset ${opset} ${unknown.size === 1 ? 'is' : 'are'} not supported`
  throw new StudioError('refused', `${what}; all others in it are. Export the network without.`)
}

/** Throws a StudioError naming a constant that is not a number somewhere. Masks may be −∞. */
function expectNumbers({ initializers }: Graph): void {
  for (const [name, { type, data }] of initializers) {
    const at = type === 'float32' ? data.findIndex(Number.isNaN) : -1
    if (at < 0) continue
    const what = `The constant "${name}" is no number at position ${at}`
    throw new StudioError('refused', `${what}; the file is damaged, or the training of the network diverged.`)
  }
}

/** Values of all constants that are no single numbers; without indices, shapes and the factors of a Resize. */
function countParameters({ initializers, nodes }: Graph): number {
  const operands = new Set(nodes.flatMap(({ op, inputs }) => (op === 'Resize' ? inputs.slice(0, 1) : inputs)))
  const sizes = [...initializers].map(([name, { type, shape }]) => {
    return operands.has(name) && type === 'float32' ? elementCount(shape) : 0
  })
  return sizes.reduce((sum, size) => sum + (size > 1 ? size : 0), 0)
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)
