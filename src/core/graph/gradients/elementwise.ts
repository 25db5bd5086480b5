import type { Value } from '../builder'
import type { BackwardStep, GradientRule } from './rule'

/** dx = dy · f′, where `derivative` appends f′ from x and y. */
function unary(derivative: (step: BackwardStep, x: Value, y: Value) => Value): GradientRule {
  return (step) => [step.builder.multiply(step.upstream, derivative(step, step.input(0), step.output()))]
}

/** 1 / √(2π), of the normal density. */
const density = 1 / Math.sqrt(2 * Math.PI)

function gaussian(step: BackwardStep, x: Value, factor: number, exponent: number): Value {
  const { builder } = step
  const power = builder.multiply(builder.multiply(x, x), builder.scalar(exponent))
  return builder.multiply(builder.apply('Exp', [power]), builder.scalar(factor))
}

export const elementwise: Readonly<Record<string, GradientRule>> = {
  Add: (step) => [0, 1].map((i) => step.when(i, () => step.unbroadcast(step.upstream, i))),

  Sum: (step) => step.node.inputs.map((_, i) => step.when(i, () => step.unbroadcast(step.upstream, i))),

  Sub: (step) => [
    step.when(0, () => step.unbroadcast(step.upstream, 0)),
    step.when(1, () => step.unbroadcast(step.builder.apply('Neg', [step.upstream]), 1))
  ],

  Mul: (step) =>
    [0, 1].map((i) => step.when(i, () => step.unbroadcast(step.builder.multiply(step.upstream, step.input(1 - i)), i))),

  /** d(a/b) = da/b − y·db/b. */
  Div: (step) => {
    const { builder } = step
    const scaled = builder.divide(step.upstream, step.input(1))
    return [
      step.when(0, () => step.unbroadcast(scaled, 0)),
      step.when(1, () => step.unbroadcast(builder.apply('Neg', [builder.multiply(scaled, step.output())]), 1))
    ]
  },

  /** Only the base: exponents are constants. */
  Pow: (step) => {
    if (step.wants(1)) throw step.misfit('its exponent is no constant')
    const { builder } = step
    const lower = builder.apply('Pow', [step.input(0), builder.subtract(step.input(1), builder.scalar(1))])
    const slope = builder.multiply(lower, step.input(1))
    return [step.unbroadcast(builder.multiply(step.upstream, slope), 0), null]
  },

  Neg: (step) => [step.builder.apply('Neg', [step.upstream])],
  Identity: (step) => [step.upstream],
  Abs: unary(({ builder }, x) => builder.apply('Sign', [x])),
  Exp: unary((_, __, y) => y),
  Log: (step) => [step.builder.divide(step.upstream, step.input(0))],
  /** 1 / (2 √x). */
  Sqrt: (step) => {
    const { builder } = step
    return [builder.divide(builder.multiply(step.upstream, builder.scalar(0.5)), step.output())]
  },
  /** 2/√π · exp(−x²). */
  Erf: unary((step, x) => gaussian(step, x, 2 / Math.sqrt(Math.PI), -1)),
  Sigmoid: unary(({ builder }, _, y) => builder.multiply(y, builder.subtract(builder.scalar(1), y))),
  Tanh: unary(({ builder }, _, y) => builder.subtract(builder.scalar(1), builder.multiply(y, y))),

  /** Φ(x) + x·φ(x), φ the normal density and Φ its integral. */
  Gelu: unary((step, x) => {
    const { builder } = step
    const erf = builder.apply('Erf', [builder.multiply(x, builder.scalar(Math.SQRT1_2))])
    const integral = builder.add(builder.multiply(erf, builder.scalar(0.5)), builder.scalar(0.5))
    return builder.add(integral, builder.multiply(x, gaussian(step, x, density, -0.5)))
  }),

  Relu: (step) => [maskedBy(step, positive(step, step.output()), step.upstream)],

  LeakyRelu: (step) => {
    const { builder, node } = step
    const slope = node.attributes['alpha']
    const alpha = builder.scalar(slope?.kind === 'float' ? slope.value : 0.01)
    const scaled = builder.multiply(step.upstream, alpha)
    return [builder.apply('Where', [positive(step, step.input(0)), step.upstream, scaled])]
  },

  /** Nothing passes where a bound was taken. */
  Clip: (step) => [
    maskedBy(step, step.builder.apply('Equal', [step.input(0), step.output()]), step.upstream),
    null,
    null
  ]
}

function positive({ builder }: BackwardStep, x: Value): Value {
  return builder.apply('Greater', [x, builder.scalar(0)])
}

/** `x` where a mask is true, 0 elsewhere. */
function maskedBy({ builder }: BackwardStep, mask: Value, x: Value): Value {
  return builder.apply('Where', [mask, x, builder.scalar(0)])
}
