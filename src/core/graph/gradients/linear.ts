import type { Value } from '../builder'
import { float, int, intAttribute, ints, intsAttribute, type Node } from '../graph'
import type { BackwardStep, GradientRule } from './rule'

/** The last two axes exchanged. */
function transposed(step: BackwardStep, x: Value): Value {
  const order = step.shape(x).map((_, axis) => axis)
  return step.builder.transpose(x, [...order.slice(0, -2), order.length - 1, order.length - 2])
}

/** The first two axes exchanged: batch and channels. */
const exchanged = [1, 0, 2, 3]

function alphaOf(node: Node): number {
  const alpha = node.attributes['alpha']
  return alpha?.kind === 'float' ? alpha.value : 1
}

export const linear: Readonly<Record<string, GradientRule>> = {
  /** da = dy·bᵀ, db = aᵀ·dy; leading axes may be repeated. */
  MatMul: (step) => {
    const { builder } = step
    const [a, b] = [step.input(0), step.input(1)]
    const repeated = step.shape(step.output()).slice(0, -2)
    const summed = (gradient: Value, index: number): Value =>
      step.unbroadcast(gradient, index, [...repeated, ...step.shape(step.input(index)).slice(-2)])
    return [
      step.when(0, () => summed(builder.matmul(step.upstream, transposed(step, b)), 0)),
      step.when(1, () => {
        if (step.shape(b).length === 2 && step.shape(a).length > 2) return weightGradient(step, a)
        return summed(builder.matmul(transposed(step, a), step.upstream), 1)
      })
    ]
  },

  /** y = α·a·b + c with either factor transposed. */
  Gemm: (step) => {
    const { builder, node } = step
    const [a, b] = [step.input(0), step.input(1)]
    const [transA, transB] = [intAttribute(node, 'transA', 0), intAttribute(node, 'transB', 0)]
    const product = (left: Value, right: Value, transLeft: number, transRight: number): Value =>
      builder.apply('Gemm', [left, right], {
        transA: int(transLeft),
        transB: int(transRight),
        alpha: float(alphaOf(node))
      })
    const dy = step.upstream
    return [
      step.when(0, () => (transA === 1 ? product(b, dy, transB, 1) : product(dy, b, 0, 1 - transB))),
      step.when(1, () => (transB === 1 ? product(dy, a, 1, transA) : product(a, dy, 1 - transA, 0))),
      step.when(2, () => step.unbroadcast(dy, 2))
    ]
  },

  /** Stride and dilation 1, one group. dx is the transposed convolution of dy; dw the convolution of x by dy. */
  Conv: (step) => {
    const { builder, node } = step
    const [x, weight] = [step.input(0), step.input(1)]
    const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
    const plain = [...intsAttribute(node, 'strides', [1, 1]), ...intsAttribute(node, 'dilations', [1, 1])]
    if (intAttribute(node, 'group', 1) !== 1 || plain.some((value) => value !== 1)) {
      throw step.misfit('groups, strides and dilations are not supported')
    }
    const kernel = [step.size(weight, 2), step.size(weight, 3)]
    return [
      step.when(0, () =>
        builder.apply('ConvTranspose', [step.upstream, weight], { kernel_shape: ints(kernel), pads: ints(pads) })
      ),
      step.when(1, () => {
        const byBatch = [x, step.upstream].map((value) => builder.transpose(value, exchanged))
        const gradient = builder.apply('Conv', byBatch, { pads: ints(pads) })
        return builder.transpose(gradient, exchanged)
      }),
      step.when(2, () => builder.apply('ReduceSum', [step.upstream, builder.integers([0, 2, 3])], { keepdims: int(0) }))
    ]
  }
}

/** Aᵀ·dy of a weight [in, out] that all rows of a tensor share: one product of all rows instead of a sum of many. */
function weightGradient(step: BackwardStep, a: Value): Value {
  const { builder } = step
  const rows = (value: Value, width: number): Value => builder.reshape(value, [-1, width])
  const [inputs, outputs] = [step.size(a, -1), step.size(step.output(), -1)]
  return builder.apply('Gemm', [rows(a, inputs), rows(step.upstream, outputs)], { transA: int(1) })
}
