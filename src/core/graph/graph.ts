import type { ElementType, Tensor } from '../tensor'
import type { Dimension } from './dimension'

/** An operator's parameter. The kind is kept because ONNX tells `1` from `1.0`. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }

export type Attributes = Readonly<Record<string, Attribute>>

export const int = (value: number): Attribute => ({ kind: 'int', value })
/** ONNX keeps numbers as float32. */
export const float = (value: number): Attribute => ({ kind: 'float', value: Math.fround(value) })
export const string = (value: string): Attribute => ({ kind: 'string', value })
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value })

/** One application of an operator with ONNX name and meaning. An absent optional input is the empty name. */
export interface Node {
  /** Unique within the graph; for a layer the name of its module, e.g. `layers.0.residual_group.blocks.0.mlp.fc1`. */
  readonly name: string
  readonly op: string
  /** '' for the standard operators. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Attributes
}

/** Element type and shape of a value. */
export interface ValueType {
  readonly type: ElementType
  readonly shape: readonly Dimension[]
}

/** A named input of a graph. */
export interface GraphInput extends ValueType {
  readonly name: string
}

/**
 * A computation in single-assignment form: nodes in topological order, every value assigned once, operators with ONNX
 * names and semantics. A graph is never changed; passes return new ones.
 */
export interface Graph {
  readonly inputs: readonly GraphInput[]
  /** Names of the values that are returned. */
  readonly outputs: readonly string[]
  readonly initializers: ReadonlyMap<string, Tensor>
  readonly nodes: readonly Node[]
}

/** An operator that is made of others: what a node of this name and domain stands for. Its constants are within. */
export interface GraphFunction {
  readonly op: string
  readonly domain: string
  /** What it does, for those who look into a file. */
  readonly text: string
  /** Its inputs by position; shapes and types tell nothing. */
  readonly body: Graph
}

/** Version of the standard operators that graphs are written in. */
export const opset = 21

/** Domain of the operators that only this program knows; they are lowered before a graph is run or written. */
export const ownDomain = 'studio.2dquant'

/** The integer attribute `name` of a node, or the operator's default. */
export function intAttribute(node: Node, name: string, fallback?: number): number {
  const attribute = node.attributes[name]
  if (attribute === undefined) {
    if (fallback === undefined) throw new Error(`Node "${node.name}" (${node.op}) lacks the attribute "${name}"`)
    return fallback
  }
  if (attribute.kind !== 'int') throw wrongKind(node, name, 'int')
  return attribute.value
}

/** The number attribute `name` of a node, or the operator's default. */
export function floatAttribute(node: Node, name: string, fallback: number): number {
  const attribute = node.attributes[name]
  if (attribute === undefined) return fallback
  if (attribute.kind !== 'float') throw wrongKind(node, name, 'float')
  return attribute.value
}

/** The list attribute `name` of a node, or the operator's default. */
export function intsAttribute<T>(node: Node, name: string, fallback: T): readonly number[] | T {
  const attribute = node.attributes[name]
  if (attribute === undefined) return fallback
  if (attribute.kind !== 'ints') throw wrongKind(node, name, 'ints')
  return attribute.value
}

/** The text attribute `name` of a node, or the operator's default. */
export function stringAttribute(node: Node, name: string, fallback: string): string {
  const attribute = node.attributes[name]
  if (attribute === undefined) return fallback
  if (attribute.kind !== 'string') throw wrongKind(node, name, 'string')
  return attribute.value
}

function wrongKind(node: Node, name: string, kind: string): Error {
  return new Error(`The attribute "${name}" of node "${node.name}" (${node.op}) is not of kind ${kind}`)
}
