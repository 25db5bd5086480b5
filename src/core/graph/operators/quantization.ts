import { required, type Operator } from './operator'

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

  /** Ours (quantization/quantizer.ts): a tensor and the bounds of all quantizers, [quantizers, 2]. */
  FakeQuantize: {
    infer(node, inputs) {
      const { type, shape } = required(node, inputs, 0)
      return [{ type, shape }]
    }
  }
}
