import { StudioError } from '../../errors'
import { format, sameDimension, type Dimension } from '../dimension'
import type { Node, ValueType } from '../graph'

/** An operand during inference: its type and, where it is known before running, its elements in row-major order. */
export interface Operand extends ValueType {
  readonly known: readonly Dimension[] | null
}

/** What is known about an operator: how output types follow from inputs, and how constant operands fold. */
export interface Operator {
  /** Types of all outputs. An absent optional input is null. Throws a StudioError where the inputs do not fit. */
  infer(node: Node, inputs: readonly (Operand | null)[]): readonly ValueType[]
  /**
   * Elements of all outputs when all inputs are known; booleans are 0 and 1. Null where they depend on what symbols stand
   * for in a way that no formula has. Absent where folding is of no use.
   */
  evaluate?(
    node: Node,
    inputs: readonly (KnownOperand | null)[],
    outputs: readonly ValueType[]
  ): readonly (readonly Dimension[])[] | null
}

/** An operand all of whose elements are known. */
export interface KnownOperand extends Operand {
  readonly known: readonly Dimension[]
}

/** The operand at `index`. Throws if it is absent. */
export function required<T extends Operand>(node: Node, inputs: readonly (T | null)[], index: number): T {
  const input = inputs[index]
  if (input === undefined || input === null) throw misfit(node, `its input ${index} is absent`)
  return input
}

/** The known integers of the operand at `index`, or null where it is absent. Throws where they depend on run time. */
export function knownIntegers(node: Node, inputs: readonly (Operand | null)[], index: number): number[] | null {
  const input = inputs[index]
  if (input === undefined || input === null) return null
  return knownDimensions(node, input).map((value) => {
    if (typeof value !== 'number') throw misfit(node, `its input ${index} is known only at run time`)
    return value
  })
}

/** The known elements of an operand that decides a shape. Throws where nothing is known about them. */
export function knownDimensions(node: Node, input: Operand): readonly Dimension[] {
  if (input.known === null) throw misfit(node, 'a shape depends on the values of a picture')
  return input.known
}

/** A numeric size. Throws where it is known only at run time. */
export function numeric(node: Node, dimension: Dimension | undefined): number {
  if (typeof dimension !== 'number') throw misfit(node, `a size must be fixed but is ${format(dimension ?? NaN)}`)
  return dimension
}

/** An error that names the node and what does not fit. */
export function misfit(node: Node, what: string): StudioError {
  return new StudioError('refused', `The operator ${node.op} of node "${node.name}" cannot be used: ${what}.`)
}

/** An axis counted from the front. */
export function normalizeAxis(node: Node, axis: number, rank: number): number {
  const normalized = axis < 0 ? axis + rank : axis
  if (normalized < 0 || normalized >= rank) throw misfit(node, `axis ${axis} is outside a tensor of rank ${rank}`)
  return normalized
}

/** The shape two operands have after multidirectional broadcasting. */
export function broadcast(node: Node, a: readonly Dimension[], b: readonly Dimension[]): readonly Dimension[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    if (x === 1) return y
    if (y === 1 || sameDimension(x, y)) return x
    throw misfit(node, `shapes [${a.map(format).join(', ')}] and [${b.map(format).join(', ')}] do not broadcast`)
  })
}

/** Row-major strides; 0 along axes of size 1, so that they repeat under broadcasting. */
export function broadcastStrides(shape: readonly number[], rank: number): number[] {
  const strides = new Array<number>(rank).fill(0)
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const size = shape[i] ?? 1
    strides[rank - shape.length + i] = size === 1 ? 0 : stride
    stride *= size
  }
  return strides
}

/**
 * Visits all positions of `shape` in row-major order with the offset that `strides` give each; the work of transposing,
 * slicing, gathering and broadcasting constants.
 */
export function forEachOffset(
  shape: readonly number[],
  strides: readonly number[],
  start: number,
  visit: (offset: number) => void
): void {
  const walk = (axis: number, offset: number): void => {
    if (axis === shape.length) {
      visit(offset)
      return
    }
    const size = shape[axis] ?? 0
    const stride = strides[axis] ?? 0
    if (axis === shape.length - 1) for (let i = 0; i < size; i++) visit(offset + i * stride)
    else for (let i = 0; i < size; i++) walk(axis + 1, offset + i * stride)
  }
  walk(0, start)
}

/** Picks elements of a row-major array at the offsets of a strided view. */
export function pick(
  data: readonly Dimension[],
  shape: readonly number[],
  strides: readonly number[],
  start = 0
): Dimension[] {
  const picked: Dimension[] = []
  forEachOffset(shape, strides, start, (offset) => picked.push(data[offset] ?? NaN))
  return picked
}

/** The shape as numbers. Throws where it is known only at run time. */
export function numericShape(node: Node, shape: readonly Dimension[]): number[] {
  return shape.map((dimension) => numeric(node, dimension))
}
