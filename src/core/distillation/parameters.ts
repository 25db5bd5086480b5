import type { Graph } from '../graph/graph'
import { floatTensor, type TensorOf } from '../tensor'

/** Operators with trained weights, and which of their inputs these are. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [1, 2],
  MatMul: [0, 1],
  LayerNormalization: [1, 2],
  // The table of relative positions.
  Gather: [0]
}

/** The learned tensors of a network by their names: weights, biases, normalizations, tables of positions. */
export function learnedTensors(graph: Graph): ReadonlyMap<string, TensorOf<'float32'>> {
  const names = graph.nodes.flatMap(({ op, inputs }) => (weightInputs[op] ?? []).map((i) => inputs[i] ?? ''))
  names.push(...biasesOfProducts(graph))
  return new Map(
    [...new Set(names)].flatMap((name) => {
      const tensor = graph.initializers.get(name)
      return tensor?.type === 'float32' ? [[name, tensor]] : []
    })
  )
}

/** Biases of linear layers that are written as a product with a constant weight and a sum. */
function biasesOfProducts({ nodes, initializers }: Graph): readonly string[] {
  const products = nodes.filter(({ op, inputs }) => op === 'MatMul' && initializers.has(inputs[1] ?? ''))
  const made = new Set(products.flatMap(({ outputs }) => outputs))
  return nodes.flatMap(({ op, inputs }) => {
    if (op !== 'Add' || !inputs.some((name) => made.has(name))) return []
    return inputs.filter((name) => initializers.get(name)?.shape.length === 1)
  })
}

/**
 * Everything that is trained as one vector: the bounds [rows, 2] first, then the elements of the weights in their order.
 */
export class ParameterVector {
  readonly rows: number
  readonly weights: readonly { readonly name: string; readonly shape: readonly number[] }[]
  readonly length: number
  readonly #offsets: readonly number[]

  /** @param rows of bounds: one for each quantizer, or for each of its channels */
  constructor(rows: number, weights: ReadonlyMap<string, TensorOf<'float32'>>) {
    this.rows = rows
    this.weights = [...weights].map(([name, { shape }]) => ({ name, shape }))
    const offsets: number[] = []
    let length = 2 * rows
    for (const { data } of weights.values()) {
      offsets.push(length)
      length += data.length
    }
    this.#offsets = offsets
    this.length = length
  }

  /** Bounds and weights in one vector. */
  pack(bounds: ArrayLike<number>, weights: ReadonlyMap<string, TensorOf<'float32'>>): Float64Array {
    const values = new Float64Array(this.length)
    values.set(bounds)
    this.weights.forEach(({ name }, i) => {
      values.set(weights.get(name)?.data ?? [], this.#offsets[i])
    })
    return values
  }

  /** The part of a vector that belongs to the bounds. */
  bounds<T extends Float32Array | Float64Array>(values: T): T {
    return values.subarray(0, 2 * this.rows) as T
  }

  /** The part of a vector that belongs to each weight. */
  *parts(values: Float64Array): Iterable<readonly [name: string, part: Float64Array]> {
    for (const [i, { name }] of this.weights.entries()) {
      yield [name, values.subarray(this.#offsets[i], this.#offsets[i + 1] ?? this.length)]
    }
  }

  /** The weights of a vector as tensors. */
  tensors(values: Float64Array): ReadonlyMap<string, TensorOf<'float32'>> {
    const shapes = new Map(this.weights.map(({ name, shape }) => [name, shape]))
    return new Map(
      [...this.parts(values)].map(([name, part]) => [
        name,
        floatTensor(Float32Array.from(part), shapes.get(name) ?? [])
      ])
    )
  }
}
