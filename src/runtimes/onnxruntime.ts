import { availableParallelism } from 'node:os'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { StudioError } from '../core/errors'
import type { Graph } from '../core/graph/graph'
import { codesAsNumbers } from '../core/quantization/number-codes'
import type { LoadOptions, NamedTensors, Runtime, Session } from '../core/runtime'
import { elementCount, type Tensor } from '../core/tensor'
import { writeOnnx } from '../formats/onnx'
import { expectProvider, whyNotStarted } from './gpu/providers'
import { onnxruntime, onnxruntimeVersion } from './onnxruntime-module'
import { firstLine, runFailure } from './run-failure'
import { loadInThreads } from './threaded-session'
import { forWebGpu } from './webgpu-operators'

/** onnxruntime on the processor. */
export const onnxruntimeCpu: Runtime = {
  name: 'onnxruntime',
  version: onnxruntimeVersion,
  device: 'cpu',
  load: (graph, options) => loadFile(writeOnnx(graph), options),
  loadFile: (bytes, options) => loadFile(bytes, options),
  async loadCopies(graph, count, options = {}) {
    const threads = options.threads ?? Math.max(1, Math.floor(availableParallelism() / count))
    const threaded = count === 1 ? null : await loadInThreads(graph, count, { ...options, threads })
    return threaded ?? [await loadFile(writeOnnx(graph), options)]
  }
}

/**
 * onnxruntime on a GPU, by one of its providers (`webgpu`, `cuda`, `tensorrt`, `dml`, `coreml`). Operators that a provider has not
 * run on the processor.
 */
export function onnxruntimeOn(provider: string): Runtime {
  const prepared = (graph: Graph): Graph => {
    const numbers = codesAsNumbers(graph)
    return provider === 'webgpu' ? forWebGpu(numbers) : numbers
  }
  const load: Runtime['load'] = (graph, options) => loadFile(writeOnnx(prepared(graph)), options, provider)
  return {
    ...onnxruntimeCpu,
    device: provider,
    load,
    // One GPU computes one graph after the other.
    loadCopies: async (graph, _, options) => [await load(graph, options)]
  }
}

/**
 * Session options, each measured on SwinIR-light at 64×64:
 * - denormals to zero: attention masks of −100 leave denormals behind the softmax that slow a forward pass 2–6 times;
 * - no memory pattern: it doubles the peak memory of large graphs and saves no time;
 * - no spinning: idle threads otherwise keep a core busy that the engine needs.
 */
export function sessionOptions(
  { threads, optimize = true }: LoadOptions,
  provider = 'cpu'
): InferenceSession.SessionOptions {
  return {
    executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
    intraOpNumThreads: threads ?? availableParallelism(),
    interOpNumThreads: 1,
    enableMemPattern: false,
    graphOptimizationLevel: optimize ? 'all' : 'disabled',
    logSeverityLevel: 3,
    extra: { session: { set_denormal_as_zero: '1', intra_op: { allow_spinning: '0' } } }
  }
}

async function loadFile(bytes: Uint8Array, options: LoadOptions = {}, provider = 'cpu'): Promise<Session> {
  const { module, from } = onnxruntime()
  expectProvider(provider, from)
  let session: InferenceSession
  try {
    session = await module.InferenceSession.create(bytes, sessionOptions(options, provider))
  } catch (cause) {
    if (cause instanceof StudioError) throw cause
    const missing = whyNotStarted(provider, from, String(cause))
    if (missing !== null) throw new StudioError('missing', missing, { cause })
    throw new StudioError('refused', `onnxruntime cannot load this model: ${firstLine(cause)}`, { cause })
  }
  return new OnnxruntimeSession(session)
}

class OnnxruntimeSession implements Session {
  readonly #session: InferenceSession

  constructor(session: InferenceSession) {
    this.#session = session
  }

  async run(
    feeds: NamedTensors,
    { outputs, into }: { readonly outputs?: readonly string[]; readonly into?: NamedTensors } = {}
  ): Promise<NamedTensors> {
    const names = outputs ?? this.#session.outputNames
    const fetches = Object.fromEntries(
      names.map((name) => {
        const target = into?.get(name)
        return [name, target === undefined ? null : toOrt(target)]
      })
    )
    let results: InferenceSession.ReturnType
    try {
      results = await this.#session.run(Object.fromEntries([...feeds].map(([name, x]) => [name, toOrt(x)])), fetches)
    } catch (cause) {
      throw runFailure('onnxruntime', cause)
    }
    return new Map(
      names.map((name) => {
        const result = results[name]
        if (result === undefined) throw new Error(`onnxruntime returned no output "${name}"`)
        return [name, into?.get(name) ?? fromOrt(name, result)] as const
      })
    )
  }

  async dispose(): Promise<void> {
    await this.#session.release()
  }
}

function toOrt({ type, data, shape }: Tensor): OrtTensor {
  if (type === 'uint4' || type === 'uint2') throw new Error(`onnxruntime takes no input of the type ${type}`)
  const { module } = onnxruntime()
  return new module.Tensor(type, data, shape)
}

function fromOrt(name: string, value: OrtTensor): Tensor {
  const { dims: shape, data } = value
  switch (value.type) {
    case 'float32':
      if (data instanceof Float32Array) return { type: 'float32', shape, data }
      break
    case 'uint8':
    case 'bool':
      if (data instanceof Uint8Array) return { type: value.type, shape, data }
      break
    case 'int8':
      if (data instanceof Int8Array) return { type: 'int8', shape, data }
      break
    case 'uint16':
      if (data instanceof Uint16Array) return { type: 'uint16', shape, data }
      break
    case 'int32':
      if (data instanceof Int32Array) return { type: 'int32', shape, data }
      break
    case 'int64':
      if (data instanceof BigInt64Array) return { type: 'int64', shape, data }
      break
    default:
  }
  throw new Error(`Output "${name}" has ${elementCount(shape)} elements of the unexpected type ${value.type}`)
}
