import { describe, expect, it } from 'vitest'
import { GraphBuilder, type Value } from '../../../src/core/graph/builder'
import { float, int, ints, type Attributes, type Graph } from '../../../src/core/graph/graph'
import { inferShapes } from '../../../src/core/graph/infer'
import { Random } from '../../../src/core/imaging/random'
import { integerNetwork } from '../../../src/core/quantization/integer'
import { packQuantizers, standardWriter, type PlacedQuantizer } from '../../../src/core/quantization/packing'
import { findQuantizerSites, perChannel } from '../../../src/core/quantization/placement'
import { levelsOf } from '../../../src/core/quantization/quantizer'
import { withZeroPoint } from '../../../src/core/quantization/zero-point'
import { floatTensor, type TensorOf } from '../../../src/core/tensor'
import { writeOnnx } from '../../../src/formats/onnx'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { noiseBy } from './small-graphs'

const random = Random.seeded(11)
const noise = (shape: readonly number[]): TensorOf<'float32'> => noiseBy(random, shape)

/** Two layers, one of them transposed, a product of activations, and a convolution beside them. */
function network(): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('x', [6, 8])
  const first = builder.constant(noise([10, 8]), 'first.weight')
  const second = builder.constant(noise([8, 10]), 'second.weight')
  const bias = builder.constant(noise([10]), 'first.bias')
  const a = builder.apply('Gemm', [x, first, bias], { transB: int(1) }, 'a')
  const b = builder.apply('MatMul', [x, second], {}, 'b')
  const product = builder.apply('MatMul', [a, builder.transpose(b, [1, 0])], {}, 'product')
  const image = builder.reshape(product, [1, 1, 6, 6])
  const kernel = builder.constant(noise([2, 1, 3, 3]), 'kernel')
  return builder.build([builder.convolution(image, kernel, null, 3, 'y')])
}

const rule = { linear: true, convolution: true, product: true, firstAndLast: true }

/** Quantizers of every site at random bounds, or of the channels of weights. */
function placedIn(graph: Graph, bits: number, isPerChannel: boolean, zeroed: boolean): readonly PlacedQuantizer[] {
  const sites = findQuantizerSites(graph, rule)
  return (isPerChannel ? perChannel(graph, sites) : sites).map((site, i) => {
    const bounds = (at: number): { lower: number; upper: number } => {
      // Numbers without small common factors, so that no sum lies in the middle of two codes.
      return { lower: zeroed ? 0 : -0.7071 - 0.0314159 * at, upper: 0.6137 + 0.0517 * at }
    }
    const channels = Array.from({ length: site.channels?.count ?? 0 }, (_, at) => bounds(at + i))
    return { site, quantizer: { ...bounds(i), bits, ...(site.channels && { channels }) } }
  })
}

async function outputOf(graph: Graph, types: Graph, optimize = true): Promise<Float32Array> {
  const bytes = writeOnnx(graph, { types: inferShapes(types) })
  const session = await onnxruntimeCpu.loadFile(bytes, { threads: 1, optimize })
  const y = (await session.run(new Map([['x', input]]))).get('y')
  await session.dispose()
  return y?.type === 'float32' ? y.data : new Float32Array()
}

/** In float32, node by node: onnxruntime rounds biases to multiples of steps where it fuses quantizers without offsets. */
const simulated = (graph: Graph, placed: readonly PlacedQuantizer[]): Promise<Float32Array> =>
  outputOf(packQuantizers(graph, placed, standardWriter(21)), graph, false)

const input = noise([6, 8])

const weight = (builder: GraphBuilder, shape: readonly number[]): Value => builder.constant(noise(shape), 'weight')
const rowOf = (builder: GraphBuilder, x: Value): Value => {
  const [row = ''] = builder.split(x, [1, 5], 0)
  return builder.concat([row, builder.constant(noise([1, 2]))], 1)
}

