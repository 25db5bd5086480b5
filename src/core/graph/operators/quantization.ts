import { intAttribute } from '../graph'
import { required, type Operator } from './operator'

const sameAsFirst: Operator = {
  infer(node, inputs) {
    const { type, shape } = required(node, inputs, 0)
    return [{ type, shape }]
  }
}

export const quantization: Readonly<Record<string, Operator>> = {
  /** Type of the codes is that of the zero point; without one, uint8. */
  QuantizeLinear: {
    infer(node, inputs) {
      return [{ type: inputs[2]?.type ?? 'uint8', shape: required(node, inputs, 0).shape }]
    }
  },

  DequantizeLinear: {
    infer(node, inputs) {
      return [{ type: 'float32', shape: required(node, inputs, 0).shape }]
    }
  },

  /** Ours (quantization/quantizer.ts): x, the bounds of all quantizers [rows, 2], their levels [rows]. */
  FakeQuantize: sameAsFirst,

  /** Ours: x, of which no gradient is taken. */
  StopGradient: sameAsFirst,

  /** Ours: the gradient of Q(x) with respect to x, from dy, x, Q(x) and the bounds of all quantizers. */
  FakeQuantizeInputGradient: sameAsFirst,

  /** Ours: the gradient with respect to the quantizer's own bounds [its rows, 2], from the same operands. */
  FakeQuantizeBoundsGradient: {
    infer: (node) => [{ type: 'float32', shape: [intAttribute(node, 'rows', 1), 2] }]
  }
}
