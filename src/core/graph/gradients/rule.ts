import { StudioError } from '../../errors'
import type { GraphBuilder, Value } from '../builder'
import { format, sameDimension, type Dimension } from '../dimension'
import { int, type Node, type ValueType } from '../graph'
import type { Tensor } from '../../tensor'

/** Gradients of the loss with respect to a node's inputs; null where none is wanted. */
export type InputGradients = readonly (Value | null)[]

/**
 * The gradient rule of one operator: appends what computes the gradients of its inputs. Called only if the loss depends
 * on the node's first output.
 */
export type GradientRule = (step: BackwardStep) => InputGradients

/** One node on the way back, and what its rule needs to know. */
export class BackwardStep {
  readonly builder: GraphBuilder
  readonly node: Node
  /** The gradients of the loss with respect to the node's outputs; null where it does not depend on one. */
  readonly upstreams: readonly (Value | null)[]
  readonly #types: ReadonlyMap<string, ValueType>
  readonly #wanted: ReadonlySet<string>
  readonly #constants: ReadonlyMap<string, Tensor>

  constructor(
    builder: GraphBuilder,
    node: Node,
    upstreams: readonly (Value | null)[],
    types: ReadonlyMap<string, ValueType>,
    wanted: ReadonlySet<string>,
    constants: ReadonlyMap<string, Tensor>
  ) {
    this.builder = builder
    this.node = node
    this.upstreams = upstreams
    this.#types = types
    this.#wanted = wanted
    this.#constants = constants
  }

  /** The gradient with respect to the first output. */
  get upstream(): Value {
    const [upstream] = this.upstreams
    if (upstream === null || upstream === undefined) throw this.misfit('the loss depends on another output only')
    return upstream
  }

  input(index: number): Value {
    const name = this.node.inputs[index]
    if (name === undefined || name === '') throw this.misfit(`its input ${index} is absent`)
    return name
  }

  output(index = 0): Value {
    return this.node.outputs[index] ?? ''
  }

  /** The elements of a constant input, or null where it is absent or computed at run time. */
  constant(index: number): readonly number[] | null {
    const tensor = this.#constants.get(this.node.inputs[index] ?? '')
    return tensor === undefined ? null : Array.from(tensor.data, Number)
  }

  /** Whether the gradient of an input is needed. */
  wants(index: number): boolean {
    return this.#wanted.has(this.node.inputs[index] ?? '')
  }

  /** `gradient` computed only where the input's gradient is needed. */
  when(index: number, gradient: () => Value): Value | null {
    return this.wants(index) ? gradient() : null
  }

  shape(value: Value): readonly Dimension[] {
    const type = this.#types.get(value)
    if (type === undefined) throw new Error(`The type of "${value}" is not known`)
    return type.shape
  }

  /** A size that must be known before running. */
  size(value: Value, axis: number): number {
    const size = this.shape(value).at(axis)
    if (typeof size !== 'number') throw this.misfit(`a size must be fixed but is ${format(size ?? NaN)}`)
    return size
  }

  /** `gradient` in the shape of `value`, which has as many elements. */
  likeShapeOf(gradient: Value, value: Value): Value {
    const shape = this.shape(value)
    const free = shape.filter((size) => typeof size !== 'number').length
    return free <= 1
      ? this.builder.reshape(
          gradient,
          shape.map((size) => (typeof size === 'number' ? size : -1))
        )
      : this.builder.reshapeTo(gradient, this.builder.apply('Shape', [value]))
  }

  /**
   * The gradient of an input that was repeated by broadcasting: the sum over its repetitions.
   *
   * @param from the gradient's shape, if it is not the output's
   */
  unbroadcast(gradient: Value, index: number, from = this.shape(this.output())): Value {
    const value = this.input(index)
    const to = this.shape(value)
    const added = from.length - to.length
    const axes = from.flatMap((size, axis) => {
      return axis < added || !sameDimension(size, to[axis - added] ?? 1) ? [axis] : []
    })
    if (axes.length === 0) return gradient
    const summed = this.builder.apply('ReduceSum', [gradient, this.builder.integers(axes)], { keepdims: int(1) })
    return added === 0 ? summed : this.likeShapeOf(summed, value)
  }

  /** An error that names the node. */
  misfit(what: string): StudioError {
    const { op, name } = this.node
    return new StudioError('refused', `No gradient can be taken of the operator ${op} of node "${name}": ${what}.`)
  }
}
