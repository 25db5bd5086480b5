import type { Value } from '../builder'
import { float } from '../graph'
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

  /** −y². */
  Reciprocal: unary(({ builder }, _, y) => builder.apply('Neg', [builder.multiply(y, y)])),
  Sin: unary(({ builder }, x) => builder.apply('Cos', [x])),
  Cos: unary(({ builder }, x) => builder.apply('Neg', [builder.apply('Sin', [x])])),
  Softplus: unary(({ builder }, x) => builder.apply('Sigmoid', [x])),

  /** Of x·tanh(softplus x) with t the tangent: t + x (1 − t²) σ(x). */
  Mish: unary(({ builder }, x) => {
    const t = builder.apply('Tanh', [builder.apply('Softplus', [x])])
    const slope = builder.subtract(builder.scalar(1), builder.multiply(t, t))
    return builder.add(t, builder.multiply(builder.multiply(x, slope), builder.apply('Sigmoid', [x])))
  }),

  /** 1 where x > 0, else y + α. */
  Elu: unary((step, x, y) => {
    const { builder } = step
    const below = builder.add(y, builder.scalar(floatOf(step, 'alpha', 1)))
    return builder.apply('Where', [positive(step, x), builder.scalar(1), below])
  }),

  HardSigmoid: (step) => [
    step.builder.multiply(
      maskedBy(step, isBetween(step, step.output(), 0, 1), step.upstream),
      step.builder.scalar(floatOf(step, 'alpha', 0.2))
    )
  ],

  /** Of x·h(x) with h = min(max(x/6 + 1/2, 0), 1): h + x/6 where h is neither 0 nor 1. */
  HardSwish: unary((step, x) => {
    const { builder } = step
    const sixth = builder.multiply(x, builder.scalar(1 / 6))
    const hard = builder.apply('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) })
    return builder.add(hard, maskedBy(step, isBetween(step, hard, 0, 1), sixth))
  }),

  Relu: (step) => [maskedBy(step, positive(step, step.output()), step.upstream)],

  LeakyRelu: (step) => {
    const { builder } = step
    const alpha = builder.scalar(floatOf(step, 'alpha', 0.01))
    const scaled = builder.multiply(step.upstream, alpha)
    return [builder.apply('Where', [positive(step, step.input(0)), step.upstream, scaled])]
  },

  /** x·slope where x is not above 0. */
  PRelu: (step) => {
    const { builder, upstream } = step
    const [x, slope] = [step.input(0), step.input(1)]
    const isAbove = positive(step, x)
    return [
      step.when(0, () => builder.apply('Where', [isAbove, upstream, builder.multiply(upstream, slope)])),
      step.when(1, () => {
        const below = builder.apply('Where', [isAbove, builder.scalar(0), builder.multiply(upstream, x)])
        return step.unbroadcast(below, 1)
      })
    ]
  },

  Where: (step) => {
    const { builder, upstream } = step
    const [condition, zero] = [step.input(0), builder.scalar(0)]
    return [
      null,
      step.when(1, () => step.unbroadcast(builder.apply('Where', [condition, upstream, zero]), 1)),
      step.when(2, () => step.unbroadcast(builder.apply('Where', [condition, zero, upstream]), 2))
    ]
  },

  Max: (step) => ofTheChosen(step),
  Min: (step) => ofTheChosen(step),

  /** Nothing passes where a bound was taken. */
  Clip: (step) => [
    maskedBy(step, step.builder.apply('Equal', [step.input(0), step.output()]), step.upstream),
    null,
    null
  ]
}

/** The gradient goes to what was taken, which the output equals; where several are equal, each gets its share. */
function ofTheChosen(step: BackwardStep): readonly (Value | null)[] {
  const { builder } = step
  const taken = step.node.inputs.map((x) => builder.cast(builder.apply('Equal', [x, step.output()]), 'float32'))
  const share = builder.divide(step.upstream, builder.apply('Sum', taken))
  return taken.map((mask, i) => step.when(i, () => step.unbroadcast(builder.multiply(share, mask), i)))
}

function floatOf({ node }: BackwardStep, name: string, usual: number): number {
  const attribute = node.attributes[name]
  return attribute?.kind === 'float' ? attribute.value : usual
}

function isBetween({ builder }: BackwardStep, x: Value, low: number, high: number): Value {
  const isAbove = builder.apply('Greater', [x, builder.scalar(low)])
  return builder.apply('And', [isAbove, builder.apply('Less', [x, builder.scalar(high)])])
}

function positive({ builder }: BackwardStep, x: Value): Value {
  return builder.apply('Greater', [x, builder.scalar(0)])
}

/** `x` where a mask is true, 0 elsewhere. */
function maskedBy({ builder }: BackwardStep, mask: Value, x: Value): Value {
  return builder.apply('Where', [mask, x, builder.scalar(0)])
}
