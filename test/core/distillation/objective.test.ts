import { describe, expect, it } from 'vitest'
import {
  distillationGraph,
  distillationOutputs,
  featureWeightInput,
  type LossKind
} from '../../../src/core/distillation/objective'
import { GraphBuilder } from '../../../src/core/graph/builder'
import type { Graph } from '../../../src/core/graph/graph'
import { findQuantizerSites } from '../../../src/core/quantization/placement'
import { quantize } from '../../../src/core/quantization/quantizer'
import { floatTensor } from '../../../src/core/tensor'
import { quantizerFeeds } from '../../../src/engine/plan'
import { testedRuntime } from '../../runtime'

const [batch, inputs, width, outputs] = [3, 4, 5, 2]
const numbers = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + phase))
const first = numbers(inputs * width, 1)
const second = numbers(width * outputs, 2)
const picture = numbers(batch * inputs, 3)

/** lr → feature → sr, two linear layers. */
function network(): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('lr', [batch, 1, inputs])
  const feature = builder.matmul(x, builder.constant(floatTensor(first, [inputs, width]), 'first'), 'feature')
  builder.matmul(feature, builder.constant(floatTensor(second, [width, outputs]), 'second'), 'sr')
  return builder.build(['sr'])
}

function multiply(a: readonly number[], b: readonly number[], inner: number, columns: number): number[] {
  return Array.from({ length: (a.length / inner) * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns]
    let sum = 0
    for (let k = 0; k < inner; k++) sum += (a[row * inner + k] ?? NaN) * (b[k * columns + column] ?? NaN)
    return sum
  })
}

const bounds = { lower: -1.5, upper: 1.25 }
const bits = 3
const quantized = (values: readonly number[]): number[] => values.map((value) => quantize(value, bounds, bits))

/** Both networks by hand: features and outputs of teacher and student. */
const teacherFeature = multiply([...picture], [...first], inputs, width)
const teacherOutput = multiply(teacherFeature, [...second], width, outputs)
const studentFeature = multiply(quantized([...picture]), quantized([...first]), inputs, width)
const studentOutput = multiply(quantized(studentFeature), quantized([...second]), width, outputs)

const samples = (values: readonly number[], size: number): number[][] =>
  Array.from({ length: batch }, (_, i) => values.slice(i * size, (i + 1) * size))
const norm = (values: readonly number[]): number => Math.hypot(...values)
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - (b[i] ?? NaN))
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
const absolute = mean(minus(studentOutput, teacherOutput).map(Math.abs))
const [ft, fs] = [samples(teacherFeature, width), samples(studentFeature, width)]
const over = (values: readonly number[], divisor: number): number[] => values.map((value) => value / divisor)

const expected: Readonly<Record<LossKind, readonly [output: number, feature: number]>> = {
  released: [
    absolute / outputs,
    mean(
      fs.flatMap((_, i) =>
        fs.flatMap((student, j) =>
          minus(over(student, norm(fs[i] ?? [])), over(ft[j] ?? [], norm(ft[i] ?? []))).map((d) => d * d)
        )
      )
    ) /
      (batch * batch * width)
  ],
  paper: [
    absolute,
    mean(fs.map((student, i) => norm(minus(over(student, norm(student)), over(ft[i] ?? [], norm(ft[i] ?? [])))))) /
      width
  ],
  corrected: [absolute, mean(fs.map((student, i) => norm(minus(student, ft[i] ?? [])) / norm(ft[i] ?? [])))]
}

describe('the objective', () => {
  it.each(Object.entries(expected))('%s is what its formula gives by hand', async (loss, [output, feature]) => {
    const rule = { linear: true, convolution: true, product: true, firstAndLast: true }
    const sites = findQuantizerSites(network(), rule)
    const objective = { loss: loss as LossKind, features: ['feature'] }
    const session = await testedRuntime.load(distillationGraph(network(), sites, objective), { optimize: false })
    const feeds = new Map([
      ['lr', floatTensor(picture, [batch, 1, inputs])],
      [featureWeightInput, floatTensor([0.5], [])],
      ...quantizerFeeds(sites.map(() => ({ ...bounds, bits })))
    ])
    const results = await session.run(feeds)
    await session.dispose()
    const of = (name: string): number => Number(results.get(name)?.data[0])
    expect(of(distillationOutputs.outputLoss) / output).toBeCloseTo(1, 5)
    expect(of(distillationOutputs.featureLoss) / (0.5 * feature)).toBeCloseTo(1, 4)
    expect(results.get(distillationOutputs.boundsGradient)?.shape).toEqual([sites.length, 2])
  })

  it('gives the gradient of weights that are trained, and keeps the teacher’s', async () => {
    const rule = { linear: true, convolution: true, product: true, firstAndLast: true }
    const sites = findQuantizerSites(network(), rule)
    const graph = distillationGraph(network(), sites, { loss: 'corrected', features: ['feature'] }, ['first'])
    const session = await testedRuntime.load(graph, { optimize: false })
    const run = async (weight: Float32Array): Promise<readonly [loss: number, gradient: readonly number[]]> => {
      const results = await session.run(
        new Map([
          ['lr', floatTensor(picture, [batch, 1, inputs])],
          [featureWeightInput, floatTensor([0], [])],
          ['first', floatTensor(weight, [inputs, width])],
          ...quantizerFeeds(sites.map(() => ({ lower: -4, upper: 4, bits: 8 })))
        ])
      )
      const loss = Number(results.get(distillationOutputs.outputLoss)?.data[0])
      return [loss, Array.from(results.get('first.gradient')?.data ?? [], Number)]
    }
    const [near] = await run(first)
    const moved = first.map((value) => -value)
    const [far, gradient] = await run(moved)
    // At 8 bits the student with the teacher's weights is near the teacher; a step against the gradient brings it nearer.
    expect(near).toBeLessThan(0.1 * far)
    const [nearer] = await run(moved.map((value, i) => value - 0.05 * (gradient[i] ?? NaN)))
    expect(nearer).toBeLessThan(far)
    await session.dispose()
  })

  it('names a feature that the network does not have', () => {
    const objective = { loss: 'corrected' as const, features: ['nothing'] }
    expect(() => distillationGraph(network(), [], objective)).toThrow(/no value "nothing"/)
  })
})
