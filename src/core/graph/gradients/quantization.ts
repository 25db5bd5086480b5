import { intAttribute, ownDomain, string } from '../graph'
import type { GradientRule } from './rule'

export const quantization: Readonly<Record<string, GradientRule>> = {
  StopGradient: () => [null],

  /**
   * The straight-through estimator of 2DQuant, as quantizerGradients in quantization/quantizer.ts has it. What a quantizer
   * gives its own bounds are its rows of the gradient of all bounds.
   */
  FakeQuantize: (step) => {
    const { builder, node } = step
    const [row, rows] = [intAttribute(node, 'row'), intAttribute(node, 'rows', 1)]
    const operands = [step.upstream, step.input(0), step.output(), step.input(1)]
    return [
      step.when(0, () => builder.apply('FakeQuantizeInputGradient', operands, node.attributes, undefined, ownDomain)),
      step.when(1, () => {
        const own = builder.apply('FakeQuantizeBoundsGradient', operands, node.attributes, undefined, ownDomain)
        const below = step.size(step.input(1), 0) - row - rows
        return builder.apply('Pad', [own, builder.integers([row, 0, below, 0])], { mode: string('constant') })
      }),
      null
    ]
  }
}
