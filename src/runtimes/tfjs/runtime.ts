import * as tf from '@tensorflow/tfjs-core'
import { StudioError } from '../../core/errors'
import { foldConstants, tensorOf } from '../../core/graph/fold'
import type { Graph, Node } from '../../core/graph/graph'
import { interpret } from '../../core/graph/infer'
import { numericShape, type Operand } from '../../core/graph/operators/operator'
import type { NamedTensors, Runtime, Session } from '../../core/runtime'
import type { ElementType, Tensor } from '../../core/tensor'
import { onnxruntimeCpu } from '../onnxruntime'
import { runFailure } from '../run-failure'
import { tfjsVersion, useDevice } from './backend'
import type { TfjsDevice } from './devices'
import { kernels } from './kernels'
import type { Application, FixedType, Kernel } from './kernels/kernel'

/** Runs graphs by the kernels of tfjs. A device is loaded with the first graph. */
export function tfjsRuntime(device: TfjsDevice): Runtime {
  const load = async (graph: Graph): Promise<Session> => {
    await useDevice(device)
    return new TfjsSession(graph)
  }
  return {
    name: 'tfjs',
    version: tfjsVersion,
    device,
    load,
    // Files are for those who have onnxruntime; what they compute there is what is asked.
    loadFile: (bytes, options) => onnxruntimeCpu.loadFile(bytes, options),
    // One device computes one graph after the other.
    loadCopies: async (graph) => [await load(graph)]
  }
}

/** One application of an operator in a graph whose inputs have fixed sizes. */
interface Step {
  readonly node: Node
  readonly kernel: Kernel
  readonly operands: readonly (Operand | null)[]
  readonly outputs: readonly FixedType[]
  /** Values that nothing behind this step reads. */
  readonly last: readonly string[]
}

/** A graph for inputs of certain sizes. */
interface Plan {
  readonly graph: Graph
  readonly steps: readonly Step[]
  readonly constants: ReadonlyMap<string, tf.Tensor>
  /** Those of them that were made for these sizes. */
  readonly own: readonly tf.Tensor[]
  readonly types: ReadonlyMap<string, Operand>
}

/** Sizes of pictures whose plans are kept. */
const keptPlans = 4

/** Values up to so many elements are looked into. */
const knownElements = 4096

/**
 * Interprets a graph. For each size of its inputs everything that depends on sizes alone is computed once; what is left are steps
 * of numbers, whose results are given back as soon as nothing needs them any more.
 */
class TfjsSession implements Session {
  readonly #graph: Graph
  readonly #plans = new Map<string, Plan>()
  /** Constants of the graph as it is, which all plans share. */
  readonly #weights = new Map<Tensor, tf.Tensor>()
  #isDisposed = false

  constructor(graph: Graph) {
    this.#graph = graph
    for (const { op, name } of graph.nodes) {
      // What only makes shapes has no kernel, and is there no more when the graph runs.
      if (kernels.has(op) || folded.has(op)) continue
      throw new StudioError('refused', `The runtime tfjs has no operator ${op} (node "${name}"); use onnxruntime.`)
    }
  }

