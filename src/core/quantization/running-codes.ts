import type { GraphBuilder, Value } from '../graph/builder'
import type { Neighbours } from '../graph/neighbours'
import type { Tensor } from '../tensor'
import type { PlacedQuantizer } from './packing'
import { quantizedName, type QuantizerSite } from './placement'
import { levelsOf, stepOf } from './quantizer'

/** The codes of a value at run time, and what they stand for: step · (code − zero) + offset. */
export interface RunningCodes {
  readonly codes: Value
  /** An integer of the type of the codes; '' where it is 0. */
  readonly zero: Value
  readonly step: number
  readonly offset: number
}

/**
 * The code that stands nearest to 0, and what it stands for. Sums of codes from there are as large as what they stand for, and
 * lose nothing in float32; what is left for offsets is less than half a step, where 0 is within the bounds.
 *
 * @param lowers of all channels, which have one such code
 */
export function nearestToZero(
  lowers: readonly number[] | Float32Array,
  steps: readonly number[] | Float32Array,
  bits: number
): { readonly zero: number; readonly offsets: Float32Array } {
  const at = [...lowers].map((lower, i) => -lower / (steps[i] ?? NaN))
  const mean = at.reduce((sum, each) => sum + each, 0) / at.length
  const zero = Math.min(Math.max(Math.round(mean), 0), levelsOf(bits))
  return { zero, offsets: Float32Array.from(lowers, (lower, i) => lower + zero * (steps[i] ?? NaN)) }
}

/**
 * The most bits of signed codes whose products with bytes, two of them added, stay within 16 bits, as processors without VNNI add
 * them: 2 · 255 · (2⁶ − 1) < 2¹⁵. Signed codes on the right are what onnxruntime multiplies fastest.
 */
const mostSigned = 6

/** The type of codes that stand on the right of a product. */
export function typeOnTheRight(bits: number): 'int8' | 'uint8' {
  return bits <= mostSigned ? 'int8' : 'uint8'
}

/** Codes as a tensor of a type. */
export function codesTensor(type: 'int8' | 'uint8', codes: ArrayLike<number>, shape: readonly number[]): Tensor {
  return type === 'int8' ? { type, shape, data: Int8Array.from(codes) } : { type, shape, data: Uint8Array.from(codes) }
}

/** Lower bounds of less than this part of a step count as 0: in float32 that is no more than rounding. */
const negligible = 2 ** -24

/** The value that holds an activation's codes; what is quantized in the same way as another one before it has that one's. */
export const codesName = (site: QuantizerSite): string => `${quantizedName(site)}.codes`

/** The least that operators give. */
const leastOf: Readonly<Partial<Record<string, number>>> = { Softmax: 0, Sigmoid: 0, Relu: 0, Gelu: -0.1699713 }

/**
 * The codes of activations, clamp((x − l) / s) or, where the zero point is an integer, clamp(x / s + zero), in a graph under
 * construction; what is quantized in the same way twice is quantized once. QuantizeLinear clamps at the ends of its type: that is
 * enough below 0 of bytes, and with a zero point at their upper end it is enough above, where nothing is below.
 */
export class ActivationCodes {
  readonly #builder: GraphBuilder
  readonly #neighbours: Neighbours
  readonly #known = new Map<string, RunningCodes>()

  constructor(builder: GraphBuilder, neighbours: Neighbours) {
    this.#builder = builder
    this.#neighbours = neighbours
  }

  /** As bytes from 0. */
  bytes(placed: PlacedQuantizer): RunningCodes {
    return this.#make(placed, 'uint8', false)
  }

  /** As the left operand of a product whose other one has codes of so many bits. */
  left(placed: PlacedQuantizer, otherBits: number): RunningCodes {
    const { site, quantizer } = placed
    const { lower, bits } = quantizer
    const isNothingBelow = this.#leastOf(site.value) >= lower - stepOf(quantizer, bits) / 2
    return this.#make(placed, 'uint8', isNothingBelow && bits < 8 && otherBits <= mostSigned)
  }

  /** As the right operand of a product. */
  right(placed: PlacedQuantizer): RunningCodes {
    return this.#make(placed, typeOnTheRight(placed.quantizer.bits), false)
  }

  #make({ site, quantizer }: PlacedQuantizer, type: 'int8' | 'uint8', isAtUpperEnd: boolean): RunningCodes {
    const { bits } = quantizer
    const bounds = { lower: Math.fround(quantizer.lower), upper: Math.fround(quantizer.upper) }
    const key = [site.value, bounds.lower, bounds.upper, bits, type, isAtUpperEnd].join(' ')
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const builder = this.#builder
    const [step, levels] = [stepOf(bounds, bits), levelsOf(bits)]
    const lower = Math.abs(bounds.lower) < negligible * step ? 0 : bounds.lower
    const integer = (value: number): Value => builder.constant(codesTensor(type, [value], []))
    const least = isAtUpperEnd ? 255 - levels : 0
    const {
      zero: fromLower,
      offsets: [offset = NaN]
    } = nearestToZero([lower], [step], bits)
    const zero = least + fromLower
    const name = codesName(site)
    const quantize = (as?: string): Value => {
      const [value, from] =
        offset === 0 ? [site.value, zero] : [builder.subtract(site.value, builder.scalar(lower)), least]
      return builder.apply('QuantizeLinear', [value, builder.scalar(step), integer(from)], {}, as)
    }
    const isClamped = isAtUpperEnd || bits === 8
    const codes = isClamped
      ? quantize(name)
      : builder.apply('Clip', [quantize(), integer(0), integer(levels)], {}, name)
    const found = { codes, zero: zero === 0 ? '' : integer(zero), step, offset }
    this.#known.set(key, found)
    return found
  }

  /** The least that a value can hold, as far as the operator behind it tells. */
  #leastOf(value: Value): number {
    return leastOf[this.#neighbours.makerOf(value)?.op ?? ''] ?? -Infinity
  }
}
