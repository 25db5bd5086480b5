import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../../../src/core/graph/builder'
import { differentiate, gradientOf } from '../../../../src/core/graph/gradients/differentiate'
import { float, int, ints, string, type Attributes, type Graph } from '../../../../src/core/graph/graph'
import { Random } from '../../../../src/core/imaging/random'
import { elementCount, floatTensor, indexTensor, type Tensor } from '../../../../src/core/tensor'
import { testedRuntime } from '../../../runtime'

/** A tensor in float64, row-major. */
interface Array64 {
  readonly shape: readonly number[]
  readonly data: Float64Array
}
type Forward = (inputs: readonly Array64[]) => Float64Array

interface Case {
  readonly op: string
  readonly shapes: readonly (readonly number[])[]
  readonly forward: Forward
  readonly constants?: readonly Tensor[]
  readonly attributes?: Attributes
  /** Values of the inputs lie within. */
  readonly range?: readonly [number, number]
}

const random = Random.seeded(11)
const uniform = (low: number, high: number): number => low + ((high - low) * (random.word() + 0.5)) / 2 ** 32

const map =
  (f: (x: number) => number): Forward =>
  ([x]) =>
    (x?.data ?? new Float64Array(0)).map(f)

/** Element by element, b repeated along a's leading axes or along axes of size 1. */
function pairs(f: (a: number, b: number) => number): Forward {
  return ([a, b]) => {
    if (a === undefined || b === undefined) throw new Error('two operands')
    const rank = Math.max(a.shape.length, b.shape.length)
    const full = (shape: readonly number[]): number[] => [...new Array<number>(rank - shape.length).fill(1), ...shape]
    const [p, q] = [full(a.shape), full(b.shape)]
    const shape = p.map((size, i) => Math.max(size, q[i] ?? 1))
    return Float64Array.from({ length: elementCount(shape) }, (_, flat) => {
      let [rest, i, j, si, sj] = [flat, 0, 0, 1, 1]
      for (let axis = rank - 1; axis >= 0; axis--) {
        const at = rest % (shape[axis] ?? 1)
        rest = Math.floor(rest / (shape[axis] ?? 1))
        i += (p[axis] === 1 ? 0 : at) * si
        j += (q[axis] === 1 ? 0 : at) * sj
        si *= p[axis] ?? 1
        sj *= q[axis] ?? 1
      }
      return f(a.data[i] ?? NaN, b.data[j] ?? NaN)
    })
  }
}

/** a [batch, n, k] · b [batch or 1, k, m]. */
const product =
  (batch: number, n: number, k: number, m: number, shared: boolean): Forward =>
  ([a, b]) =>
    Float64Array.from({ length: batch * n * m }, (_, flat) => {
      const [g, i, j] = [Math.floor(flat / (n * m)), Math.floor(flat / m) % n, flat % m]
      let sum = 0
      for (let l = 0; l < k; l++) {
        sum += (a?.data[(g * n + i) * k + l] ?? NaN) * (b?.data[((shared ? 0 : g) * k + l) * m + j] ?? NaN)
      }
      return sum
    })

const rows = (x: Array64 | undefined): Float64Array[] => {
  const width = x?.shape.at(-1) ?? 1
  return Array.from(
    { length: (x?.data.length ?? 0) / width },
    (_, i) => x?.data.slice(i * width, (i + 1) * width) ?? new Float64Array(0)
  )
}
const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length

/** x [1, 2, 4, 5], w [3, 2, 3, 3], bias [3], padded by one. */
const convolve: Forward = ([x, w, bias]) =>
  Float64Array.from({ length: 3 * 4 * 5 }, (_, flat) => {
    const [out, row, column] = [Math.floor(flat / 20), Math.floor(flat / 5) % 4, flat % 5]
    let sum = bias?.data[out] ?? 0
    for (let c = 0; c < 2; c++) {
      for (let dy = 0; dy < 3; dy++) {
        for (let dx = 0; dx < 3; dx++) {
          const [i, j] = [row + dy - 1, column + dx - 1]
          if (i < 0 || j < 0 || i >= 4 || j >= 5) continue
          sum += (x?.data[(c * 4 + i) * 5 + j] ?? NaN) * (w?.data[((out * 2 + c) * 3 + dy) * 3 + dx] ?? NaN)
        }
      }
    }
    return sum
  })

