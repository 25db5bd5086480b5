import type { Value } from '../builder'
import { product } from '../dimension'
import { float, int, intAttribute, ints, intsAttribute, type Node } from '../graph'
import type { BackwardStep, GradientRule } from './rule'

/** The last two axes exchanged; `like` has as many as x. */
function transposed(step: BackwardStep, x: Value, like = x): Value {
  const order = step.shape(like).map((_, axis) => axis)
  return step.builder.transpose(x, [...order.slice(0, -2), order.length - 1, order.length - 2])
}

function isLarger(step: BackwardStep, a: Value, b: Value): boolean {
  const [first, second] = [product(step.shape(a)), product(step.shape(b))]
  return typeof first === 'number' && typeof second === 'number' && first > second
}

/** The first two axes exchanged: batch and channels. */
const exchanged = [1, 0, 2, 3]

/** Starts, ends, axes and steps of a Slice that turns kernels around. */
const turning = [
  [-1, -1],
  [Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
  [2, 3],
  [-1, -1]
]

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
        if (isLarger(step, a, b)) {
          // The smaller factor is transposed, and the product once more.
          const flipped = builder.matmul(transposed(step, step.upstream, step.output()), a)
          return summed(transposed(step, flipped, step.output()), 1)
        }
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

  /** dx is the convolution of dy by the kernel turned around; dw that of x by dy, where steps and dilations change places. */
  Conv: (step) => {
    const { builder, node } = step
    const group = intAttribute(node, 'group', 1)
    return [
      step.when(0, () => inputGradient(step, group)),
      step.when(1, () => kernelGradient(step, { value: step.input(0), like: step.input(0) }, step.upstream)),
      step.when(2, () => builder.apply('ReduceSum', [step.upstream, builder.integers([0, 2, 3])], { keepdims: int(0) }))
    ]
  },

  /** It is what gives the gradient of a convolution, so dx is that convolution of dy, and dw its kernel's gradient. */
  ConvTranspose: (step) => {
    const { builder, node } = step
    const attributes = Object.fromEntries(
      ['group', 'pads', 'strides', 'dilations'].flatMap((name) => {
        const attribute = node.attributes[name]
        return attribute === undefined ? [] : [[name, attribute] as const]
      })
    )
    const gradient = { value: step.upstream, like: step.output() }
    return [
      step.when(0, () => builder.apply('Conv', [step.upstream, step.input(1)], attributes)),
      step.when(1, () => kernelGradient(step, gradient, step.input(0))),
      step.when(2, () => builder.apply('ReduceSum', [step.upstream, builder.integers([0, 2, 3])], { keepdims: int(0) }))
    ]
  }
}

function inputGradient(step: BackwardStep, group: number): Value {
  const { builder, node } = step
  const [x, weight] = [step.input(0), step.input(1)]
  const sizes = [step.size(weight, 2), step.size(weight, 3)]
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
  const strides = intsAttribute(node, 'strides', [1, 1])
  const dilations = intsAttribute(node, 'dilations', [1, 1])
  const common = { kernel_shape: ints(sizes), group: int(group) }
  const back = pads.map((pad, i) => (sizes[i % 2] ?? 1) - 1 - pad)
  // More padding than the kernel reaches would have to be cut off.
  if ([...strides, ...dilations].some((value) => value !== 1) || back.some((pad) => pad < 0)) {
    // What the last step left over at the end.
    const left = [0, 1].map((i) => {
      const reach = (dilations[i] ?? 1) * ((sizes[i] ?? 1) - 1) + 1
      return (step.size(x, 2 + i) + (pads[i] ?? 0) + (pads[2 + i] ?? 0) - reach) % (strides[i] ?? 1)
    })
    const attributes = { strides: ints(strides), dilations: ints(dilations), output_padding: ints(left) }
    return builder.apply('ConvTranspose', [step.upstream, weight], { ...common, pads: ints(pads), ...attributes })
  }
  // The convolution by the kernel turned by 180°: half the time of ConvTranspose (measured: 3 against 7 ms).
  const turned = builder.apply('Slice', [weight, ...turning.map((values) => builder.integers(values))])
  const [outputs, inputs] = [step.size(weight, 0) / group, step.size(weight, 1)]
  const byGroup = builder.reshape(turned, [group, outputs, inputs, ...sizes])
  const kernel = builder.reshape(builder.transpose(byGroup, [0, 2, 1, 3, 4]), [group * inputs, outputs, ...sizes])
  return builder.apply('Conv', [step.upstream, kernel], { ...common, pads: ints(back) })
}

/**
 * The gradient of the kernel of a convolution of x by the node's second input.
 *
 * @param x what is convolved, and a value of the graph that has its shape
 * @param gradientOfOutput of what the convolution gives
 */
function kernelGradient(
  step: BackwardStep,
  x: { readonly value: Value; readonly like: Value },
  gradientOfOutput: Value
): Value {
  const { builder, node } = step
  const weight = step.input(1)
  const group = intAttribute(node, 'group', 1)
  const inputs = step.size(weight, 1)
  const [height, width] = [step.size(x.like, 2), step.size(x.like, 3)]
  // Samples become channels: [in of a group, group·batch, …] by [out, batch, …].
  const byGroup = builder.transpose(builder.reshape(x.value, [-1, group, inputs, height, width]), [2, 1, 0, 3, 4])
  const samples = builder.reshape(byGroup, [inputs, -1, height, width])
  const gradient = builder.apply('Conv', [samples, builder.transpose(gradientOfOutput, exchanged)], {
    group: int(group),
    pads: ints(intsAttribute(node, 'pads', [0, 0, 0, 0])),
    strides: ints(intsAttribute(node, 'dilations', [1, 1])),
    dilations: ints(intsAttribute(node, 'strides', [1, 1]))
  })
  const kernels = builder.transpose(gradient, exchanged)
  // Where steps do not reach the end of x, rows and columns too many come out.
  const sizes = builder.integers([step.size(weight, 2), step.size(weight, 3)])
  const strides = intsAttribute(node, 'strides', [1, 1])
  const isExact = strides.every((stride) => stride === 1)
  return isExact ? kernels : builder.slice(kernels, builder.integers([0, 0]), sizes, [2, 3])
}

/** Aᵀ·dy of a weight [in, out] that all rows of a tensor share: one product of all rows instead of a sum of many. */
function weightGradient(step: BackwardStep, a: Value): Value {
  const { builder } = step
  const rows = (value: Value, width: number): Value => builder.reshape(value, [-1, width])
  const [inputs, outputs] = [step.size(a, -1), step.size(step.output(), -1)]
  return builder.apply('Gemm', [rows(a, inputs), rows(step.upstream, outputs)], { transA: int(1) })
}
