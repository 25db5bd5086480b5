import type { ElementType } from '../../tensor'
import { add, divideFloor, isWhole, modulo, multiply, sameDimension, subtract, type Dimension } from '../dimension'
import { intAttribute, stringAttribute, type ValueType } from '../graph'
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
  [9, 'bool'],
  [21, 'uint4'],
  [25, 'uint2']
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

/** How symbolic numbers are joined; null where no formula has the result. */
type SymbolicRule = (a: Dimension, b: Dimension, type: ElementType) => Dimension | null

/** Elements none of which is missing, else null. */
function complete(elements: readonly (Dimension | null)[]): readonly Dimension[] | null {
  return elements.every((element) => element !== null) ? elements : null
}

/** Element by element with broadcasting; symbolic numbers where `symbolic` says how. */
function binary(rule: NumberRule, symbolic: SymbolicRule = () => null, boolean = false): Operator {
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
      // Quotients of integers lose their fraction.
      const round = output?.type === 'float32' ? Math.fround : Math.trunc
      const joined = x.map((left, i) => {
        const right = y[i] ?? NaN
        const areNumbers = typeof left === 'number' && typeof right === 'number'
        return areNumbers ? round(rule(left, right)) : symbolic(left, right, a.type)
      })
      const elements = complete(joined)
      return elements === null ? null : [elements]
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

/** Symbolic sizes are never negative, so that rounding down is the same as ONNX's cutting off. */
const quotient: SymbolicRule = (a, b, type) => {
  if (type !== 'float32') return divideFloor(a, b)
  if (typeof b === 'number') return multiply(a, 1 / b)
  return modulo(a, b) === 0 ? divideFloor(a, b) : null
}

const equality: SymbolicRule = (a, b) => Number(sameDimension(a, b))

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
      const elements = complete(
        known.map((value) => {
          if (typeof value === 'number') return type === 'float32' ? Math.fround(rule(value)) : rule(value)
          return rounds.has(node.op) && isWhole(value) ? value : null
        })
      )
      return elements === null ? null : [elements]
    }
  }
}

/** Operators that leave whole numbers as they are. */
const rounds: ReadonlySet<string> = new Set(['Floor', 'Ceil'])

/** Operators with any number of operands of one type. */
function variadic(rule: NumberRule): Operator {
  return {
    infer(node, inputs) {
      const first = required(node, inputs, 0)
      const shape = inputs.reduce((sum, input) => broadcast(node, sum, input?.shape ?? []), first.shape)
      return [{ type: first.type, shape }]
    },
    evaluate(node, inputs, [output]) {
      const shape = numericShape(node, output?.shape ?? [])
      const operands = inputs.map((_, i) => {
        const { known, shape: own } = required(node, inputs, i)
        return pick(known, shape, broadcastStrides(numericShape(node, own), shape.length))
      })
      const [first = [], ...others] = operands
      const elements = complete(
        first.map((start, i) =>
          others.reduce<Dimension | null>((sum, operand) => {
            const next = operand[i]
            return typeof sum === 'number' && typeof next === 'number' ? rule(sum, next) : null
          }, start)
        )
      )
      return elements === null ? null : [elements]
    }
  }
}

const shiftRight = binary((a, b) => Math.floor(a / 2 ** b))

export const elementwise: Readonly<Record<string, Operator>> = {
  Add: binary((a, b) => a + b, add),
  Sub: binary((a, b) => a - b, subtract),
  Mul: binary((a, b) => a * b, multiply),
  Div: binary((a, b) => a / b, quotient),
  Mod: binary((a, b) => a - b * Math.floor(a / b), modulo),
  /** To the left, bits are lost that depend on the type: left to the runtime. */
  BitShift: {
    infer: shiftRight.infer,
    evaluate: (node, inputs, outputs) =>
      stringAttribute(node, 'direction', '') === 'RIGHT' ? (shiftRight.evaluate?.(node, inputs, outputs) ?? null) : null
  },
  /** The exponent may be of another type. */
  Pow: {
    ...binary((a, b) => a ** b),
    infer(node, inputs) {
      const [base, exponent] = [required(node, inputs, 0), required(node, inputs, 1)]
      return [{ type: base.type, shape: broadcast(node, base.shape, exponent.shape) }]
    }
  },
  PRelu: binary((x, slope) => (x < 0 ? slope * x : x)),
  And: binary((a, b) => a && b, undefined, true),
  Or: binary((a, b) => a || b, undefined, true),
  Equal: binary((a, b) => Number(a === b), equality, true),
  Greater: binary((a, b) => Number(a > b), undefined, true),
  GreaterOrEqual: binary((a, b) => Number(a >= b), undefined, true),
  Less: binary((a, b) => Number(a < b), undefined, true),
  LessOrEqual: binary((a, b) => Number(a <= b), undefined, true),
  Not: unary((x) => Number(x === 0)),

  Min: variadic(Math.min),
  Max: variadic(Math.max),
  Sum: variadic((a, b) => Math.fround(a + b)),

  Abs: unary(Math.abs),
  Neg: unary((x) => -x),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Sign: unary(Math.sign),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Reciprocal: unary((x) => 1 / x),
  Sin: unary(Math.sin),
  Cos: unary(Math.cos),
  Round: unary(),
  Erf: unary(),
  Gelu: unary(),
  Relu: unary(),
  LeakyRelu: unary(),
  Sigmoid: unary(),
  Tanh: unary(),
  Elu: unary(),
  HardSigmoid: unary(),
  HardSwish: unary(),
  Mish: unary(),
  Softplus: unary(),

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
      const elements = complete(
        known.map((value) => {
          if (typeof value !== 'number') return isWhole(value) ? value : null
          return output?.type === 'bool' ? Number(value !== 0) : Math.trunc(value)
        })
      )
      return elements === null ? null : [elements]
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
