import type { ProbeResult } from '../contract/runtimes'
import { GraphBuilder, type Value } from '../core/graph/builder'
import type { Graph } from '../core/graph/graph'
import { Random } from '../core/imaging/random'
import { lowerQuantizers } from '../core/quantization/lowering'
import { findQuantizerSites, boundsInput, levelsInput, placeQuantizers } from '../core/quantization/placement'
import type { Runtime, Session } from '../core/runtime'
import { floatTensor, type TensorOf } from '../core/tensor'
import { onnxruntimeCpu } from './onnxruntime'

/** Pixels on a side of the test picture, and its channels. */
const [side, channels] = [48, 32]

/** How often the test network is run, the first time not counted: that compiles and allocates. */
const runs = 3

/** Pictures, besides one, that are computed at once to find out what a device does best, as long as a pass may be expected to be that short. */
const largerBatches = [4, 16]
const mostSeconds = 0.5

/**
 * How far results may be from the processor's on average, relative to the largest: a code that rounding turns over moves a few of
 * them by more, what computes wrongly moves all.
 */
const tolerance = 1e-3

/** What a provider within onnxruntime needs, for those who have it not. */
const needs: Readonly<Partial<Record<string, string>>> = {
  webgpu: 'It needs a GPU and its driver for Vulkan (on Linux with the loader libvulkan1), Direct3D 12 or Metal.',
  dml: 'It needs a GPU with Direct3D 12.',
  coreml: 'It needs macOS 12 or newer.'
}

/**
 * Whether a runtime really computes, and how fast: what super-resolution networks are made of – a convolution, tokens, layer
 * normalization, quantized layers, attention – beside what onnxruntime has on the processor. Never throws.
 *
 * @param isTimed whether it is to be measured at several batches, which takes some seconds
 */
export async function probeRuntime(runtime: Runtime, isTimed = false): Promise<ProbeResult> {
  const { version } = runtime
  try {
    const { values, seconds } = await measure(runtime, 1)
    const speeds = async (): Promise<ProbeResult['speeds']> => (isTimed ? measureSpeeds(runtime, seconds) : [])
    if (runtime === onnxruntimeCpu) {
      const isRight = values.length > 0 && values.every(Number.isFinite)
      if (isRight) return { version, usable: true, reason: 'The test network ran.', speeds: await speeds() }
      return { version, usable: false, reason: 'The test network gave no numbers.', speeds: [] }
    }
    const expected = (await measure(onnxruntimeCpu, 1)).values
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    const distance = expected.reduce((sum, value, i) => sum + Math.abs(value - (values[i] ?? NaN)), 0) / expected.length
    if (distance <= tolerance * largest) {
      const reason = 'The test network gave what onnxruntime gives on the processor.'
      return { version, usable: true, reason, speeds: await speeds() }
    }
    const share = `${(100 * (distance / largest)).toPrecision(2)} %`
    const reason = `The test network gave something else than onnxruntime on the processor (${share} off on average).`
    return { version, usable: false, reason, speeds: [] }
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    const need = runtime.name === 'onnxruntime' ? needs[runtime.device] : undefined
    return { version, usable: false, reason: need ?? said, speeds: [] }
  }
}

/** @param alone seconds of a pass of one picture */
async function measureSpeeds(runtime: Runtime, alone: number): Promise<ProbeResult['speeds']> {
  const speeds = [{ batch: 1, perSecond: 1 / alone }]
  for (const batch of largerBatches) {
    const { perSecond = NaN } = speeds.at(-1) ?? {}
    if (batch / perSecond > mostSeconds) break
    const { seconds } = await measure(runtime, batch)
    speeds.push({ batch, perSecond: batch / seconds })
  }
  return speeds
}

/** Outputs of the test network, and seconds of its fastest pass. */
async function measure(
  runtime: Runtime,
  batch: number
): Promise<{ readonly values: Float32Array; readonly seconds: number }> {
  const { graph, feeds } = testNetwork(batch)
  const session: Session = await runtime.load(graph)
  try {
    let seconds = Infinity
    let values = new Float32Array()
    for (let i = 0; i < runs; i++) {
      const began = performance.now()
      const y = (await session.run(feeds)).get('y')
      if (i > 0) seconds = Math.min(seconds, (performance.now() - began) / 1000)
      if (y?.type === 'float32') values = new Float32Array(y.data)
    }
    return { values, seconds }
  } finally {
    await session.dispose()
  }
}

/** With quantizers of 8 bits, whose codes no rounding of a runtime turns into others far away. */
function testNetwork(batch: number): {
  readonly graph: Graph
  readonly feeds: ReadonlyMap<string, TensorOf<'float32'>>
} {
  const random = Random.seeded(5)
  const noise = (shape: readonly number[]): TensorOf<'float32'> => {
    const count = shape.reduce((a, b) => a * b, 1)
    return floatTensor(
      Float32Array.from({ length: count }, () => (random.word() / 2 ** 32 - 0.5) / 2),
      shape
    )
  }
  const builder = new GraphBuilder()
  const weight = (shape: readonly number[], name: string): Value => builder.constant(noise(shape), name)
  const picture = builder.input('x', [batch, 3, side, side])
  const features = builder.convolution(picture, weight([channels, 3, 3, 3], 'conv.weight'), null, 3)
  const lines = builder.transpose(builder.reshape(features, [batch, channels, side * side]), [0, 2, 1])
  const tokens = builder.reshape(lines, [batch * side * side, channels])
  const ones = builder.constant(floatTensor(new Float32Array(channels).fill(1), [channels]))
  const zeros = builder.constant(floatTensor(new Float32Array(channels), [channels]))
  const normalized = builder.layerNormalization(tokens, ones, zeros, 1e-5)
  const [q, k] = ['q', 'k'].map((name) =>
    builder.linear(normalized, weight([channels, channels], `${name}.weight`), null)
  )
  const windows = (value = ''): Value => builder.reshape(value, [batch * side, side, channels])
  const keys = builder.transpose(windows(k), [0, 2, 1])
  const attention = builder.softmax(builder.matmul(windows(q), keys))
  const mixed = builder.matmul(attention, windows(normalized))
  const y = builder.gelu(mixed, 'y')
  const graph = builder.build([y])
  const sites = findQuantizerSites(graph, { linear: true, convolution: true, product: true, firstAndLast: false })
  const bounds = floatTensor(
    sites.flatMap(({ value }) => (value.includes('softmax') ? [0, 0.1] : [-3, 3])),
    [sites.length, 2]
  )
  const levels = floatTensor(
    sites.map(() => 255),
    [sites.length]
  )
  const feeds = new Map([
    ['x', noise([batch, 3, side, side])],
    [boundsInput, bounds],
    [levelsInput, levels]
  ])
  return { graph: lowerQuantizers(placeQuantizers(graph, sites)), feeds }
}