/** Every output of a two-dimensional operator: sample, channel, row and column, last fastest. */
function outputsOf(
  shape: readonly number[],
  compute: (n: number, c: number, i: number, j: number) => number
): Float64Array {
  const [samples = 0, channels = 0, height = 0, width = 0] = shape
  const values: number[] = []
  for (let n = 0; n < samples; n++)
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < height; i++) for (let j = 0; j < width; j++) values.push(compute(n, c, i, j))
  return Float64Array.from(values)
}

/** A picture's value, undefined outside. */
function pixel({ shape, data }: Array64, n: number, c: number, i: number, j: number): number | undefined {
  const [, channels = 0, height = 0, width = 0] = shape
  return i < 0 || j < 0 || i >= height || j >= width ? undefined : data[((n * channels + c) * height + i) * width + j]
}

/** A convolution by 3×3 as its definition has it. */
const convolution =
  ({ group = 1, stride = 1, dilation = 1, pad = 0 }): Forward =>
  ([x, w]) => {
    if (x === undefined || w === undefined) throw new Error('two operands')
    const [outputs = 0, inputs = 0] = w.shape
    const count = (size = 0): number => Math.floor((size + 2 * pad - 2 * dilation - 1) / stride) + 1
    return outputsOf([x.shape[0] ?? 0, outputs, count(x.shape[2]), count(x.shape[3])], (n, out, i, j) => {
      const first = Math.floor(out / (outputs / group)) * inputs
      let sum = 0
      for (let c = 0; c < inputs; c++)
        for (let dy = 0; dy < 3; dy++)
          for (let dx = 0; dx < 3; dx++) {
            const [row, column] = [i * stride + dy * dilation - pad, j * stride + dx * dilation - pad]
            sum += (pixel(x, n, first + c, row, column) ?? 0) * (w.data[((out * inputs + c) * 3 + dy) * 3 + dx] ?? NaN)
          }
      return sum
    })
  }

const largest =
  (kernel: number, stride: number, pad: number): Forward =>
  ([x]) => {
    if (x === undefined) throw new Error('one operand')
    const [n = 0, c = 0, height = 0, width = 0] = x.shape
    const count = (size: number): number => Math.floor((size + 2 * pad - kernel) / stride) + 1
    return outputsOf([n, c, count(height), count(width)], (sample, channel, i, j) => {
      let value = -Infinity
      for (let dy = 0; dy < kernel; dy++)
        for (let dx = 0; dx < kernel; dx++) {
          const [row, column] = [i * stride + dy - pad, j * stride + dx - pad]
          value = Math.max(value, pixel(x, sample, channel, row, column) ?? -Infinity)
        }
      return value
    })
  }

