import type { ElementType } from '../../tensor'
import { add, divideFloor, modulo, multiply, sameDimension, subtract, type Dimension } from '../dimension'
import { intAttribute, type ValueType } from '../graph'
import {
  broadcast,
  broadcastStrides,
  misfit,
  numericShape,
  pick,
  required,
  type KnownOperand,
  type Operator
} from './operator'

/** Element types in the order of ONNX's TensorProto.DataType, for Cast. */
const elementTypeCodes: ReadonlyMap<number, ElementType> = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool']
])

/** The number ONNX gives an element type. */
export function elementTypeCode(type: ElementType): number {
  for (const [code, name] of elementTypeCodes) if (name === type) return code
  throw new Error(`ONNX has no code for ${type}`)
}

/** The element type with an ONNX number, or null where this program does not know it. */
export function elementTypeOfCode(code: number): ElementType | null {
  return elementTypeCodes.get(code) ?? null
}

type NumberRule = (a: number, b: number) => number

/** Element by element with broadcasting; symbolic integers where `symbolic` says how. */
function binary(
  rule: NumberRule,
  symbolic: ((a: Dimension, b: Dimension) => Dimension) | null,
  boolean = false
): Operator {
  return {
    infer(node, inputs) {
      const a = required(node, inputs, 0)
      const b = required(node, inputs, 1)
      if (a.type !== b.type) throw misfit(node, `its operands are of types ${a.type} and ${b.type}`)
      return [{ type: boolean ? 'bool' : a.type, shape: broadcast(node, a.shape, b.shape) }]
    },
    evaluate(node, inputs, [output]) {
      const a = required(node, inputs, 0)
      const b = required(node, inputs, 1)
      const [x, y] = broadcastPair(node, a, b, output)
      const round = output?.type === 'float32' ? Math.fround : (value: number) => value
      return [
        x.map((left, i) => {
          const right = y[i] ?? NaN
          if (typeof left === 'number' && typeof right === 'number') {
            return a.type === 'float32' || symbolic === null ? round(rule(left, right)) : symbolic(left, right)
          }
          if (symbolic === null) throw misfit(node, 'its operands are known only at run time')
          return symbolic(left, right)
        })
      ]
    }
  }
}

function broadcastPair(
  node: Parameters<typeof numericShape>[0],
  a: KnownOperand,
  b: KnownOperand,
  output: ValueType | undefined
): [Dimension[], Dimension[]] {
  const shape = numericShape(node, output?.shape ?? [])
  const expand = (operand: KnownOperand): Dimension[] =>
    pick(operand.known, shape, broadcastStrides(numericShape(node, operand.shape), shape.length))
  return [expand(a), expand(b)]
}

/** Integers lose their fraction, as in ONNX; symbolic sizes are never negative, where rounding down is the same. */
function divideTruncating(a: Dimension, b: Dimension): Dimension {
  return typeof a === 'number' && typeof b === 'number' ? Math.trunc(a / b) : divideFloor(a, b)
}

const equality = (a: Dimension, b: Dimension): Dimension => Number(sameDimension(a, b))

/** Element by element, same shape and type. */
function unary(rule?: (x: number) => number): Operator {
  const infer: Operator['infer'] = (node, inputs) => {
    const { type, shape } = required(node, inputs, 0)
    return [{ type, shape }]
  }
  if (rule === undefined) return { infer }
  return {
    infer,
    evaluate(node, inputs) {
      const { type, known } = required(node, inputs, 0)
      return [
        known.map((value) => {
          if (typeof value !== 'number') throw misfit(node, 'its operand is known only at run time')
          return type === 'float32' ? Math.fround(rule(value)) : rule(value)
        })
      ]
    }
  }
}

/** Operators with any number of operands of one type. */
const variadic: Operator = {
  infer(node, inputs) {
    const first = required(node, inputs, 0)
    const shape = inputs.reduce((sum, input) => broadcast(node, sum, input?.shape ?? []), first.shape)
    return [{ type: first.type, shape }]
  }
}

export const elementwise: Readonly<Record<string, Operator>> = {
  Add: binary((a, b) => a + b, add),
  Sub: binary((a, b) => a - b, subtract),
  Mul: binary((a, b) => a * b, multiply),
  Div: binary((a, b) => a / b, divideTruncating),
  Mod: binary((a, b) => a - b * Math.floor(a / b), modulo),
  Pow: binary((a, b) => a ** b, null),
  And: binary((a, b) => a && b, null, true),
  Or: binary((a, b) => a || b, null, true),
  Equal: binary((a, b) => Number(a === b), equality, true),
  Greater: binary((a, b) => Number(a > b), null, true),
  GreaterOrEqual: binary((a, b) => Number(a >= b), null, true),
  Less: binary((a, b) => Number(a < b), null, true),
  LessOrEqual: binary((a, b) => Number(a <= b), null, true),

  Min: variadic,
  Max: variadic,
  Sum: variadic,

  Abs: unary(Math.abs),
  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Sign: unary(Math.sign),
  Floor: unary(Math.floor),
  Round: unary(),
  Erf: unary(),
  Gelu: unary(),
  Relu: unary(),
  LeakyRelu: unary(),
  Sigmoid: unary(),
  Tanh: unary(),

  Clip: unary(),

  Cast: {
    infer(node, inputs) {
      const type = elementTypeOfCode(intAttribute(node, 'to'))
      if (type === null) throw misfit(node, `its target type ${intAttribute(node, 'to')} is not supported`)
      return [{ type, shape: required(node, inputs, 0).shape }]
    },
    evaluate(node, inputs, [output]) {
      const { known } = required(node, inputs, 0)
      if (output?.type === 'float32') return [known]
      return [
        known.map((value) => {
          if (typeof value !== 'number') return value
          return output?.type === 'bool' ? Number(value !== 0) : Math.trunc(value)
        })
      ]
    }
  },

  Where: {
    infer(node, inputs) {
      const condition = required(node, inputs, 0)
      const a = required(node, inputs, 1)
      const b = required(node, inputs, 2)
      return [{ type: a.type, shape: broadcast(node, broadcast(node, a.shape, b.shape), condition.shape) }]
    },
    evaluate(node, inputs, [output]) {
      const shape = numericShape(node, output?.shape ?? [])
      const [condition, a, b] = [0, 1, 2].map((i) => {
        const operand = required(node, inputs, i)
        return pick(operand.known, shape, broadcastStrides(numericShape(node, operand.shape), shape.length))
      })
      return [(condition ?? []).map((take, i) => (take !== 0 ? a : b)?.[i] ?? NaN)]
    }
  }
}
