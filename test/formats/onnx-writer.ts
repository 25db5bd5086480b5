import { create, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, type ModelProto } from 'onnx-buf'
import type { Attributes } from '../../src/core/graph/graph'
import type { Tensor } from '../../src/core/tensor'
import { attributeProto } from '../../src/formats/onnx'
import { tensorProto } from '../../src/formats/onnx-tensor'

/** One node of a file that is written. */
export interface WrittenNode {
  readonly op: string
  readonly name?: string
  readonly domain?: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes?: Attributes
}

/** What an ONNX file holds, as its writer wants it: nothing is checked or converted. */
export interface WrittenFile {
  readonly opset: number
  /** Element type by its ONNX number, 1 (float32) where it is absent; sizes by number or name. */
  readonly inputs: readonly {
    readonly name: string
    readonly shape: readonly (number | string)[]
    readonly type?: number
  }[]
  readonly outputs: readonly string[]
  readonly nodes: readonly WrittenNode[]
  readonly constants?: Readonly<Record<string, Tensor>>
  readonly metadata?: Readonly<Record<string, string>>
  /** Changes what will be written. */
  readonly edit?: (model: ModelProto) => void
}

/** The bytes of an ONNX file. */
export function onnxFile({
  opset,
  inputs,
  outputs,
  nodes,
  constants = {},
  metadata = {},
  edit
}: WrittenFile): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: '', version: BigInt(opset) },
      { domain: 'com.microsoft', version: 1n }
    ],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'graph',
      node: nodes.map(({ op, name = '', domain = '', inputs: read, outputs: made, attributes = {} }) => ({
        name,
        opType: op,
        domain,
        input: [...read],
        output: [...made],
        attribute: Object.entries(attributes).map(([key, attribute]) => attributeProto(key, attribute))
      })),
      initializer: Object.entries(constants).map(([name, tensor]) => tensorProto(name, tensor)),
      input: inputs.map(({ name, shape, type = 1 }) => ({
        name,
        type: {
          value: { case: 'tensorType' as const, value: { elemType: type, shape: { dim: shape.map(dimension) } } }
        }
      })),
      output: outputs.map((name) => ({
        name,
        type: { value: { case: 'tensorType' as const, value: { elemType: inputs[0]?.type ?? 1 } } }
      }))
    }
  })
  edit?.(model)
  return toBinary(ModelProtoSchema, model)
}

function dimension(size: number | string) {
  return typeof size === 'number'
    ? { value: { case: 'dimValue' as const, value: BigInt(size) } }
    : { value: { case: 'dimParam' as const, value: size } }
}
