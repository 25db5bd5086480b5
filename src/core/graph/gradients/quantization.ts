import { intAttribute, ownDomain, string, int } from '../graph'
import type { GradientRule } from './rule'

export const quantization: Readonly<Record<string, GradientRule>> = {
  StopGradient: () => [null],

  /**
   * The straight-through estimator of 2DQuant, as quantizerGradients in quantization/quantizer.ts has it. What a quantizer
   * gives its own bounds is one row of the gradient of all bounds.
   */
  FakeQuantize: (step) => {
    const { builder, node } = step
    const quantizer = intAttribute(node, 'quantizer')
    const operands = [step.upstream, step.input(0), step.output(), step.input(1)]
    const attributes = { quantizer: int(quantizer) }
    return [
      step.when(0, () => builder.apply('FakeQuantizeInputGradient', operands, attributes, undefined, ownDomain)),
      step.when(1, () => {
        const row = builder.apply('FakeQuantizeBoundsGradient', operands, attributes, undefined, ownDomain)
        const below = step.size(step.input(1), 0) - quantizer - 1
        return builder.apply('Pad', [row, builder.integers([quantizer, 0, below, 0])], { mode: string('constant') })
      }),
      null
    ]
  }
}
