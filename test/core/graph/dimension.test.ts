import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  add,
  bind,
  divideFloor,
  evaluateDimension,
  format,
  modulo,
  multiply,
  product,
  sameDimension,
  subtract,
  symbol,
  type Dimension
} from '../../../src/core/graph/dimension'

const [h, w] = [symbol('height'), symbol('width')]

/** A formula twice: as a dimension, and as arithmetic on numbers. */
interface Formula {
  readonly dimension: Dimension
  readonly value: (height: number, width: number) => number
}

const formulas = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.integer({ min: -9, max: 9 }).map((n): Formula => ({ dimension: n, value: () => n })),
    fc.constant<Formula>({ dimension: h, value: (height) => height }),
    fc.constant<Formula>({ dimension: w, value: (_, width) => width }),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]): Formula => {
      return { dimension: add(a.dimension, b.dimension), value: (x, y) => a.value(x, y) + b.value(x, y) }
    }),
    fc.tuple(tie('formula'), tie('formula')).map(([a, b]): Formula => {
      return { dimension: multiply(a.dimension, b.dimension), value: (x, y) => a.value(x, y) * b.value(x, y) }
    }),
    fc.tuple(tie('formula'), fc.integer({ min: 1, max: 9 })).map(([a, n]): Formula => {
      return { dimension: divideFloor(a.dimension, n), value: (x, y) => Math.floor(a.value(x, y) / n) }
    }),
    fc.tuple(tie('formula'), fc.integer({ min: 1, max: 9 })).map(([a, n]): Formula => {
      return { dimension: modulo(a.dimension, n), value: (x, y) => ((a.value(x, y) % n) + n) % n }
    })
  )
})).formula

describe('a symbolic dimension', () => {
  it('is worth what the same arithmetic gives on numbers', () => {
    const size = fc.integer({ min: 1, max: 50 })
    fc.assert(
      fc.property(formulas, size, size, ({ dimension, value }, height, width) => {
        const bindings = new Map([
          ['height', height],
          ['width', width]
        ])
        const expected = value(height, width)
        fc.pre(Math.abs(expected) < 2 ** 40)
        expect(evaluateDimension(dimension, bindings) + 0).toBe(expected + 0)
        const half = bind(dimension, new Map([['height', height]]))
        expect(evaluateDimension(half, bindings) + 0).toBe(expected + 0)
      }),
      { numRuns: 500 }
    )
  })

  it('has one form however it is made', () => {
    const square = multiply(add(h, 1), add(h, -1))
    expect(sameDimension(square, subtract(multiply(h, h), 1))).toBe(true)
    expect(sameDimension(square, multiply(h, h))).toBe(false)
    expect(format(add(multiply(w, 4), multiply(h, 4)))).toBe(format(multiply(4, add(h, w))))
    expect(subtract(multiply(h, w), multiply(w, h))).toBe(0)
  })

  it('divides exactly where the divisor is a factor', () => {
    expect(format(divideFloor(multiply(h, multiply(w, 64)), multiply(w, 16)))).toBe(format(multiply(4, h)))
    expect(format(divideFloor(add(multiply(h, 8), 7), 8))).toBe('height')
    expect(modulo(multiply(h, 8), 8)).toBe(0)
    expect(format(product([h, w, 3]))).toBe('3*height*width')
    const [rows, columns] = [add(h, 6), add(w, 6)]
    expect(format(divideFloor(product([rows, columns, 6]), multiply(columns, 6)))).toBe(format(rows))
  })

  it('has no number while a symbol is free', () => {
    expect(() => evaluateDimension(add(h, 1))).toThrow(/height/)
  })

  it('of which only multiples occur divides by their factors, and reads as any other', () => {
    const side = symbol('side', 16)
    expect([4, 8, 3].map((n) => format(divideFloor(side, n)))).toEqual(['side/4', 'side/8', 'floor((side)/(3))'])
    expect(format(multiply(divideFloor(side, 8), 32))).toBe('4*side')
    expect(format(multiply(divideFloor(side, 8), divideFloor(side, 8)))).toBe('side*side/64')
    expect(sameDimension(multiply(divideFloor(side, 8), 8), side)).toBe(true)
    expect(evaluateDimension(divideFloor(side, 8), new Map([['side', 48]]))).toBe(6)
    expect(() => bind(side, new Map([['side', 50]]))).toThrow('side 50 is no multiple of 16')
  })
})
