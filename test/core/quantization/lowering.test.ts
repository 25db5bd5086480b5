import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { symbol } from '../../../src/core/graph/dimension'
import { detectModel } from '../../../src/core/models/detect'
import { lowerQuantizers } from '../../../src/core/quantization/lowering'
import { findQuantizerSites, placeQuantizers } from '../../../src/core/quantization/placement'
import { quantize } from '../../../src/core/quantization/quantizer'
import { floatTensor } from '../../../src/core/tensor'
import { quantizerFeeds } from '../../../src/engine/plan'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { goldenTensors, under } from '../../golden'

describe('a lowered quantizer', () => {
  it.each([2, 3, 4, 6, 8])('is bit for bit the definition at %d bits', async (bits) => {
    const builder = new GraphBuilder()
    const x = builder.input('lr', [symbol('batch'), 1, 1, 40])
    const weight = builder.constant(
      floatTensor(
        Float32Array.from({ length: 40 }, () => 1),
        [40, 1]
      ),
      'weight'
    )
    const product = builder.matmul(x, weight, 'sr')
    const graph = builder.build([product])
    const rule = { linear: true, convolution: true, product: true, firstAndLast: true }
    const placed = lowerQuantizers(placeQuantizers(graph, findQuantizerSites(graph, rule)))
    // The quantized values themselves as outputs.
    const session = await onnxruntimeCpu.load({ ...placed, outputs: ['sr.input.quantized'] }, { threads: 1 })
    for (const bounds of [
      { lower: -1, upper: 1 },
      { lower: 0.1, upper: 7.3 },
      { lower: -3.7, upper: -0.2 },
      { lower: -1e-3, upper: 2e4 }
    ]) {
      const span = bounds.upper - bounds.lower
      const values = Float32Array.from({ length: 40 }, (_, i) => bounds.lower + (span * (i - 8)) / 23)
      const feeds = quantizerFeeds([
        { lower: 0, upper: 1, bits },
        { lower: Math.fround(bounds.lower), upper: Math.fround(bounds.upper), bits }
      ])
      const output = await session.run(new Map([['lr', floatTensor(values, [1, 1, 1, 40])], ...feeds]))
      const float32 = { lower: Math.fround(bounds.lower), upper: Math.fround(bounds.upper) }
      const expected = values.map((value) => quantize(value, float32, bits))
      expect(output.get('sr.input.quantized')?.data).toEqual(expected)
      expect(new Set(expected).size).toBeLessThanOrEqual(2 ** bits)
    }
    await session.dispose()
  })
})

describe('placement', () => {
  const modelOf = (file: string): ReturnType<typeof detectModel> => {
    const { tensors, metadata } = goldenTensors(`forward/${file}`)
    return detectModel({ tensors: under(tensors, 'weight/'), metadata }, file)
  }

  it('puts 16 quantizers into every block of SwinIR and none elsewhere', () => {
    const { graph, placement } = modelOf('swinir-light-x4.safetensors')
    const sites = findQuantizerSites(graph, placement)
    const blockOf = (name: string): string => /^layers\.\d+\.residual_group\.blocks\.\d+\./.exec(name)?.[0] ?? name
    const blocks = new Set(sites.map(({ name }) => blockOf(name)))
    expect(blocks.size).toBe(graph.nodes.filter(({ op }) => op === 'Softmax').length)
    for (const block of blocks) {
      const quantizers = sites.filter(({ name }) => blockOf(name) === block)
      expect(quantizers, block).toHaveLength(16)
      expect(quantizers.filter(({ kind }) => kind === 'weight')).toHaveLength(6)
    }
    expect(new Set(sites.map(({ name }) => name)).size).toBe(sites.length)
  })

  it('leaves the first and the last convolution of EDSR alone, unless they are asked for', () => {
    const { graph, placement } = modelOf('edsr-x4.safetensors')
    const layersOf = (firstAndLast: boolean): string[] =>
      findQuantizerSites(graph, { ...placement, firstAndLast })
        .filter(({ kind }) => kind === 'weight')
        .map(({ name }) => name.replace(/\.weight$/, ''))
    const convolutions = graph.nodes.filter(({ op }) => op === 'Conv').map(({ name }) => name)
    expect(layersOf(true)).toEqual(convolutions)
    expect(layersOf(false)).toEqual(convolutions.slice(1, -1))
  })

  it('says when there is nothing to quantize', () => {
    const { graph } = modelOf('edsr-x4.safetensors')
    expect(() => placeQuantizers(graph, [])).toThrow(/no layer that could be quantized/)
  })
})
