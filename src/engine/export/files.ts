import type { Variant } from '../../contract/bounds'
import type { ExportKind, ExportResult } from '../../contract/results'
import type { Graph } from '../../core/graph/graph'
import { inferShapes } from '../../core/graph/infer'
import type { Model } from '../../core/models/model'
import type { Codes } from '../../core/quantization/codes'
import { compactNetwork } from '../../core/quantization/compact'
import { integerNetwork } from '../../core/quantization/integer'
import {
  codesOfWeight,
  codeType,
  packQuantizers,
  standardWriter,
  type PlacedQuantizer
} from '../../core/quantization/packing'
import { elementCount, floatTensor, type Tensor } from '../../core/tensor'
import { writeOnnx, type WrittenOpset } from '../../formats/onnx'
import { tensorBytes } from '../../formats/onnx-tensor'
import { writeSafetensors } from '../../formats/safetensors'
import { json } from '../run-folder'
import { appVersion } from '../version'

/** A variant of a run, and what files of it are made from. */
export interface ExportedVariant {
  readonly variant: Variant
  readonly model: Model
  /** Of the model's file. */
  readonly sha256: string
  /** In full precision, with the weights of the variant. */
  readonly graph: Graph
  readonly placed: readonly PlacedQuantizer[]
}

/** A file that was made: its bytes, and what these are of. */
export interface MadeFile {
  readonly bytes: Uint8Array
  readonly opset: WrittenOpset | null
  readonly parts: ExportResult['parts']
}

/** The file of each kind. */
export const writers: Readonly<Record<ExportKind, (exported: ExportedVariant, opset: WrittenOpset) => MadeFile>> = {
  packed: packedFile,
  compact: compactFile,
  integer: integerFile,
  bounds: boundsFile,
  safetensors: safetensorsFile
}

/** The ending of each kind's file. */
export const endings = {
  packed: 'onnx',
  compact: 'onnx',
  integer: 'onnx',
  bounds: 'json',
  safetensors: 'safetensors'
} as const satisfies Record<ExportKind, string>

/** The network in full precision as an ONNX file, which sizes and speed are compared with. */
export function fullPrecisionFile({ graph }: Pick<Model, 'graph'>): Uint8Array {
  return writeOnnx(graph)
}

/** Weights in the narrowest types of ONNX that hold their codes, activations by standard operators. */
function packedFile({ variant, model, sha256, graph, placed }: ExportedVariant, wanted: WrittenOpset): MadeFile {
  const weights = placed.filter(({ site }) => site.kind === 'weight')
  const needsNewest = weights.some(({ quantizer: { bits } }) => codeType(bits, wanted) === 'uint2')
  const opset = needsNewest ? wanted : 21
  const packed = packQuantizers(graph, placed, standardWriter(opset))
  const bytes = writeOnnx(packed, { metadata: metadataOf(variant, model, sha256), version: opset })
  const narrow = [...packed.initializers].filter(([name]) => name.endsWith('.quantized.codes'))
  return {
    bytes,
    opset,
    parts: partsOf(
      bytes,
      narrow.map(([, tensor]) => tensor),
      [...packed.initializers.values()]
    )
  }
}

/** The smallest file: weights as planes of bits, each quantizer one call of a function that the file defines. */
function compactFile({ variant, model, sha256, graph, placed }: ExportedVariant): MadeFile {
  const { graph: compact, functions } = compactNetwork(graph, placed)
  const types = inferShapes(model.graph)
  const bytes = writeOnnx(compact, { metadata: metadataOf(variant, model, sha256), functions, types })
  const quantized = [...compact.initializers.values()].filter(
    ({ type, shape }) => type === 'uint8' && shape.length === 3
  )
  return { bytes, opset: 21, parts: partsOf(bytes, quantized, [...compact.initializers.values()]) }
}

/** Layers and products in integers; for onnxruntime alone, whose own operators it takes. */
function integerFile({ variant, model, sha256, graph, placed }: ExportedVariant): MadeFile {
  const integer = integerNetwork(graph, placed)
  const bytes = writeOnnx(integer, { metadata: metadataOf(variant, model, sha256), types: inferShapes(model.graph) })
  const codes = [...integer.initializers.values()].filter(
    ({ type, data }) => type === 'int8' || (type === 'uint8' && data.length > 1)
  )
  return { bytes, opset: 21, parts: partsOf(bytes, codes, [...integer.initializers.values()]) }
}