describe('products in integers', () => {
  it.each([
    [4, false, false],
    [8, false, false],
    [6, true, false],
    [3, false, true],
    [2, true, false]
  ])(
    'of %d bits, channels apart: %s, lower bounds of 0: %s, are what they are in float32',
    async (bits, channels, zeroed) => {
      const graph = network()
      const placed = placedIn(graph, bits, channels, zeroed)
      const integer = integerNetwork(graph, placed)
      const products = integer.nodes.filter(({ op }) => op === 'MatMulIntegerToFloat')
      expect(products.length).toBeGreaterThanOrEqual(3)
      expect(integer.nodes.filter(({ op }) => op === 'Gemm' || op === 'MatMul')).toEqual([])
      const found = await outputOf(integer, graph)
      const expected = await simulated(graph, placed)
      expect(found).toHaveLength(72)
      // A code at the convolution may turn over where a sum lies within rounding of the middle of two.
      const equal = found.filter((value, i) => Math.abs(value - (expected[i] ?? NaN)) < 1e-4).length
      expect(equal / found.length).toBeGreaterThan(0.95)
    }
  )

  it.each<[string, readonly number[] | null, number]>([
    ['are left out where only a softmax reads them', null, 1],
    ['are left out behind an addition and a reshape', [2, 3, 6], 1],
    ['are not left out behind a reshape that breaks rows', [12, 3], 2]
  ])('sums of rows %s', async (_, shape, sums) => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const turned = builder.transpose(x, [1, 0])
    const product = builder.add(builder.matmul(x, turned), builder.constant(noise([6, 6]), 'bias'))
    const seen = shape === null ? product : builder.reshape(product, shape)
    const graph = builder.build([builder.apply('Identity', [builder.softmax(seen)], {}, 'y')])
    const placed = placedIn(graph, 4, false, false)
    const integer = integerNetwork(graph, placed)
    // The product, and the sums of columns beside those of rows.
    expect(integer.nodes.filter(({ op }) => op === 'MatMulIntegerToFloat')).toHaveLength(1 + sums)
    const [found, expected] = [await outputOf(integer, graph), await simulated(graph, placed)]
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? NaN, 5)
  })

  it('have codes at the upper end of bytes where nothing is below the least code', async () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const map = builder.softmax(builder.matmul(x, builder.transpose(x, [1, 0])), 'map')
    const graph = builder.build([builder.matmul(map, x, 'y')])
    const placed = findQuantizerSites(graph, rule).map((site) => {
      return {
        site,
        quantizer: { ...(site.value === 'map' ? { lower: 0.01, upper: 0.4 } : { lower: -0.7, upper: 0.6 }), bits: 4 }
      }
    })
    const integer = integerNetwork(graph, placed)
    expect(integer.nodes.filter(({ op }) => op === 'Clip')).toHaveLength(3)
    const found = await outputOf(integer, graph)
    const expected = await simulated(graph, placed)
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? NaN, 5)
  })

  it.each<[string, (builder: GraphBuilder, x: Value) => Value]>([
    [
      'a bias that is made at run time',
      (builder, x) => builder.apply('Gemm', [x, weight(builder, [8, 10]), rowOf(builder, x)])
    ],
    [
      'a bias for each row',
      (builder, x) => builder.apply('Gemm', [x, weight(builder, [8, 10]), builder.constant(noise([6, 1]))])
    ],
    ['twice the product', (builder, x) => builder.apply('Gemm', [x, weight(builder, [8, 10])], { alpha: float(2) })],
    ['a weight on the left', (builder, x) => builder.matmul(weight(builder, [10, 6]), x)],
    ['a right factor that is transposed', (builder, x) => builder.apply('Gemm', [x, x], { transB: int(1) })]
  ])('but for %s, which is computed in float32', async (_, make) => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const graph = builder.build([builder.apply('Identity', [make(builder, x)], {}, 'y')])
    const placed = placedIn(graph, 4, false, false)
    const integer = integerNetwork(graph, placed)
    expect(integer.nodes.filter(({ op }) => op === 'MatMulIntegerToFloat')).toEqual([])
    const expected = await outputOf(packQuantizers(graph, placed, standardWriter(21)), graph)
    expect(await outputOf(integer, graph)).toEqual(expected)
  })

  it('but for transposed convolutions, which are computed in float32', async () => {
    const builder = new GraphBuilder()
    const image = builder.reshape(builder.input('x', [6, 8]), [1, 2, 4, 6])
    const kernel = builder.constant(noise([2, 3, 3, 3]), 'kernel')
    const graph = builder.build([builder.apply('ConvTranspose', [image, kernel], {}, 'y')])
    const placed = placedIn(graph, 4, false, false)
    const expected = await outputOf(packQuantizers(graph, placed, standardWriter(21)), graph)
    expect(await outputOf(integerNetwork(graph, placed), graph)).toEqual(expected)
  })

  it('take a bias that is one number', async () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const bias = builder.constant(floatTensor([0.25], [1]), 'bias')
    const product = builder.apply('Gemm', [x, weight(builder, [8, 10]), bias])
    const graph = builder.build([builder.apply('Identity', [product], {}, 'y')])
    const placed = placedIn(graph, 4, false, false)
    const [found, expected] = [await outputOf(integerNetwork(graph, placed), graph), await simulated(graph, placed)]
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? NaN, 4)
  })

  it('of which both operands are the same are quantized once', () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [4, 4])
    const [a, b] = ['a', 'b'].map((name) => builder.matmul(x, builder.constant(noise([4, 4]), `${name}.weight`), name))
    const graph = builder.build([builder.add(a ?? '', b ?? '', 'y')])
    const placed = findQuantizerSites(graph, rule).map((site) => {
      return { site, quantizer: { lower: -0.5, upper: 0.5, bits: 4 } }
    })
    const ops = integerNetwork(graph, placed).nodes.map(({ op }) => op)
    expect(ops.filter((op) => op === 'QuantizeLinear')).toHaveLength(1)
    // One for each weight, and one sum of the rows of x for both.
    expect(ops.filter((op) => op === 'MatMulIntegerToFloat')).toHaveLength(3)
  })

  it.each<[string, readonly number[], readonly number[]]>([
    ['rows in fours, columns few', [2, 3, 4, 2], [2, 3, 2, 4]],
    ['rows in twos, columns many', [4, 6, 2], [4, 2, 24]],
    ['rows that are odd', [16, 3, 1], [16, 1, 3]],
    ['the right one for several of the left', [3, 4, 4], [4, 12]]
  ])('of two activations are what they are in float32: %s', async (_, left, right) => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const operand = (shape: readonly number[], name: string): Value => {
      const values = builder.linear(x, builder.constant(noise([shape.reduce((a, b) => a * b, 1) / 6, 8])), null)
      return builder.reshape(values, shape, name)
    }
    const product = builder.matmul(operand(left, 'left'), operand(right, 'right'))
    const graph = builder.build([builder.apply('Identity', [product], {}, 'y')])
    const sites = findQuantizerSites(graph, { ...rule, linear: false })
    const placed = sites.map((site, i) => {
      return { site, quantizer: { lower: -1.7071 - 0.0314 * i, upper: 1.6137 + 0.0517 * i, bits: 4 } }
    })
    const graphs = [integerNetwork(graph, placed), packQuantizers(graph, placed, standardWriter(21))]
    const [integer] = graphs
    // The product, sums of rows and sums of columns; lower bounds are part of the layers.
    expect(integer?.nodes.filter(({ op }) => op === 'MatMulIntegerToFloat')).toHaveLength(3)
    expect(integer?.nodes.filter(({ op }) => op === 'Sub')).toEqual([])
    const [found, expected] = await Promise.all(graphs.map((each) => outputOf(each, graph, false)))
    expect(found?.length).toBe(expected?.length)
    const equal = found?.filter((value, i) => Math.abs(value - (expected?.[i] ?? NaN)) < 1e-4).length ?? 0
    expect(equal / (found?.length ?? 0)).toBeGreaterThan(0.95)
  })

  it('take a lower bound that is next to nothing for 0', () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const map = builder.softmax(builder.matmul(x, builder.transpose(x, [1, 0])), 'map')
    const graph = builder.build([builder.matmul(map, x, 'y')])
    const subtractions = (lower: number): number => {
      const placed = findQuantizerSites(graph, rule).map((site) => {
        return { site, quantizer: { lower: site.value === 'map' ? lower : 0, upper: 0.6, bits: 4 } }
      })
      return integerNetwork(graph, placed).nodes.filter(({ op }) => op === 'Sub').length
    }
    expect([1e-12, 1e-6].map(subtractions)).toEqual([0, 1])
  })

  it.each([2, 4, 6, 8])('of %d bits have nothing to add where zero points are integers', async (bits) => {
    const graph = network()
    const placed = placedIn(graph, bits, false, false).map(({ site, quantizer }) => {
      return { site, quantizer: { ...quantizer, ...withZeroPoint(quantizer, levelsOf(bits), 'integer') } }
    })
    const integer = integerNetwork(graph, placed)
    const count = (op: string): number => integer.nodes.filter((node) => node.op === op).length
    expect([count('MatMulIntegerToFloat'), count('Add'), count('Sub')]).toEqual([4, 0, 0])
    const [found, expected] = [await outputOf(integer, graph), await simulated(graph, placed)]
    expect(found).toHaveLength(72)
    const equal = found.filter((value, i) => Math.abs(value - (expected[i] ?? NaN)) < 1e-4).length
    expect(equal / found.length).toBeGreaterThan(0.95)
  })

  it('share the sums of the rows of what they multiply', async () => {
    const builder = new GraphBuilder()
    const x = builder.input('x', [6, 8])
    const parts = ['q', 'k', 'v'].map((name) =>
      builder.matmul(x, builder.constant(noise([8, 4]), `${name}.weight`), name)
    )
    const graph = builder.build([builder.concat(parts, 1, 'y')])
    const placed = findQuantizerSites(graph, rule).map((site, i) => {
      const lower = site.kind === 'weight' ? -0.4321 - 0.0777 * i : -0.7
      return { site, quantizer: { lower, upper: 0.6, bits: 4 } }
    })
    const integer = integerNetwork(graph, placed)
    expect(integer.nodes.filter(({ op }) => op === 'MatMulIntegerToFloat')).toHaveLength(4)
    const [found, expected] = [await outputOf(integer, graph), await simulated(graph, placed)]
    expect(found).toHaveLength(72)
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? NaN, 5)
  })
})

