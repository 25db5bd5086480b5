import type { GraphBuilder } from '../builder'
import type { Node, ValueType } from '../graph'
import type { Tensor } from '../../tensor'

/** Writes a node of an older operator set in the operators of ours: appends what computes its outputs, under their names. */
export type Conversion = (node: Node, builder: GraphBuilder, constants: ReadonlyMap<string, Tensor>) => void

/** The same where the shapes of values decide how. */
export type ShapedConversion = (
  node: Node,
  builder: GraphBuilder,
  types: ReadonlyMap<string, ValueType>,
  constants: ReadonlyMap<string, Tensor>
) => void

/** The node with other inputs, and without the attributes that have become inputs. */
export function rewritten(node: Node, inputs: readonly string[], gone: readonly string[]): Node {
  const attributes = Object.fromEntries(Object.entries(node.attributes).filter(([name]) => !gone.includes(name)))
  return { ...node, inputs, attributes }
}