/** What a reader of an ONNX file may want to know, and this program does when it imports it. */
function metadataOf({ method, bits }: Variant, { takes }: Model, sha256: string): ReadonlyMap<string, string> {
  return new Map([
    ['range', '0..1'],
    ['multiple', String(takes.step)],
    ['min_size', String(takes.least)],
    ['quantization', JSON.stringify({ method, bits, model: sha256, by: `2DQuant Studio ${appVersion}` })]
  ])
}

/** How a file's bytes fall to codes, to other tensors, and to all else. */
function partsOf(bytes: Uint8Array, codes: readonly Tensor[], all: readonly Tensor[]): ExportResult['parts'] {
  const sum = (tensors: readonly Tensor[]): number =>
    tensors.reduce((total, tensor) => total + tensorBytes(tensor).length, 0)
  const [ofCodes, ofAll] = [sum(codes), sum(all)]
  return [
    { part: 'codes', bytes: ofCodes },
    { part: 'tensors', bytes: ofAll - ofCodes },
    { part: 'structure', bytes: bytes.length - ofAll }
  ]
}

/** Bounds and bits by name, for those who quantize by a program of their own. */
function boundsFile({ variant, sha256 }: ExportedVariant): MadeFile {
  const { method, bits, quantizers } = variant
  const rows = quantizers.map(({ name, kind, bits: own, lower, upper, channels }) => {
    return { name, kind, bits: own, lower, upper, ...(channels && { channels }) }
  })
  const bytes = new TextEncoder().encode(json({ schema: 1, method, bits, model: { sha256 }, quantizers: rows }))
  return { bytes, opset: null, parts: [{ part: 'structure', bytes: bytes.length }] }
}

/**
 * Codes of weights, packed as ONNX packs them, with step and lower bound beside them; bounds of activations; all other tensors
 * in full precision. `quantizers` in the metadata tells shape, bits and channels' axis of each; docs/export.md has a loader.
 */
function safetensorsFile({ variant, sha256, graph, placed }: ExportedVariant): MadeFile {
  const tensors = new Map<string, Tensor>()
  const codes: Tensor[] = []
  const told: Record<string, unknown> = {}
  const values = new Set<string>()
  for (const { site, quantizer } of placed) {
    const { bits } = quantizer
    const weight = codesOfWeight(graph, { site, quantizer })
    if (weight === null) {
      tensors.set(`${site.name}.bounds`, floatTensor([quantizer.lower, quantizer.upper], [2]))
      told[site.name] = { kind: site.kind, bits }
      continue
    }
    const { codes: found, axis } = weight
    const packed = packedTensor(found)
    codes.push(packed)
    tensors.set(`${site.value}.codes`, packed)
    tensors.set(`${site.value}.step`, floatTensor(found.steps, [found.steps.length]))
    tensors.set(`${site.value}.lower`, floatTensor(found.lowers, [found.lowers.length]))
    told[site.value] = { kind: site.kind, bits, stored: storedBits(bits), shape: found.shape, axis }
    values.add(site.value)
  }
  for (const [name, tensor] of graph.initializers) {
    if (tensor.type === 'float32' && !values.has(name)) tensors.set(name, tensor)
  }
  const { method, bits } = variant
  const metadata = {
    format: 'pt',
    quantization: JSON.stringify({ method, bits, model: sha256 }),
    quantizers: JSON.stringify(told)
  }
  const bytes = writeSafetensors(tensors, metadata)
  return { bytes, opset: null, parts: partsOf(bytes, codes, [...tensors.values()]) }
}

/** Bits that a code takes in a file. */
const storedBits = (bits: number): 2 | 4 | 8 => (bits <= 2 ? 2 : bits <= 4 ? 4 : 8)

function packedTensor({ codes, bits }: Codes): Tensor {
  const type = ({ 2: 'uint2', 4: 'uint4', 8: 'uint8' } as const)[storedBits(bits)]
  const data = tensorBytes({ type, shape: [elementCount([codes.length])], data: codes })
  return { type: 'uint8', shape: [data.length], data }
}
