import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { restoreTypeChecks, useDevice } from '../../src/runtimes/tfjs/backend'
import type { TfjsDevice } from '../../src/runtimes/tfjs/devices'
import { tfjsRuntime } from '../../src/runtimes/tfjs/runtime'
import { GraphBuilder } from '../../src/core/graph/builder'
import { symbol } from '../../src/core/graph/dimension'
import type { Graph } from '../../src/core/graph/graph'
import { floatTensor } from '../../src/core/tensor'
import { testedRuntime } from '../runtime'
import { expectSameOutput, expectSameQuantization, within32Bits } from './compare'
import { floats } from '../core/graph/operator-cases'

/** In processes of the native library, which vitest.tfjs.config.ts starts, that one. */
const devices: readonly TfjsDevice[] = testedRuntime.device === 'node' ? ['node'] : ['cpu', 'wasm']

describe.each(devices)('an operator on the device %s of tfjs', (device) => {
  beforeAll(() => useDevice(device))

  it.each(within32Bits)('$title is what onnxruntime computes', async ({ each }) => {
    const before = tf.memory().numTensors
    await expectSameOutput(tfjsRuntime(device), each)
    expect(tf.memory().numTensors).toBe(before)
  })
})

describe('a session of tfjs', () => {
  beforeAll(() => useDevice('wasm'))

  /** Two layers with a size that is free, and an output written into an array of the caller. */
  function layers(): Graph {
    const builder = new GraphBuilder()
    const x = builder.input('x', [symbol('rows'), 8])
    const weight = builder.constant(floats([8, 8]), 'weight')
    return builder.build([builder.gelu(builder.linear(x, weight, null), 'y')])
  }

  it('leaves no tensor behind in 1,000 runs of changing sizes, nor after it is disposed', async () => {
    const before = tf.memory().numTensors
    const session = await tfjsRuntime('wasm').load(layers())
    const sizes = [1, 2, 3, 4, 5, 6]
    for (const rows of sizes) await session.run(new Map([['x', floats([rows, 8])]]))
    const used = tf.memory().numTensors
    for (let i = 0; i < 1000; i++) await session.run(new Map([['x', floats([sizes[i % 6] ?? 1, 8])]]))
    expect(tf.memory().numTensors).toBe(used)
    await session.dispose()
    expect(tf.memory().numTensors).toBe(before)
    await expect(session.run(new Map([['x', floats([1, 8])]]))).rejects.toThrow(/disposed/)
  })

  it('writes into arrays of the caller, and reads what these hold when it is run', async () => {
    const session = await tfjsRuntime('wasm').load(layers())
    const x = floats([2, 8])
    const into = new Map([['y', floatTensor(new Float32Array(16), [2, 8])]])
    const first = await session.run(new Map([['x', x]]), { into })
    expect(first.get('y')).toBe(into.get('y'))
    const kept = Float32Array.from(first.get('y')?.data as Float32Array)
    ;(x.data as Float32Array).fill(0)
    const second = await session.run(new Map([['x', x]]))
    expect(second.get('y')?.data).toEqual(new Float32Array(16))
    expect(kept.some((value) => value !== 0)).toBe(true)
    await session.dispose()
  })

  it('names an operator that it does not have, and an input that is not there', async () => {
    const builder = new GraphBuilder()
    const graph = builder.build([builder.apply('Magic', [builder.input('x', [2])], {}, 'y')])
    await expect(tfjsRuntime('wasm').load(graph)).rejects.toThrow(/tfjs has no operator Magic \(node "y"\)/)
    const session = await tfjsRuntime('wasm').load(layers())
    await expect(session.run(new Map())).rejects.toThrow(/input "x" was not given/)
    await session.dispose()
  })
})

describe('TensorFlow’s own library', () => {
  it('finds the functions of util that newer versions of Node have not', () => {
    const util: Record<string, unknown> = { isArray: 'kept' }
    restoreTypeChecks(util)
    expect(util['isArray']).toBe('kept')
    const isNullOrUndefined = util['isNullOrUndefined'] as (value: unknown) => boolean
    expect([null, undefined, 0, ''].map(isNullOrUndefined)).toEqual([true, true, false, false])
    const isPrimitive = util['isPrimitive'] as (value: unknown) => boolean
    expect([1, 'a', null, {}, Math.abs].map(isPrimitive)).toEqual([true, true, true, false, false])
  })

  it.runIf(process.env['STUDIO_TFJS_PATH'] === undefined)('is refused with what is missing', async () => {
    await expect(useDevice('node')).rejects.toThrow(/@tensorflow\/tfjs-node is not installed; docs\/gpu\.md/)
    await expect(useDevice('node-gpu')).rejects.toThrow(/without its native library; docs\/gpu\.md/)
  })
})

it('the bundled model calibrated by tfjs has the bounds and the PSNR that it has by onnxruntime', async () => {
  await expectSameQuantization(tfjsRuntime('wasm'))
})
