import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { bindInputs, foldConstants } from '../../../src/core/graph/fold'
import { differentiate, gradientOf } from '../../../src/core/graph/gradients/differentiate'
import { int, type Graph } from '../../../src/core/graph/graph'
import { buildOnnxModel } from '../../../src/core/models/onnx-model'
import { likeliestRange, probePicture } from '../../../src/core/models/range-probing'
import { parseRange, usualRanges } from '../../../src/core/models/value-range'
import { findQuantizerSites, type QuantizerSite } from '../../../src/core/quantization/placement'
import { floatTensor } from '../../../src/core/tensor'
import { readOnnx, writeOnnx } from '../../../src/formats/onnx'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { describeWithSharedData, sharedData } from '../../shared-data'
import { enlarged, greatestDifference, picture } from './plain-onnxruntime'

/** File, scale, step, least size, weights and activations that are quantized. */
const networks = [
  ['CARN_M_x4', 4, 1, 1, 23, 41],
  ['IMDTN_x4', 4, 1, 6, 38, 62],
  ['MobileSR_x4', 4, 8, 8, 43, 63],
  ['SMFANetp_x4', 4, 8, 8, 120, 120],
  ['CRAFT_x4', 4, 16, 16, 173, 333],
  ['swinir-tiny-x4.torch-opset11', 4, 1, 1, 48, 80],
  ['swinir-tiny-x4.torch-opset17', 4, 1, 1, 48, 80]
] as const

const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(sharedData('models', `${name}.onnx`)))

it('a range is told in several ways', () => {
  expect(parseRange('0..1')).toEqual({ black: 0, white: 1 })
  expect(parseRange('0-255')).toEqual({ black: 0, white: 255 })
  expect(parseRange('[-1, 1]')).toEqual({ black: -1, white: 1 })
  expect(['', '1..0', 'unit', undefined].map(parseRange)).toEqual([undefined, undefined, undefined, undefined])
})

