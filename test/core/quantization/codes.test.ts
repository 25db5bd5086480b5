import { describe, expect, it } from 'vitest'
import { codesOf, packCodes, unpackCodes } from '../../../src/core/quantization/codes'
import { planesOf } from '../../../src/core/quantization/compact'
import { codeType, valuesOf } from '../../../src/core/quantization/packing'
import { quantize } from '../../../src/core/quantization/quantizer'
import { floatTensor } from '../../../src/core/tensor'

const weight = floatTensor(
  Float32Array.from({ length: 24 }, (_, i) => Math.sin(i * 1.7) * 0.8),
  [2, 3, 4]
)

describe('codes of a weight', () => {
  it.each([2, 3, 4, 6, 8])('of %d bits stand for what the quantizer gives, bit for bit', (bits) => {
    const bounds = { lower: -0.61, upper: 0.73 }
    const codes = codesOf(weight, { ...bounds, bits }, null)
    expect(Math.max(...codes.codes)).toBe(2 ** bits - 1)
    const inFloat32 = { lower: Math.fround(bounds.lower), upper: Math.fround(bounds.upper) }
    expect(valuesOf(codes, null).data).toEqual(weight.data.map((value) => quantize(value, inFloat32, bits)))
  })

  it('have bounds of their channel, on whichever axis', () => {
    const channels = [
      { lower: -0.1, upper: 0.2 },
      { lower: -0.5, upper: 0.4 },
      { lower: -0.8, upper: 0.9 }
    ]
    const values = valuesOf(codesOf(weight, { lower: -0.8, upper: 0.9, bits: 2, channels }, 1), 1)
    const expected = weight.data.map((value, i) => {
      const { lower = NaN, upper = NaN } = channels[Math.floor(i / 4) % 3] ?? {}
      return quantize(value, { lower: Math.fround(lower), upper: Math.fround(upper) }, 2)
    })
    expect(values.data).toEqual(expected)
  })

  it('are packed from the lowest bits on, as ONNX has it', () => {
    expect([...packCodes([1, 2, 15, 4, 5], 4)]).toEqual([0x21, 0x4f, 0x05])
    expect([...packCodes([0, 1, 2, 3, 1], 2)]).toEqual([0b11100100, 0b01])
    expect(unpackCodes(Uint8Array.of(0x21, 0x4f, 0x05), 4, 5)).toEqual(Uint8Array.of(1, 2, 15, 4, 5))
    expect(unpackCodes(Uint8Array.of(1), 2, 5)).toBeNull()
  })

  it('are planes of bits, the lowest first', () => {
    const { shape, data } = planesOf(Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 7), 3)
    expect([shape, [...data]]).toEqual([
      [3, 1, 1],
      [0b10100101, 0b11000110, 0b11110000]
    ])
  })

  it('are of the narrowest type that there is', () => {
    expect([2, 3, 4, 6, 8].map((bits) => codeType(bits, 25))).toEqual(['uint2', 'uint4', 'uint4', 'uint8', 'uint8'])
    expect(codeType(2, 21)).toBe('uint4')
  })
})
