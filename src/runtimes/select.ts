import { listSupportedBackends } from 'onnxruntime-node'
import { StudioError } from '../core/errors'
import { GraphBuilder } from '../core/graph/builder'
import type { Runtime } from '../core/runtime'
import { floatTensor } from '../core/tensor'
import { onnxruntimeCpu } from './onnxruntime'

/** A way to run networks on this machine, and whether it works. */
export interface Candidate {
  readonly runtime: string
  readonly device: string
  readonly version: string
  readonly usable: boolean
  /** Why it is usable or refused, one sentence. */
  readonly reason: string
}

export interface Selection {
  readonly candidates: readonly Candidate[]
  /** The runtime to use, or null where none works. */
  readonly chosen: Runtime | null
}

/** Tries what there is on this machine by running a small network on it. Never throws. */
export async function selectRuntime(): Promise<Selection> {
  const cpu = await probe(onnxruntimeCpu)
  const { version } = onnxruntimeCpu
  const others = listSupportedBackends()
    .filter(({ name }) => name !== 'cpu')
    .map(({ name }) => ({
      runtime: onnxruntimeCpu.name,
      device: name,
      version,
      usable: false,
      reason: `Networks run on the processor in this version; onnxruntime's ${name} provider is not used yet.`
    }))
  return { candidates: [cpu, ...others], chosen: cpu.usable ? onnxruntimeCpu : null }
}

/** The chosen runtime. Throws a StudioError that says why none works. */
export async function requireRuntime(): Promise<Runtime> {
  const { candidates, chosen } = await selectRuntime()
  if (chosen !== null) return chosen
  const reasons = candidates.map(({ runtime, device, reason }) => `${runtime} on ${device}: ${reason}`)
  throw new StudioError('failed', `No runtime works on this machine. ${reasons.join(' ')}`)
}

/** Whether a runtime really computes: 1·2 + 3·4 = 14. */
async function probe(runtime: Runtime): Promise<Candidate> {
  const { name, device, version } = runtime
  const describe = (usable: boolean, reason: string): Candidate => ({ runtime: name, device, version, usable, reason })
  try {
    const builder = new GraphBuilder()
    const weight = builder.constant(floatTensor([2, 4], [1, 2]))
    const output = builder.linear(builder.input('x', [1, 2]), weight, null, 'y')
    const session = await runtime.load(builder.build([output]), { threads: 1 })
    const result = await session.run(new Map([['x', floatTensor([1, 3], [1, 2])]]))
    await session.dispose()
    const value = result.get(output)?.data[0]
    return value === 14
      ? describe(true, 'A test network gave the right result.')
      : describe(false, `A test network gave ${value} instead of 14.`)
  } catch (cause) {
    return describe(false, cause instanceof Error ? cause.message : String(cause))
  }
}