  async run(
    feeds: NamedTensors,
    { outputs, into }: { readonly outputs?: readonly string[]; readonly into?: NamedTensors } = {}
  ): Promise<NamedTensors> {
    if (this.#isDisposed) throw new Error('The session was disposed')
    const names = outputs ?? this.#graph.outputs
    const given = this.#graph.inputs.map(({ name }) => [name, expectGiven(name, feeds)] as const)
    const plan = this.#planFor(feeds)
    const values = new Map<string, tf.Tensor>()
    try {
      for (const [name, tensor] of given) {
        // The caller may write into its array again.
        values.set(name, toTfjs({ ...tensor, data: tensor.data.slice() } as Tensor))
      }
      for (const step of plan.steps) this.#apply(step, values, plan)
      return await read(names, values, plan, into)
    } catch (cause) {
      throw runFailure('tfjs', cause)
    } finally {
      for (const value of values.values()) value.dispose()
    }
  }

  dispose(): Promise<void> {
    this.#isDisposed = true
    for (const plan of this.#plans.values()) giveBack(plan)
    for (const weight of this.#weights.values()) weight.dispose()
    this.#plans.clear()
    this.#weights.clear()
    return Promise.resolve()
  }

  #apply({ node, kernel, operands, outputs, last }: Step, values: Map<string, tf.Tensor>, { constants }: Plan): void {
    const inputs = node.inputs.map((name) => values.get(name) ?? constants.get(name) ?? null)
    const application: Application = { node, inputs, operands, outputs }
    const results = tf.tidy(() => {
      const computed = kernel(application)
      const all = computed instanceof tf.Tensor ? [computed] : [...computed]
      return all.map((result) => (inputs.includes(result) ? tf.clone(result) : result))
    })
    node.outputs.forEach((name, i) => {
      const result = results[i]
      if (result !== undefined) values.set(name, result)
    })
    for (const name of last) {
      values.get(name)?.dispose()
      values.delete(name)
    }
  }

  #planFor(feeds: NamedTensors): Plan {
    const key = this.#graph.inputs.map(({ name }) => feeds.get(name)?.shape.join('×')).join(' ')
    const known = this.#plans.get(key)
    if (known !== undefined) return known
    const [oldest] = this.#plans.keys()
    if (this.#plans.size >= keptPlans && oldest !== undefined) {
      const plan = this.#plans.get(oldest)
      if (plan !== undefined) giveBack(plan)
      this.#plans.delete(oldest)
    }
    const plan = makePlan(this.#graph, feeds, this.#weights)
    this.#plans.set(key, plan)
    return plan
  }
}

function expectGiven(name: string, feeds: NamedTensors): Tensor {
  const tensor = feeds.get(name)
  if (tensor === undefined) throw new StudioError('failed', `The network's input "${name}" was not given.`)
  return tensor
}

/** Operators of shapes alone. */
const folded: ReadonlySet<string> = new Set(['Shape', 'ConstantOfShape', 'Range'])

function makePlan(graph: Graph, feeds: NamedTensors, weights: Map<Tensor, tf.Tensor>): Plan {
  const inputs = graph.inputs.map((each) => ({ ...each, shape: feeds.get(each.name)?.shape ?? each.shape }))
  const fixed = foldConstants({ ...graph, inputs })
  const types = interpret(fixed, knownElements)
  const own: tf.Tensor[] = []
  const constants = new Map<string, tf.Tensor>()
  for (const [name, tensor] of fixed.initializers) {
    const isShared = graph.initializers.get(name) === tensor
    const constant = weights.get(tensor) ?? toTfjs(tensor)
    if (isShared) weights.set(tensor, constant)
    else own.push(constant)
    constants.set(name, constant)
  }
  const needed = new Set(graph.outputs)
  const steps: Step[] = []
  for (const node of fixed.nodes.toReversed()) {
    const kernel = kernels.get(node.op)
    if (kernel === undefined) {
      for (const name of node.outputs) {
        const constant = toTfjs(knownTensor(node, types.get(name)))
        own.push(constant)
        constants.set(name, constant)
      }
      continue
    }
    const outputs = node.outputs.map((name): FixedType => {
      const { type = 'float32', shape = [] } = types.get(name) ?? {}
      return { type, shape: numericShape(node, shape) }
    })
    const values = [...new Set([...node.inputs, ...node.outputs])]
    const last = values.filter((name) => name !== '' && !constants.has(name) && !needed.has(name))
    for (const name of node.inputs) needed.add(name)
    const operands = node.inputs.map((name) => types.get(name) ?? null)
    steps.push({ node, kernel, operands, outputs, last })
  }
  return { graph: fixed, steps: steps.reverse(), constants, own, types }
}

function giveBack({ own }: Plan): void {
  for (const constant of own) constant.dispose()
}

async function read(
  names: readonly string[],
  values: ReadonlyMap<string, tf.Tensor>,
  { constants, types, graph }: Plan,
  into: NamedTensors | undefined
): Promise<NamedTensors> {
  const results = new Map<string, Tensor>()
  for (const name of names) {
    const value = values.get(name) ?? constants.get(name)
    const type = types.get(name)?.type ?? graph.initializers.get(name)?.type
    if (value === undefined || type === undefined) throw new StudioError('failed', `The network has no "${name}".`)
    const data = await value.data()
    const target = into?.get(name)
    results.set(name, target === undefined ? hostTensor(type, value.shape, data) : overwrite(target, data))
  }
  return results
}

function hostTensor(type: ElementType, shape: readonly number[], data: tf.TypedArray): Tensor {
  if (type === 'float32' && data instanceof Float32Array) return { type, shape, data }
  return tensorOf(type, shape, Array.from(data))
}

function overwrite(target: Tensor, data: tf.TypedArray): Tensor {
  if (target.type === 'int64') for (const [i, value] of data.entries()) target.data[i] = BigInt(value)
  else target.data.set(data)
  return target
}

/** A tensor on the device; all integers are int32 there. */
function toTfjs({ type, shape, data }: Tensor): tf.Tensor {
  const dtype = type === 'float32' || type === 'bool' ? type : 'int32'
  if (type === 'int64') return tf.tensor(Int32Array.from(data, Number), [...shape], dtype)
  if (type === 'float32' || type === 'bool' || type === 'int32') return tf.tensor(data, [...shape], dtype)
  return tf.tensor(Int32Array.from(data), [...shape], dtype)
}

/** What an operator of shapes gives, which is there only as an output of the graph. */
function knownTensor(node: Node, operand: Operand | undefined): Tensor {
  if (operand?.known === undefined || operand.known === null) {
    throw new StudioError('refused', `The runtime tfjs cannot give ${node.op} (node "${node.name}") as an output.`)
  }
  return tensorOf(operand.type, numericShape(node, operand.shape), operand.known.map(Number))
}