/** By the series of Abramowitz and Stegun 7.1.5, to double precision for |x| < 4. */
function erf(x: number): number {
  let [term, sum] = [x, x]
  for (let n = 1; n < 120; n++) {
    term *= -(x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const last = indexTensor([-1])
const cases: readonly Case[] = [
  { op: 'Add', shapes: [[2, 3], [3]], forward: pairs((a, b) => a + b) },
  {
    op: 'Sum',
    shapes: [[2, 3], [3]],
    forward: pairs((a, b) => a + b)
  },
  {
    op: 'Sub',
    shapes: [
      [2, 3],
      [2, 1]
    ],
    forward: pairs((a, b) => a - b)
  },
  {
    op: 'Mul',
    shapes: [
      [2, 3],
      [1, 3]
    ],
    forward: pairs((a, b) => a * b)
  },
  { op: 'Mul', shapes: [[], [2, 2]], forward: pairs((a, b) => a * b) },
  { op: 'Div', shapes: [[2, 3], [3]], forward: pairs((a, b) => a / b), range: [0.5, 2] },
  { op: 'Pow', shapes: [[4]], constants: [floatTensor([3], [])], forward: map((x) => x ** 3) },
  { op: 'Neg', shapes: [[4]], forward: map((x) => -x) },
  { op: 'Abs', shapes: [[6]], forward: map(Math.abs) },
  { op: 'Exp', shapes: [[4]], forward: map(Math.exp) },
  { op: 'Log', shapes: [[4]], forward: map(Math.log), range: [0.5, 2] },
  { op: 'Sqrt', shapes: [[4]], forward: map(Math.sqrt), range: [0.5, 2] },
  { op: 'Erf', shapes: [[5]], forward: map(erf) },
  { op: 'Gelu', shapes: [[6]], forward: map((x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2) },
  { op: 'Sigmoid', shapes: [[5]], forward: map((x) => 1 / (1 + Math.exp(-x))) },
  { op: 'Tanh', shapes: [[5]], forward: map(Math.tanh) },
  { op: 'Relu', shapes: [[6]], forward: map((x) => Math.max(0, x)) },
  { op: 'LeakyRelu', shapes: [[6]], attributes: { alpha: float(0.25) }, forward: map((x) => (x > 0 ? x : x / 4)) },
  {
    op: 'Clip',
    shapes: [[8]],
    constants: [floatTensor([-1], []), floatTensor([0.5], [])],
    forward: map((x) => Math.min(Math.max(x, -1), 0.5))
  },
  {
    op: 'Clip',
    shapes: [[8]],
    constants: [floatTensor([-0.5], [])],
    forward: map((x) => Math.max(x, -0.5))
  },
  {
    op: 'MatMul',
    shapes: [
      [2, 3, 4],
      [2, 4, 2]
    ],
    forward: product(2, 3, 4, 2, false)
  },
  {
    op: 'MatMul',
    shapes: [
      [2, 3, 4],
      [4, 2]
    ],
    forward: product(2, 3, 4, 2, true)
  },
  {
    op: 'MatMul',
    shapes: [
      [2, 3, 4],
      [1, 4, 2]
    ],
    forward: product(2, 3, 4, 2, true)
  },
  {
    op: 'Gemm',
    shapes: [[3, 4], [2, 4], [2]],
    attributes: { transB: int(1) },
    forward: ([a, b, c]) =>
      Float64Array.from({ length: 6 }, (_, i) => {
        const row = a?.data.subarray(Math.floor(i / 2) * 4, Math.floor(i / 2) * 4 + 4) ?? []
        return [...row].reduce((sum, x, k) => sum + x * (b?.data[(i % 2) * 4 + k] ?? NaN), c?.data[i % 2] ?? NaN)
      })
  },
  {
    op: 'Gemm',
    shapes: [
      [4, 3],
      [4, 2]
    ],
    attributes: { transA: int(1), alpha: float(0.5) },
    forward: ([a, b]) =>
      Float64Array.from({ length: 6 }, (_, i) => {
        let sum = 0
        for (let k = 0; k < 4; k++)
          sum += (a?.data[k * 3 + Math.floor(i / 2)] ?? NaN) * (b?.data[k * 2 + (i % 2)] ?? NaN)
        return sum / 2
      })
  },
  {
    op: 'Conv',
    shapes: [[1, 2, 4, 5], [3, 2, 3, 3], [3]],
    attributes: { pads: ints([1, 1, 1, 1]) },
    forward: convolve
  },
  {
    op: 'Softmax',
    shapes: [[2, 4]],
    attributes: { axis: int(-1) },
    forward: ([x]) =>
      Float64Array.from(
        rows(x).flatMap((row) => {
          const powers = row.map(Math.exp)
          return [...powers.map((power) => power / (mean(powers) * row.length))]
        })
      )
  },
  {
    op: 'LayerNormalization',
    shapes: [[2, 2, 5], [5], [5]],
    attributes: { axis: int(-1), epsilon: float(1e-5) },
    forward: ([x, scale, bias]) =>
      Float64Array.from(
        rows(x).flatMap((row) => {
          const centre = mean(row)
          const deviation = Math.sqrt(mean(row.map((value) => (value - centre) ** 2)) + 1e-5)
          return [
            ...row.map((value, i) => ((value - centre) / deviation) * (scale?.data[i] ?? NaN) + (bias?.data[i] ?? NaN))
          ]
        })
      )
  },
  {
    op: 'ReduceSum',
    shapes: [[2, 3]],
    constants: [last],
    forward: ([x]) => Float64Array.from(rows(x), (row) => mean(row) * 3)
  },
  {
    op: 'ReduceMean',
    shapes: [[2, 3]],
    constants: [last],
    attributes: { keepdims: int(0) },
    forward: ([x]) => Float64Array.from(rows(x), mean)
  },
  {
    op: 'Conv',
    shapes: [
      [1, 4, 4, 5],
      [6, 2, 3, 3]
    ],
    attributes: { pads: ints([1, 1, 1, 1]), group: int(2) },
    forward: convolution({ group: 2, pad: 1 })
  },
  {
    op: 'Conv',
    shapes: [
      [2, 3, 5, 4],
      [3, 1, 3, 3]
    ],
    attributes: { pads: ints([1, 1, 1, 1]), group: int(3) },
    forward: convolution({ group: 3, pad: 1 })
  },
  {
    op: 'Conv',
    shapes: [
      [2, 2, 6, 7],
      [4, 1, 3, 3]
    ],
    attributes: { strides: ints([2, 2]), group: int(2) },
    forward: convolution({ group: 2, stride: 2 })
  },
  {
    op: 'Conv',
    shapes: [
      [1, 2, 7, 8],
      [2, 2, 3, 3]
    ],
    attributes: { dilations: ints([2, 2]), pads: ints([2, 2, 2, 2]) },
    forward: convolution({ dilation: 2, pad: 2 })
  },
  {
    op: 'MaxPool',
    shapes: [[2, 2, 4, 6]],
    attributes: { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    forward: largest(2, 2, 0)
  },
  {
    op: 'MaxPool',
    shapes: [[1, 2, 4, 5]],
    attributes: { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) },
    forward: largest(3, 1, 1)
  },
  {
    op: 'ReduceL2',
    shapes: [[2, 3]],
    constants: [last],
    forward: ([x]) => Float64Array.from(rows(x), (row) => Math.hypot(...row))
  },
  {
    op: 'ReduceL2',
    shapes: [[3]],
    attributes: { keepdims: int(0) },
    forward: ([x]) => Float64Array.of(Math.hypot(...(x?.data ?? [])))
  },
  { op: 'ReduceMean', shapes: [[2, 3]], forward: ([x]) => Float64Array.of(mean(x?.data ?? new Float64Array(0))) },
  {
    op: 'ReduceMax',
    shapes: [[2, 3]],
    constants: [last],
    forward: ([x]) => Float64Array.from(rows(x), (row) => Math.max(...row))
  },
  {
    op: 'ReduceMin',
    shapes: [[2, 3]],
    constants: [last],
    attributes: { keepdims: int(0) },
    forward: ([x]) => Float64Array.from(rows(x), (row) => Math.min(...row))
  },
  {
    op: 'PRelu',
    shapes: [
      [2, 3, 4],
      [3, 1]
    ],
    forward: pairs((x, slope) => (x > 0 ? x : slope * x))
  },
  { op: 'PRelu', shapes: [[2, 3], [1]], forward: pairs((x, slope) => (x > 0 ? x : slope * x)) },
  { op: 'Max', shapes: [[2, 3], [3]], forward: pairs(Math.max) },
  {
    op: 'Min',
    shapes: [
      [2, 3],
      [2, 1]
    ],
    forward: pairs(Math.min)
  },
  { op: 'Reciprocal', shapes: [[7]], range: [0.5, 2], forward: map((x) => 1 / x) },
  { op: 'Sin', shapes: [[7]], forward: map(Math.sin) },
  { op: 'Cos', shapes: [[7]], forward: map(Math.cos) },
  { op: 'Softplus', shapes: [[7]], forward: map((x) => Math.log1p(Math.exp(x))) },
  { op: 'Mish', shapes: [[7]], forward: map((x) => x * Math.tanh(Math.log1p(Math.exp(x)))) },
  {
    op: 'Elu',
    shapes: [[9]],
    attributes: { alpha: float(0.75) },
    forward: map((x) => (x > 0 ? x : 0.75 * Math.expm1(x)))
  },
  {
    op: 'HardSigmoid',
    shapes: [[9]],
    range: [-4, 4],
    attributes: { alpha: float(0.25), beta: float(0.5) },
    forward: map((x) => Math.min(Math.max(0.25 * x + 0.5, 0), 1))
  },
  {
    op: 'HardSwish',
    shapes: [[9]],
    range: [-5, 5],
    forward: map((x) => x * Math.min(Math.max(x / 6 + 0.5, 0), 1))
  },
  {
    // The smaller factor has fewer axes.
    op: 'MatMul',
    shapes: [
      [1, 2, 3, 4],
      [1, 4, 2]
    ],
    forward: product(2, 3, 4, 2, true)
  },
  {
    // Padded by more than the kernel reaches.
    op: 'Conv',
    shapes: [
      [1, 2, 2, 3],
      [1, 2, 1, 1]
    ],
    attributes: { pads: ints([1, 0, 0, 1]) },
    forward: ([x, w]) =>
      outputsOf([1, 1, 3, 4], (_, __, i, j) => {
        const sample = (c: number): number => (i < 1 || j > 2 ? 0 : (x?.data[(c * 2 + i - 1) * 3 + j] ?? NaN))
        return sample(0) * (w?.data[0] ?? NaN) + sample(1) * (w?.data[1] ?? NaN)
      })
  }
]

/** The operator, and a loss that weights every element of its output differently. */
function lossOf(
  { op, shapes, constants = [], attributes = {} }: Omit<Case, 'forward'>,
  weights: Float64Array | null
): Graph {
  const builder = new GraphBuilder()
  const operands = shapes.map((shape, i): Value => builder.input(`x${i}`, shape))
  const rest = constants.map((tensor, i) => builder.constant(tensor, `c${i}`))
  const y = builder.apply(op, [...operands, ...rest], attributes, 'y')
  if (weights === null) return builder.build([y])
  const flat = builder.reshape(y, [-1])
  const weighted = builder.multiply(
    flat,
    builder.constant(floatTensor(Float32Array.from(weights), [weights.length]), 'w')
  )
  builder.apply('ReduceSum', [weighted], { keepdims: int(0) }, 'loss')
  return builder.build(['loss'])
}

async function computed(graph: Graph, inputs: readonly Array64[]): Promise<ReadonlyMap<string, Tensor>> {
  const session = await testedRuntime.load(graph, { threads: 1 })
  const feeds = inputs.map(({ shape, data }, i) => [`x${i}`, floatTensor(Float32Array.from(data), shape)] as const)
  const results = await session.run(new Map(feeds))
  await session.dispose()
  return results
}

/** Values that float32 holds exactly, none within a difference's reach of 0 or a bound. */
function inputsOf({ shapes, range: [low, high] = [-2, 2] }: Pick<Case, 'shapes' | 'range'>): Array64[] {
  return shapes.map((shape) => {
    const data = Float64Array.from(
      { length: elementCount(shape) },
      () => Math.round(uniform(low, high) * 32) / 32 + 1 / 64
    )
    return { shape, data }
  })
}

const weightsOf = (count: number): Float64Array =>
  Float64Array.from({ length: count }, () => Math.round(uniform(-8, 8)) + 0.5)
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0)

function expectClose(gradient: Tensor | undefined, expected: Float64Array): void {
  expect(gradient?.data).toHaveLength(expected.length)
  const scale = Math.max(1, ...expected.map(Math.abs))
  for (const [i, value] of (gradient?.data ?? []).entries()) {
    expect(Math.abs(Number(value) - (expected[i] ?? NaN)) / scale, `element ${i}`).toBeLessThan(2e-5)
  }
}

describe('the gradient of', () => {
  it.each(
    cases.map((each) => [`${each.op} of ${each.shapes.map((shape) => `[${shape.join()}]`).join()}`, each] as const)
  )('%s is what central differences in float64 give', async (_, each) => {
    const inputs = inputsOf(each)
    const weights = weightsOf(each.forward(inputs).length)
    const names = inputs.map((_, i) => `x${i}`)
    const results = await computed(differentiate(lossOf(each, weights), 'loss', names), inputs)
    const loss = Number(results.get('loss')?.data[0])
    const exact = dot(each.forward(inputs), weights)
    expect(Math.abs(loss - exact)).toBeLessThan(1e-4 * Math.max(1, Math.abs(exact)) + 1e-4)
    const h = 1e-5
    inputs.forEach((input, i) => {
      const slopes = input.data.map((value, k) => {
        const [plus, minus] = [h, -h].map((shift) => {
          const moved = { ...input, data: input.data.with(k, value + shift) }
          return dot(each.forward(inputs.with(i, moved)), weights)
        })
        return ((plus ?? NaN) - (minus ?? NaN)) / (2 * h)
      })
      expectClose(results.get(gradientOf(`x${i}`)), slopes)
    })
  })
})

/** Operators that only move numbers: differences of whole steps are exact even in float32. */
const movements: readonly Omit<Case, 'forward'>[] = [
  { op: 'Reshape', shapes: [[2, 6]], constants: [indexTensor([3, -1])] },
  { op: 'Flatten', shapes: [[2, 3, 2]], attributes: { axis: int(2) } },
  { op: 'Transpose', shapes: [[2, 3, 4]], attributes: { perm: ints([2, 0, 1]) } },
  { op: 'Transpose', shapes: [[2, 3]] },
  {
    op: 'Concat',
    shapes: [
      [2, 1],
      [2, 3]
    ],
    attributes: { axis: int(-1) }
  },
  { op: 'Slice', shapes: [[5, 6]], constants: [indexTensor([1, -4]), indexTensor([1000, -1]), indexTensor([0, 1])] },
  {
    op: 'Slice',
    shapes: [[5, 6]],
    constants: [indexTensor([-2, 1]), indexTensor([-100, 5]), indexTensor([0, 1]), indexTensor([-1, 1])]
  },
  { op: 'Slice', shapes: [[5]], constants: [indexTensor([3]), indexTensor([0]), indexTensor([0]), indexTensor([-1])] },
  {
    op: 'Slice',
    shapes: [[2, 7, 8]],
    constants: [indexTensor([1, 6]), indexTensor([6, -100]), indexTensor([1, 2]), indexTensor([2, -3])]
  },
  {
    op: 'Slice',
    shapes: [[7, 9]],
    constants: [indexTensor([2, 0]), indexTensor([9, 7]), indexTensor([1, 0]), indexTensor([3, 2])]
  },
  { op: 'Pad', shapes: [[2, 3]], constants: [indexTensor([1, 0, 0, 2])] },
  ...['reflect', 'edge', 'wrap'].map((mode) => ({
    op: 'Pad',
    shapes: [[1, 2, 4, 5]],
    constants: [indexTensor([0, 0, 2, 0, 0, 0, 3, 4])],
    attributes: { mode: string(mode) }
  })),
  { op: 'Gather', shapes: [[2, 3, 4]], constants: [{ ...indexTensor([-2]), shape: [] }], attributes: { axis: int(1) } },
  { op: 'Gather', shapes: [[3, 2]], constants: [indexTensor([1])], attributes: { axis: int(0) } },
  { op: 'Tile', shapes: [[2, 1, 3]], constants: [indexTensor([1, 4, 2])] },
  { op: 'DepthToSpace', shapes: [[1, 8, 2, 3]], attributes: { blocksize: int(2), mode: string('DCR') } },
  { op: 'SpaceToDepth', shapes: [[1, 2, 4, 6]], attributes: { blocksize: int(2) } },
  { op: 'GlobalAveragePool', shapes: [[2, 2, 3, 4]] },
  { op: 'AveragePool', shapes: [[1, 2, 5, 6]], attributes: { kernel_shape: ints([2, 3]), strides: ints([2, 2]) } },
  ...[0, 1].map((counted) => ({
    op: 'AveragePool',
    shapes: [[1, 2, 4, 5]],
    attributes: { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), count_include_pad: int(counted) }
  })),
  { op: 'ConvTranspose', shapes: [[2, 3, 3, 4], [3, 2, 3, 3], [2]] },
  {
    op: 'ConvTranspose',
    shapes: [
      [1, 4, 3, 4],
      [4, 2, 5, 4]
    ],
    attributes: {
      group: int(2),
      strides: ints([3, 2]),
      pads: ints([1, 2, 2, 1]),
      output_padding: ints([2, 1])
    }
  },
  {
    op: 'ConvTranspose',
    shapes: [
      [1, 2, 4, 4],
      [2, 3, 3, 3]
    ],
    attributes: { dilations: ints([2, 2]), strides: ints([2, 2]), output_padding: ints([1, 1]) }
  },
  { op: 'Gather', shapes: [[2, 4]], constants: [indexTensor([3, 0, 2, 1])], attributes: { axis: int(1) } },
  { op: 'Expand', shapes: [[3, 1]], constants: [indexTensor([2, 1, 4])] },
  { op: 'Squeeze', shapes: [[2, 1, 3]], constants: [indexTensor([1])] },
  { op: 'Unsqueeze', shapes: [[2, 3]], constants: [indexTensor([0])] },
  { op: 'DepthToSpace', shapes: [[1, 8, 2, 3]], attributes: { blocksize: int(2), mode: string('CRD') } },
  {
    op: 'Resize',
    shapes: [[1, 2, 2, 3]],
    constants: [floatTensor([], [0]), floatTensor([1, 1, 2, 2], [4])],
    attributes: {
      mode: string('nearest'),
      coordinate_transformation_mode: string('asymmetric'),
      nearest_mode: string('floor')
    }
  },
  ...['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'].flatMap((mode) =>
    [
      [1, 1, 4, 2.5],
      [1, 1, 0.5, 1]
    ].map((scales) => ({
      op: 'Resize',
      shapes: [[1, 2, 4, 6]],
      constants: [floatTensor([], [0]), floatTensor(scales, [4])],
      attributes: { mode: string('linear'), coordinate_transformation_mode: string(mode) }
    }))
  )
]

describe('the gradient of a movement:', () => {
  it.each(movements.map((each) => [each.op, each] as const))('%s', async (_, each) => {
    const inputs = inputsOf(each)
    const forward = async (from: readonly Array64[]): Promise<Float64Array> =>
      Float64Array.from((await computed(lossOf(each, null), from)).get('y')?.data ?? [], Number)
    const weights = weightsOf((await forward(inputs)).length)
    const names = inputs.map((_, i) => `x${i}`)
    const results = await computed(differentiate(lossOf(each, weights), 'loss', names), inputs)
    for (const [i, input] of inputs.entries()) {
      const slopes = new Float64Array(input.data.length)
      for (const [k, value] of input.data.entries()) {
        const [plus, minus] = await Promise.all(
          [1, -1].map((shift) => forward(inputs.with(i, { ...input, data: input.data.with(k, value + shift) })))
        )
        slopes[k] = (dot(plus ?? weights, weights) - dot(minus ?? weights, weights)) / 2
      }
      expectClose(results.get(gradientOf(`x${i}`)), slopes)
    }
  })
})

describe('differentiating', () => {
  const square = (): Graph => {
    const builder = new GraphBuilder()
    const x = builder.input('x0', [])
    const y = builder.multiply(x, x, 'y')
    builder.add(builder.multiply(y, y), y, 'loss')
    return builder.build(['loss'])
  }

  it('adds up what reaches a value on several ways', async () => {
    const results = await computed(differentiate(square(), 'loss', ['x0', 'y']), [
      { shape: [], data: Float64Array.of(3) }
    ])
    // d(x⁴ + x²)/dx = 4x³ + 2x, d(y² + y)/dy = 2y + 1
    expect(results.get('x0.gradient')?.data).toEqual(Float32Array.of(114))
    expect(results.get('y.gradient')?.data).toEqual(Float32Array.of(19))
  })

  it('puts the parts of a split together, zeros where the loss does not reach', async () => {
    const builder = new GraphBuilder()
    const x = builder.input('x0', [2, 5])
    const [first = '', , third = ''] = builder.applyMany('Split', [x, builder.integers([1, 2, 2])], 3, { axis: int(1) })
    const squares = builder.multiply(third, third)
    const parts = builder.concat([first, builder.multiply(squares, builder.scalar(0.5))], 1)
    builder.apply('ReduceSum', [parts], { keepdims: int(0) }, 'loss')
    const data = Float64Array.from({ length: 10 }, (_, i) => i)
    const results = await computed(differentiate(builder.build(['loss']), 'loss', ['x0']), [{ shape: [2, 5], data }])
    expect(results.get('x0.gradient')?.data).toEqual(Float32Array.of(1, 0, 0, 3, 4, 1, 0, 0, 8, 9))
  })

  it('builds nothing that the gradient does not need', () => {
    const builder = new GraphBuilder()
    const [x, w] = [builder.input('x0', [2, 3]), builder.input('w', [4, 3])]
    const y = builder.linear(x, w, null, 'y')
    builder.apply('ReduceSum', [builder.multiply(y, y)], { keepdims: int(0) }, 'loss')
    const products = (values: readonly string[]): number =>
      differentiate(builder.build(['loss']), 'loss', values).nodes.filter(({ op }) => op === 'Gemm').length
    expect([products(['x0']), products(['w']), products(['x0', 'w'])]).toEqual([2, 2, 3])
  })

  it('chooses as Where chose', async () => {
    const builder = new GraphBuilder()
    const [x, y] = [builder.input('x0', [2, 3]), builder.input('x1', [3])]
    const chosen = builder.apply('Where', [builder.apply('Greater', [x, builder.scalar(0)]), x, y])
    builder.apply('ReduceSum', [builder.multiply(chosen, builder.scalar(2))], { keepdims: int(0) }, 'loss')
    const results = await computed(differentiate(builder.build(['loss']), 'loss', ['x0', 'x1']), [
      { shape: [2, 3], data: Float64Array.of(1, -1, 1, -1, -1, 1) },
      { shape: [3], data: Float64Array.of(5, 6, 7) }
    ])
    expect(results.get('x0.gradient')?.data).toEqual(Float32Array.of(2, 0, 2, 0, 0, 2))
    expect(results.get('x1.gradient')?.data).toEqual(Float32Array.of(2, 4, 0))
  })

  it('names what it cannot differentiate', () => {
    const builder = new GraphBuilder()
    const x = builder.input('x0', [3])
    const rounded = builder.apply('Round', [x], {}, 'rounded')
    builder.apply('ReduceSum', [rounded], { keepdims: int(0) }, 'loss')
    const graph = builder.build(['loss'])
    expect(() => differentiate(graph, 'loss', ['x0'])).toThrow(/Round.*"rounded"/)
    expect(() => differentiate(square(), 'y', ['loss'])).toThrow(/"y" does not depend on "loss"/)
  })
})