describeWithSharedData('real networks from ONNX files', () => {
  it.each(networks)('%s is what it was, written again', async (name, scale, step, least, weights, activations) => {
    const bytes = bytesOf(name)
    const file = readOnnx(bytes, name)
    const model = buildOnnxModel(file, name)
    expect(model).toMatchObject({ scale, channels: 3, takes: { step, least } })
    const sites = findQuantizerSites(model.graph, model.placement)
    const kinds = sites.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'weight')).toHaveLength(weights)
    expect(kinds.filter((kind) => kind === 'activation')).toHaveLength(activations)
    expect(new Set(sites.map((site) => site.name)).size).toBe(sites.length)
    expect(model.features.groups.length).toBeGreaterThan(1)
    const x = model.fixedSize === null ? picture(32, 48) : picture(64, 64)
    const [expected, found] = [await enlarged(bytes, x), await enlarged(writeOnnx(model.graph), x)]
    expect(greatestDifference(found, expected)).toBeLessThan(1e-5)
  })

  it.each(networks.slice(0, 5))('%s is known without what its file tells', (name, scale, step) => {
    const model = buildOnnxModel({ ...readOnnx(bytesOf(name), name), metadata: new Map() }, name)
    expect([model.scale, model.takes.step]).toEqual([scale, step])
    expect(model.takes.least).toBeLessThanOrEqual(16)
  })

  it.each(['CARN_M_x4', 'MobileSR_x4', 'SMFANetp_x4', 'swinir-tiny-x4.torch-opset17'])(
    '%s tells the range it was trained in by what it makes of a picture',
    async (name) => {
      const model = buildOnnxModel(readOnnx(bytesOf(name), name), name)
      const side = model.fixedSize ?? 48
      const { lr, hr } = probePicture(3, side, model.scale)
      const session = await onnxruntimeCpu.load(model.graph, { threads: 1 })
      // The network works on 0 to 1; seen from outside, it is made to work on any range.
      for (const own of usualRanges) {
        const span = own.white - own.black
        const answers = []
        for (const range of usualRanges) {
          const inside = lr.map((value) => (range.black + value * (range.white - range.black) - own.black) / span)
          const result = (await session.run(new Map([['lr', floatTensor(inside, [1, 3, side, side])]]))).get('sr')
          if (result?.type !== 'float32') throw new Error('no picture')
          answers.push({ range, given: result.data.map((value) => own.black + value * span) })
        }
        expect(likeliestRange(answers, hr)).toBe(own)
      }
      await session.dispose()
      expect(() => likeliestRange([{ range: usualRanges[0], given: hr.map(() => NaN) }], hr)).toThrow(/--img-range/)
    }
  )

  it.each(['MobileSR_x4', 'SMFANetp_x4'])('%s has gradients at every quantizer', async (name) => {
    const { graph: free, placement } = buildOnnxModel(readOnnx(bytesOf(name), name), name)
    const graph = foldConstants(bindInputs(free, new Map(Object.entries({ batch: 1, height: 16, width: 16 }))))
    const sites = findQuantizerSites(graph, placement)
    const x = picture(16, 16)
    const session = await onnxruntimeCpu.load(shiftedLoss(graph, sites), { threads: 1 })
    const run = async (shifts: Float32Array, output: string): Promise<Float32Array> => {
      const feeds = new Map([
        ['lr', x],
        ['shifts', floatTensor(shifts, [sites.length])]
      ])
      const result = (await session.run(feeds, { outputs: [output] })).get(output)
      return result?.type === 'float32' ? result.data : new Float32Array(0)
    }
    const none = new Float32Array(sites.length)
    const gradients = await run(none, gradientOf('shifts'))
    expect(gradients.every((gradient) => Number.isFinite(gradient))).toBe(true)
    // Some all over the network.
    for (let at = 0; at < sites.length; at += Math.floor(sites.length / 8)) {
      const moved = (by: number): Float32Array => none.map((_, i) => (i === at ? by : 0))
      // Small, as a shift moves all that a layer makes, over many kinks of LeakyReLU.
      const step = 3e-5
      const [above = NaN] = await run(moved(step), 'loss')
      const [below = NaN] = await run(moved(-step), 'loss')
      const expected = (above - below) / (2 * step)
      const gradient = gradients[at] ?? NaN
      const allowed = 0.1 * Math.abs(expected) + 0.15
      expect(Math.abs(gradient - expected), `${sites[at]?.name}: ${gradient}, ${expected}`).toBeLessThan(allowed)
    }
    await session.dispose()
  })
})

/**
 * Σ sr·waves where every value that would be quantized is shifted by a number of its own, and the gradient of these numbers:
 * what reaches a quantizer from the loss, without the steps of quantization, over which no difference could be taken.
 */
function shiftedLoss(graph: Graph, sites: readonly QuantizerSite[]): Graph {
  const builder = GraphBuilder.rewriting(graph)
  const shifts = builder.input('shifts', [sites.length])
  const shifted = new Map<QuantizerSite, string>()
  const byReader = new Map(sites.flatMap((site) => site.readers.map((each) => [`${each.node} ${each.input}`, site])))
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((input, i) => {
      const site = byReader.get(`${node.name} ${i}`)
      if (site === undefined) return input
      const known = shifted.get(site)
      if (known !== undefined) return known
      const own = builder.slice(
        shifts,
        builder.integers([sites.indexOf(site)]),
        builder.integers([sites.indexOf(site) + 1]),
        [0]
      )
      const value = builder.add(input, own)
      shifted.set(site, value)
      return value
    })
    builder.append({ ...node, inputs })
  }
  const waves = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i / 7))
  const product = builder.multiply('sr', builder.constant(floatTensor(waves, [1, 3, 64, 64])))
  builder.apply('ReduceSum', [product], { keepdims: int(0) }, 'loss')
  return differentiate(builder.build(['loss']), 'loss', ['shifts'])
}
