import { StudioError } from '../errors'
import type { GraphBuilder, Value } from '../graph/builder'
import { floatTensor, type Checkpoint, type Tensor, type TensorOf } from '../tensor'

/** Float tensors of one network by the names its code gives them. Knows which were used, so that none is overlooked. */
export class Weights {
  readonly #tensors: ReadonlyMap<string, Tensor>
  readonly #used = new Set<string>()

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors
  }

  has(name: string): boolean {
    return this.#tensors.has(name)
  }

  /** The tensor `name`, with the shape it must have (null takes any size). Throws a StudioError where it does not fit. */
  get(name: string, shape: readonly (number | null)[]): TensorOf<'float32'> {
    const tensor = this.#tensors.get(name)
    if (tensor === undefined) throw new StudioError('refused', `The checkpoint lacks the tensor "${name}".`)
    const fits =
      tensor.shape.length === shape.length && shape.every((size, i) => size === null || size === tensor.shape[i])
    if (!fits || tensor.type !== 'float32') {
      const wanted = `float32 [${shape.map((size) => size ?? 'any').join(', ')}]`
      const found = `${tensor.type} [${tensor.shape.join(', ')}]`
      throw new StudioError('refused', `The tensor "${name}" should be ${wanted} but is ${found}.`)
    }
    const bad = tensor.data.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) {
      const what = `The tensor "${name}" holds ${tensor.data[bad]} at position ${bad}`
      throw new StudioError('refused', `${what}; the checkpoint is damaged or its training diverged.`)
    }
    this.#used.add(name)
    return tensor
  }

  /** Names matching `pattern`, in the checkpoint's order. */
  matching(pattern: RegExp): string[] {
    return [...this.#tensors.keys()].filter((name) => pattern.test(name))
  }

  /** Number of values in all tensors that were used. */
  get parameters(): number {
    return [...this.#used].reduce((sum, name) => sum + (this.#tensors.get(name)?.data.length ?? 0), 0)
  }

  /** Throws a StudioError where a tensor was asked for by no layer, unless its name matches `ignored`. */
  expectAllUsed(architecture: string, ignored: RegExp): void {
    const unused = [...this.#tensors.keys()].find((name) => !this.#used.has(name) && !ignored.test(name))
    if (unused === undefined) return
    const what = `The tensor "${unused}" has no place in the ${architecture} networks that are known`
    throw new StudioError('refused', `${what}; was this checkpoint made by another code?`)
  }
}

/** Appends the convolution whose weights are `name.weight` [out, in, k, k] and, where it exists, `name.bias`. */
export function convolutionLayer(
  builder: GraphBuilder,
  weights: Weights,
  x: Value,
  name: string,
  shape: { readonly in: number; readonly out: number; readonly kernel?: number }
): Value {
  const kernel = shape.kernel ?? 3
  const weight = builder.constant(
    weights.get(`${name}.weight`, [shape.out, shape.in, kernel, kernel]),
    `${name}.weight`
  )
  const bias = weights.has(`${name}.bias`)
    ? builder.constant(weights.get(`${name}.bias`, [shape.out]), `${name}.bias`)
    : null
  return builder.convolution(x, weight, bias, kernel, name)
}

/** The state dict within a checkpoint: tensors under `params_ema`, `params` or `state_dict`, without `module.` prefixes. */
export function stateDict(checkpoint: Checkpoint): ReadonlyMap<string, Tensor> {
  let tensors = checkpoint.tensors
  for (const prefix of ['params_ema.', 'params.', 'state_dict.', 'model.', 'module.']) {
    const inside = [...tensors].filter(([name]) => name.startsWith(prefix))
    if (inside.length > 0) tensors = new Map(inside.map(([name, tensor]) => [name.slice(prefix.length), tensor]))
  }
  return tensors
}

/**
 * A number that a checkpoint's text entries tell about its network: an entry of that name, or one inside the JSON object
 * `config`. Undefined where there is none.
 */
export function metadataNumber(metadata: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = metadata.get(name) ?? configEntry(metadata.get('config'), name)
  const value = Number(text)
  return text === undefined || !Number.isFinite(value) ? undefined : value
}

function configEntry(config: string | undefined, name: string): string | undefined {
  if (config === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(config)
    const entries: readonly [string, unknown][] =
      typeof parsed === 'object' && parsed !== null ? Object.entries(parsed) : []
    const value = new Map(entries).get(name)
    return typeof value === 'number' || typeof value === 'string' ? String(value) : undefined
  } catch {
    return undefined
  }
}

/** Mean colour of DIV2K that both architectures subtract; zero for grey networks. */
export const meanColour = [0.4488, 0.4371, 0.404] as const

/** Appends (x − mean) · range before the network. */
export function normalize(builder: GraphBuilder, x: Value, mean: readonly number[], range: number): Value {
  const centred = mean.every((value) => value === 0) ? x : builder.subtract(x, meanValue(builder, mean))
  return range === 1 ? centred : builder.multiply(centred, builder.scalar(range))
}

/** Appends x / range + mean behind the network. */
export function denormalize(builder: GraphBuilder, x: Value, mean: readonly number[], range: number): Value {
  const scaled = range === 1 ? x : builder.divide(x, builder.scalar(range))
  return mean.every((value) => value === 0) ? scaled : builder.add(scaled, meanValue(builder, mean))
}

function meanValue(builder: GraphBuilder, mean: readonly number[]): Value {
  return builder.constant(floatTensor(mean, [1, mean.length, 1, 1]))
}
