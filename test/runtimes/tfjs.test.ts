import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { onnxruntimeCpu } from '../../src/runtimes/onnxruntime'
import { restoreTypeChecks, useDevice } from '../../src/runtimes/tfjs/backend'
import type { TfjsDevice } from '../../src/runtimes/tfjs/devices'
import { tfjsRuntime } from '../../src/runtimes/tfjs/runtime'
import type { Runtime } from '../../src/core/runtime'
import { GraphBuilder } from '../../src/core/graph/builder'
import { symbol } from '../../src/core/graph/dimension'
import type { Graph } from '../../src/core/graph/graph'
import { floatTensor, type Tensor } from '../../src/core/tensor'
import { settingsOf } from '../../src/contract/presets'
import { makeContext } from '../../src/engine/job'
import { evaluate } from '../../src/engine/jobs/evaluate'
import { quantize } from '../../src/engine/jobs/quantize'
import { openRun } from '../../src/engine/run-folder'
import { bundledModel, temporaryFolder } from '../cli/run-cli'
import { writeTestPicture } from '../pictures'
import { cases, floats, graphOf, type Case } from '../core/graph/operator-cases'

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

/** In processes of the native library, which vitest.tfjs.config.ts starts, that one. */
const devices: readonly TfjsDevice[] = process.env['TESTED_TFJS_DEVICE'] === 'node' ? ['node'] : ['cpu', 'wasm']

describe.each(devices)('an operator on the device %s of tfjs', (device) => {
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
  const folder = temporaryFolder()
  const pictures = join(folder, 'pictures')
  await writeTestPicture(join(pictures, 'HR', 'one.png'), 160, 128)
  const usual = settingsOf('fast')
  const bits = { weight: 4 as const, activation: 4 as const }
  const settings = { ...usual, methods: ['dobi' as const, '2dquant' as const], bits: [bits], patches: 2, patchSize: 16 }
  const training = { ...usual.distillation, iterations: 2, batch: 1 }
  const context = await makeContext(() => undefined, new AbortController().signal)
  const results = await Promise.all(
    [onnxruntimeCpu, tfjsRuntime('wasm')].map(async (runtime) => {
      const own = { ...context, runtime }
      const out = join(folder, runtime.name)
      const given = {
        model: bundledModel,
        overrides: {},
        scale: undefined,
        calibration: pictures,
        calibrationKind: undefined
      }
      await quantize({ ...given, settings: { ...settings, distillation: training }, tellsTime: false, out }, own)
      const filter = { method: 'dobi' as const, bits }
      const sets = [{ folder: pictures, kind: undefined }]
      const { results: rows } = await evaluate(
        { subject: out, overrides: {}, filter, sets, scale: undefined, memoryCap: undefined },
        own
      )
      return { variants: (await openRun(out)).bounds.variants, psnr: rows.at(-1)?.sets[0]?.mean.psnr ?? NaN }
    })
  )
  const [expected, found] = results
  if (expected === undefined || found === undefined) throw new Error('two results')
  expect(Math.abs(found.psnr - expected.psnr)).toBeLessThanOrEqual(0.02)
  const [dobi, trained] = expected.variants.map(({ quantizers }, i) => {
    const others = found.variants[i]?.quantizers ?? []
    return quantizers.map(({ lower, upper }, at) => {
      const other = others[at] ?? { lower: NaN, upper: NaN }
      return Math.max(Math.abs(lower - other.lower), Math.abs(upper - other.upper)) / (upper - lower)
    })
  })
  const near = dobi?.filter((distance) => distance < 1e-4).length ?? NaN
  expect(near / (dobi?.length ?? NaN)).toBeGreaterThanOrEqual(0.99)
  // What the sign of a gradient near 0 decides is a step of the optimizer, not more.
  expect(Math.max(...(trained ?? [NaN]))).toBeLessThan(0.01)
})
