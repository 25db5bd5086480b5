import type { Tensor } from '@tensorflow/tfjs-core'
import { StudioError } from '../../../core/errors'
import type { Node } from '../../../core/graph/graph'
import { misfit, type Operand } from '../../../core/graph/operators/operator'
import type { ElementType } from '../../../core/tensor'

/** Type and size of a value of a graph whose inputs have fixed sizes. */
export interface FixedType {
  readonly type: ElementType
  readonly shape: readonly number[]
}

/** One application of an operator, and its operands on the device. All integers are int32 there. */
export interface Application {
  readonly node: Node
  /** An absent optional operand is null. */
  readonly inputs: readonly (Tensor | null)[]
  /** What is known of them before running. */
  readonly operands: readonly (Operand | null)[]
  readonly outputs: readonly FixedType[]
}

/**
 * Computes an operator of ONNX by those of tfjs. What else it makes is given back by the caller (`tf.tidy`), who also copies what is
 * an operand returned as it is.
 */
export type Kernel = (application: Application) => Tensor | readonly Tensor[]

/** The operand at `index`. Throws where it is absent. */
export function input({ node, inputs }: Application, index: number): Tensor {
  const found = inputs[index]
  if (found === undefined || found === null) throw misfit(node, `its input ${index} is absent`)
  return found
}

/** The shape of the first output, as tfjs wants it. */
export function outputShape({ outputs: [first] }: Application): number[] {
  return [...(first?.shape ?? [])]
}

/** An error for what onnxruntime does and this runtime does not. */
export function notHere({ op, name }: Node, what: string): StudioError {
  return new StudioError(
    'refused',
    `The runtime tfjs cannot compute ${op} (node "${name}") with ${what}; use the runtime onnxruntime.`
  )
}
