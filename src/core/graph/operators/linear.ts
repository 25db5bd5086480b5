import { add, divideFloor, format, multiply, sameDimension, subtract, type Dimension } from '../dimension'
import { intAttribute, intsAttribute, stringAttribute, type Node, type ValueType } from '../graph'
import { broadcast, misfit, numeric, required, type Operand, type Operator } from './operator'

function sameInner(node: Node, a: Dimension | undefined, b: Dimension | undefined): void {
  if (a === undefined || b === undefined || !sameDimension(a, b)) {
    throw misfit(node, `its inner sizes ${format(a ?? NaN)} and ${format(b ?? NaN)} differ`)
  }
}

/** Of matrices, whose axes before the last two are spread. */
function inferProduct(node: Node, inputs: readonly (Operand | null)[]): ValueType {
  const a = required(node, inputs, 0)
  const b = required(node, inputs, 1)
  if (a.shape.length < 2 || b.shape.length < 2) throw misfit(node, 'vectors are not supported')
  sameInner(node, a.shape.at(-1), b.shape.at(-2))
  const batch = broadcast(node, a.shape.slice(0, -2), b.shape.slice(0, -2))
  return { type: a.type, shape: [...batch, a.shape.at(-2) ?? 0, b.shape.at(-1) ?? 0] }
}

/** Two-dimensional convolution, groups and dilations included. */
function inferConvolution(node: Node, inputs: readonly (Operand | null)[]): ValueType {
  const x = required(node, inputs, 0)
  const weight = required(node, inputs, 1)
  if (x.shape.length !== 4) throw misfit(node, 'only two-dimensional convolutions are supported')
  const group = intAttribute(node, 'group', 1)
  sameInner(node, x.shape[1], multiply(weight.shape[1] ?? 0, group))
  const kernel = weight.shape.slice(2).map((size) => numeric(node, size))
  const spatial = windowCounts(node, x.shape, kernel)
  return { type: x.type, shape: [x.shape[0] ?? 0, weight.shape[0] ?? 0, ...spatial] }
}

export const linear: Readonly<Record<string, Operator>> = {
  MatMul: { infer: (node, inputs) => [inferProduct(node, inputs)] },

  /** Of onnxruntime: integers, their scales, zero points and a bias. */
  MatMulIntegerToFloat: { infer: (node, inputs) => [{ ...inferProduct(node, inputs), type: 'float32' }] },

  Gemm: {
    infer(node, inputs) {
      const a = required(node, inputs, 0)
      const b = required(node, inputs, 1)
      const [rows, inner] = intAttribute(node, 'transA', 0) === 1 ? [a.shape[1], a.shape[0]] : a.shape
      const [inner2, columns] = intAttribute(node, 'transB', 0) === 1 ? [b.shape[1], b.shape[0]] : b.shape
      sameInner(node, inner, inner2)
      return [{ type: a.type, shape: [rows ?? 0, columns ?? 0] }]
    }
  },

  Conv: { infer: (node, inputs) => [inferConvolution(node, inputs)] },

  ConvInteger: { infer: (node, inputs) => [{ ...inferConvolution(node, inputs), type: 'int32' }] },

  /** The transpose of a convolution: weight [in, out of a group, k, k]. */
  ConvTranspose: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      const weight = required(node, inputs, 1)
      sameInner(node, x.shape[1], weight.shape[0])
      const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
      const strides = intsAttribute(node, 'strides', [1, 1])
      const dilations = intsAttribute(node, 'dilations', [1, 1])
      const padding = intsAttribute(node, 'output_padding', [0, 0])
      const spatial = [0, 1].map((i) => {
        const reach = (dilations[i] ?? 1) * (numeric(node, weight.shape[2 + i]) - 1) + 1
        const rest = reach + (padding[i] ?? 0) - (pads[i] ?? 0) - (pads[2 + i] ?? 0)
        return add(multiply(subtract(x.shape[2 + i] ?? 0, 1), strides[i] ?? 1), rest)
      })
      const outputs = multiply(weight.shape[1] ?? 0, intAttribute(node, 'group', 1))
      return [{ type: x.type, shape: [x.shape[0] ?? 0, outputs, ...spatial] }]
    }
  },

  /** The largest value of each window; optionally where in x it stands (int64, counted over all of x). */
  MaxPool: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      if (x.shape.length !== 4) throw misfit(node, 'only two-dimensional pooling is supported')
      const kernel = intsAttribute(node, 'kernel_shape', [1, 1])
      const shape = [...x.shape.slice(0, 2), ...windowCounts(node, x.shape, kernel)]
      if (intAttribute(node, 'ceil_mode', 0) !== 0) throw misfit(node, 'ceil_mode is not supported')
      const types = [
        { type: x.type, shape },
        { type: 'int64' as const, shape }
      ]
      return types.slice(0, node.outputs.length)
    }
  },

  AveragePool: {
    infer(node, inputs) {
      const x = required(node, inputs, 0)
      if (x.shape.length !== 4) throw misfit(node, 'only two-dimensional pooling is supported')
      if (intAttribute(node, 'ceil_mode', 0) !== 0) throw misfit(node, 'ceil_mode is not supported')
      const kernel = intsAttribute(node, 'kernel_shape', [1, 1])
      return [{ type: x.type, shape: [...x.shape.slice(0, 2), ...windowCounts(node, x.shape, kernel)] }]
    }
  },

  /** The mean of every channel. */
  GlobalAveragePool: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      return [{ type, shape: shape.map((size, axis) => (axis < 2 ? size : 1)) }]
    }
  }
}

/** How many windows fit along height and width. */
function windowCounts(node: Node, shape: readonly Dimension[], kernel: readonly number[]): Dimension[] {
  if (stringAttribute(node, 'auto_pad', 'NOTSET') !== 'NOTSET') throw misfit(node, 'auto_pad is not supported')
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
  const strides = intsAttribute(node, 'strides', [1, 1])
  const dilations = intsAttribute(node, 'dilations', [1, 1])
  return [0, 1].map((i) => {
    const reach = (dilations[i] ?? 1) * ((kernel[i] ?? 1) - 1) + 1
    const padded = add(shape[2 + i] ?? 0, (pads[i] ?? 0) + (pads[2 + i] ?? 0))
    return add(divideFloor(subtract(padded, reach), strides[i] ?? 1), 1)
  })
}
