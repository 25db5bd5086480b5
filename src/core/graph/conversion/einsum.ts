import { int, ints, stringAttribute, type Node } from '../graph'
import type { GraphBuilder, Value } from '../builder'
import { misfit } from '../operators/operator'
import type { Conversion } from './conversion'

/** An operand and the letters of its axes. */
interface Lettered {
  readonly value: Value
  readonly letters: readonly string[]
}

/**
 * Einsum of one or two operands without ellipses, in operators that quantizers and gradients know: a sum over one letter is a
 * MatMul, over several a product and a sum; letters of one operand alone are summed first.
 */
export const einsumAsProducts: Conversion = (node, builder) => {
  const { operands, result } = parse(node)
  const [a, b] = node.inputs.map((value, i) => {
    const others = operands.filter((_, j) => j !== i).flat()
    return summed(builder, { value, letters: operands[i] ?? [] }, [...others, ...result])
  })
  if (a === undefined) throw misfit(node, 'it has no operand')
  const made = b === undefined ? a : multiplied(builder, a, b, result, `${node.name}/MatMul`)
  const order = result.map((letter) => made.letters.indexOf(letter))
  builder.apply('Transpose', [made.value], { perm: ints(order) }, node.outputs[0])
}

function parse(node: Node): { readonly operands: readonly (readonly string[])[]; readonly result: readonly string[] } {
  const equation = stringAttribute(node, 'equation', '').replaceAll(' ', '')
  const [left = '', right] = equation.split('->')
  const operands = left.split(',').map((letters) => letters.split(''))
  const all = operands.flat()
  const once = all.filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).toSorted()
  const result = right === undefined ? once : right.split('')
  const isPlain = [...operands, result].every((letters) => {
    return letters.every((letter) => /^[A-Za-z]$/.test(letter)) && new Set(letters).size === letters.length
  })
  if (
    !isPlain ||
    operands.length > 2 ||
    operands.length !== node.inputs.length ||
    result.some((each) => !all.includes(each))
  ) {
    throw misfit(node, `its equation "${equation}" is not one of one or two operands, without ellipses and diagonals`)
  }
  return { operands, result }
}

/** Without the letters that are not kept. */
function summed(builder: GraphBuilder, { value, letters }: Lettered, kept: readonly string[]): Lettered {
  const gone = letters.flatMap((letter, axis) => (kept.includes(letter) ? [] : [axis]))
  if (gone.length === 0) return { value, letters }
  const sum = builder.apply('ReduceSum', [value, builder.integers(gone)], { keepdims: int(0) })
  return { value: sum, letters: letters.filter((letter) => kept.includes(letter)) }
}

function multiplied(
  builder: GraphBuilder,
  a: Lettered,
  b: Lettered,
  result: readonly string[],
  name: string
): Lettered {
  const shared = a.letters.filter((letter) => b.letters.includes(letter))
  const [batch, inner] = [true, false].map((isKept) => shared.filter((letter) => result.includes(letter) === isKept))
  const ofA = a.letters.filter((letter) => !shared.includes(letter))
  const ofB = b.letters.filter((letter) => !shared.includes(letter))
  const [row, column] = [ofA.at(-1), ofB.at(-1)]
  const [sum, ...more] = inner ?? []
  if (sum !== undefined && more.length === 0 && row !== undefined && column !== undefined) {
    // All but the last letters of either operand are axes of the batch, along which the other one is repeated.
    const leading = [...(batch ?? []), ...ofA.slice(0, -1), ...ofB.slice(0, -1)]
    const left = aligned(builder, a, [...leading, row, sum])
    const right = aligned(builder, b, [...leading, sum, column])
    return { value: builder.matmul(left, right, name), letters: [...leading, row, column] }
  }
  const letters = [...(batch ?? []), ...ofA, ...ofB, ...(inner ?? [])]
  const product = builder.multiply(aligned(builder, a, letters), aligned(builder, b, letters))
  return summed(builder, { value: product, letters }, result)
}

/** With axes in the order of `letters`, of size 1 for those it does not have. */
function aligned(builder: GraphBuilder, { value, letters: given }: Lettered, letters: readonly string[]): Value {
  const own = letters.filter((letter) => given.includes(letter))
  const isInOrder = own.every((letter, i) => letter === given[i])
  const ordered = isInOrder
    ? value
    : builder.transpose(
        value,
        own.map((letter) => given.indexOf(letter))
      )
  const missing = letters.flatMap((letter, axis) => (given.includes(letter) ? [] : [axis]))
  return missing.length === 0 ? ordered : builder.apply('Unsqueeze', [ordered, builder.integers(missing)])
}