describe('convolutions in integers', () => {
  const kernels = (
    kernel: TensorOf<'float32'>,
    attributes: Attributes,
    bias: readonly number[] | null = null
  ): Graph => {
    const builder = new GraphBuilder()
    const image = builder.reshape(builder.input('x', [6, 8]), [1, 4, 3, 4])
    const inputs = [image, builder.constant(kernel, 'kernel')]
    if (bias !== null) inputs.push(builder.constant(floatTensor(bias, [bias.length]), 'bias'))
    return builder.build([builder.apply('Conv', inputs, attributes, 'y')])
  }
  const padded = { pads: ints([1, 1, 1, 1]) }

  it.each<[string, Graph, number]>([
    ['within the picture', kernels(noise([5, 4, 3, 3]), {}), 5],
    ['over its border', kernels(noise([5, 4, 3, 3]), padded, [0.1, 0.2, -0.3, 0.4, -0.5]), 5],
    ['in steps of 2', kernels(noise([2, 4, 3, 3]), { ...padded, strides: ints([2, 2]) }), 2],
    ['with holes', kernels(noise([2, 4, 2, 2]), { ...padded, dilations: ints([2, 2]) }, [1, 2]), 2],
    ['of groups', kernels(noise([6, 2, 3, 3]), { ...padded, group: int(2) }), 6],
    ['of each channel alone', kernels(noise([4, 1, 3, 3]), { ...padded, group: int(4) }, [1, 2, 3, 4]), 4],
    ['of single pixels', kernels(noise([3, 4, 1, 1]), {}, [1, 2, 3]), 3]
  ])('%s are what they are in float32', async (_, graph, outputs) => {
    for (const bits of [2, 4, 8]) {
      for (const [isPerChannel, isZeroed] of [
        [false, false],
        [true, false],
        [true, true]
      ] as const) {
        const placed = placedIn(graph, bits, isPerChannel, isZeroed)
        expect(placed.map(({ site }) => site.kind).toSorted()).toEqual(['activation', 'weight'])
        const integer = integerNetwork(graph, placed)
        // Convolutions in groups are left to an operator of their own.
        const operator = graph.nodes.some(({ attributes }) => 'group' in attributes)
          ? 'ConvInteger'
          : 'MatMulIntegerToFloat'
        expect(integer.nodes.filter(({ op }) => op === operator).length).toBeGreaterThan(0)
        const found = await outputOf(integer, graph)
        const expected = await simulated(graph, placed)
        expect(found.length % outputs).toBe(0)
        expect(found).toHaveLength(expected.length)
        for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i] ?? NaN, 5)
      }
    }
  })
})
