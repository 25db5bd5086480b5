import * as tf from '@tensorflow/tfjs-core'
import type { Tensor } from '@tensorflow/tfjs-core'
import { elementTypeOfCode } from '../../../core/graph/operators/elementwise'
import { floatAttribute, intAttribute, stringAttribute } from '../../../core/graph/graph'
import { input, type Kernel } from './kernel'

type Unary = (x: Tensor) => Tensor
type Binary = (a: Tensor, b: Tensor) => Tensor

const unary =
  (compute: Unary): Kernel =>
  (at) =>
    compute(input(at, 0))

const binary =
  (compute: Binary): Kernel =>
  (at) =>
    compute(input(at, 0), input(at, 1))

const variadic =
  (compute: Binary): Kernel =>
  (at) =>
    at.inputs.slice(1).reduce<Tensor>((joined, _, i) => compute(joined, input(at, i + 1)), input(at, 0))

/** One operand and a number of the node. */
const withNumber =
  (name: string, usual: number, compute: (x: Tensor, value: number) => Tensor): Kernel =>
  (at) =>
    compute(input(at, 0), floatAttribute(at.node, name, usual))

/** Without its fraction, towards 0. */
const truncate: Unary = (x) => tf.mul(tf.sign(x), tf.floor(tf.abs(x)))

const float: Unary = (x) => tf.cast(x, 'float32')

/** The quotient of integers loses its fraction. */
const divide: Binary = (a, b) =>
  a.dtype === 'int32' ? tf.cast(truncate(tf.div(float(a), float(b))), 'int32') : tf.div(a, b)

/** The error function, by which Gelu is defined. */
const gelu: Unary = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1))

const approximateGelu: Unary = (x) => {
  const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.mul(x, x), x), 0.044715)), Math.sqrt(2 / Math.PI))
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1))
}

/** x between 0 and 1 after a line. */
const hardSigmoid = (x: Tensor, slope: number, offset: number): Tensor =>
  tf.clipByValue(tf.add(tf.mul(x, slope), offset), 0, 1)

const shift: Kernel = (at) => {
  const power = tf.pow(tf.scalar(2), float(input(at, 1)))
  const x = float(input(at, 0))
  if (stringAttribute(at.node, 'direction', '') === 'RIGHT') return tf.cast(tf.floor(tf.div(x, power)), 'int32')
  return tf.cast(tf.mod(tf.mul(x, power), at.outputs[0]?.type === 'uint8' ? 2 ** 8 : 2 ** 16), 'int32')
}

export const elementwise: Readonly<Record<string, Kernel>> = {
  Add: binary(tf.add),
  Sub: binary(tf.sub),
  Mul: binary(tf.mul),
  Div: binary(divide),
  /** Of the sign of the divisor, or with `fmod` of the dividend. */
  Mod: (at) => {
    const [a, b] = [input(at, 0), input(at, 1)]
    const whole = intAttribute(at.node, 'fmod', 0) === 0 ? tf.floor : truncate
    return tf.sub(a, tf.mul(b, tf.cast(whole(tf.div(float(a), float(b))), b.dtype)))
  },
  BitShift: shift,
  Pow: binary((a, b) => tf.pow(a, tf.cast(b, a.dtype))),
  PRelu: binary((x, slope) => tf.add(tf.relu(x), tf.mul(slope, tf.minimum(x, 0)))),
  And: binary(tf.logicalAnd),
  Or: binary(tf.logicalOr),
  Not: unary(tf.logicalNot),
  Equal: binary(tf.equal),
  Greater: binary(tf.greater),
  GreaterOrEqual: binary(tf.greaterEqual),
  Less: binary(tf.less),
  LessOrEqual: binary(tf.lessEqual),
  Where: (at) => tf.where(input(at, 0), input(at, 1), input(at, 2)),

  Min: variadic(tf.minimum),
  Max: variadic(tf.maximum),
  Sum: variadic(tf.add),

  Abs: unary(tf.abs),
  Neg: unary(tf.neg),
  Exp: unary(tf.exp),
  Log: unary(tf.log),
  Sqrt: unary(tf.sqrt),
  Sign: unary(tf.sign),
  Floor: unary(tf.floor),
  Ceil: unary(tf.ceil),
  Round: unary(tf.round),
  Reciprocal: unary((x) => tf.div(1, x)),
  Sin: unary(tf.sin),
  Cos: unary(tf.cos),
  Erf: unary(tf.erf),
  Gelu: (at) => (stringAttribute(at.node, 'approximate', 'none') === 'tanh' ? approximateGelu : gelu)(input(at, 0)),
  Relu: unary(tf.relu),
  LeakyRelu: withNumber('alpha', 0.01, tf.leakyRelu),
  Sigmoid: unary(tf.sigmoid),
  Tanh: unary(tf.tanh),
  Elu: withNumber('alpha', 1, (x, alpha) => tf.add(tf.relu(x), tf.mul(tf.sub(tf.exp(tf.minimum(x, 0)), 1), alpha))),
  HardSigmoid: (at) =>
    hardSigmoid(input(at, 0), floatAttribute(at.node, 'alpha', 0.2), floatAttribute(at.node, 'beta', 0.5)),
  HardSwish: unary((x) => tf.mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  Mish: unary((x) => tf.mul(x, tf.tanh(tf.softplus(x)))),
  Softplus: unary(tf.softplus),

  Clip: (at) => {
    const [x, least, most] = [input(at, 0), at.inputs[1], at.inputs[2]]
    const raised = least ? tf.maximum(x, least) : x
    return most ? tf.minimum(raised, most) : raised
  },

  Cast: (at) => {
    const x = input(at, 0)
    const type = elementTypeOfCode(intAttribute(at.node, 'to'))
    if (type === 'bool') return tf.notEqual(x, tf.scalar(0, x.dtype as 'int32'))
    return tf.cast(x, type === 'float32' ? 'float32' : 'int32')
  }
}
