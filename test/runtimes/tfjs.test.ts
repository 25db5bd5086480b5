import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { useDevice } from '../../src/runtimes/tfjs/backend'
import { tfjsRuntime } from '../../src/runtimes/tfjs/runtime'
import type { Runtime } from '../../src/core/runtime'
import type { Tensor } from '../../src/core/tensor'
import { cases, graphOf, type Case } from '../core/graph/operator-cases'

/** tfjs has no integers of 64 bits. */
const usual = cases.filter(([, data]) =>
  data.every((tensor) => tensor.type !== 'int64' || tensor.data.every((v) => v < 2n ** 31n))
)

const title = ([op, data]: Case): string => `${op} of ${data.map(({ shape }) => `[${shape.join()}]`).join()}`

async function outputOf(runtime: Runtime, each: Case): Promise<Tensor | undefined> {
  const session = await runtime.load(graphOf(each, true), { threads: 1, optimize: false })
  const outputs = await session.run(new Map(each[1].map((tensor, i) => [`x${i}`, tensor])))
  await session.dispose()
  return outputs.get('y')
}

describe.each(['cpu', 'wasm'] as const)('an operator on the device %s of tfjs', (device) => {
  beforeAll(() => useDevice(device))

  it.each(usual.map((each) => [title(each), each] as const))('%s is what onnxruntime computes', async (_, each) => {
    const expected = await outputOf(onnxruntimeCpu, each)
    const before = tf.memory().numTensors
    const found = await outputOf(tfjsRuntime(device), each)
    expect([found?.type, found?.shape]).toEqual([expected?.type, expected?.shape])
    for (const [i, value] of (expected?.data ?? []).entries()) {
      expect(Number(found?.data[i]), `element ${i}`).toBeCloseTo(Number(value), 5)
    }
    expect(tf.memory().numTensors).toBe(before)
  })
})
