import { describe, expect, it } from 'vitest'
import { cut } from '../../../src/core/graph/cut'
import { evaluateDimension, format } from '../../../src/core/graph/dimension'
import { bindInputs, dropDead, foldConstants } from '../../../src/core/graph/fold'
import type { Graph } from '../../../src/core/graph/graph'
import { inferShapes } from '../../../src/core/graph/infer'
import { detectModel } from '../../../src/core/models/detect'
import { floatTensor, type TensorOf } from '../../../src/core/tensor'
import { readCheckpoint } from '../../../src/formats/checkpoint'
import { readOnnx, writeOnnx } from '../../../src/formats/onnx'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { bundledModel } from '../../cli/run-cli'
import { testPicture } from '../../pictures'

const model = detectModel(await readCheckpoint(bundledModel), 'swinir-tiny-x4')
const { graph } = model
const fixed = (height: number, width: number, batch?: number): Graph => {
  const sizes = Object.entries({ height, width, ...(batch === undefined ? {} : { batch }) })
  return bindInputs(graph, new Map(sizes))
}

function picture(batch: number, height: number, width: number): TensorOf<'float32'> {
  const images = Array.from({ length: batch }, (_, i) => testPicture(width, height, i))
  const data = images.flatMap((image) => [...image.data].map((sample) => sample / 255))
  return floatTensor(data, [batch, 3, height, width])
}

async function run(subject: Graph, input: TensorOf<'float32'>, name = 'lr'): Promise<TensorOf<'float32'>[]> {
  const session = await onnxruntimeCpu.load(subject, { threads: 1 })
  const outputs = await session.run(new Map([[name, input]]))
  await session.dispose()
  return [...outputs.values()].filter((tensor): tensor is TensorOf<'float32'> => tensor.type === 'float32')
}

function largestDifference(a: TensorOf<'float32'> | undefined, b: TensorOf<'float32'> | undefined): number {
  expect(a?.shape).toEqual(b?.shape)
  return Math.max(...(a?.data ?? []).map((value, i) => Math.abs(value - (b?.data[i] ?? NaN))))
}

describe('shapes of a whole network', () => {
  it('are known in symbols: any batch, any size', () => {
    expect(inferShapes(graph).get('sr')?.shape.map(format)).toEqual(['batch', '3', '4*height', '4*width'])
  })

  it.each([
    [1, 16, 24],
    [3, 8, 8],
    [2, 13, 9]
  ])('are what onnxruntime computes, %d × %d × %d', async (batch, height, width) => {
    // Some value of every operator as an output of its own.
    const seen = new Map(graph.nodes.map((node) => [node.op, node.outputs[0] ?? '']))
    const names = [...seen.values()].filter((name) => inferShapes(graph).get(name)?.type === 'float32')
    expect(names.length).toBeGreaterThan(8)
    const outputs = await run({ ...graph, outputs: names }, picture(batch, height, width))
    const bindings = new Map(Object.entries({ batch, height, width }))
    const symbolic = inferShapes(graph)
    names.forEach((name, i) => {
      const inferred = symbolic.get(name)?.shape.map((size) => evaluateDimension(size, bindings))
      expect(inferred, name).toEqual(outputs[i]?.shape)
    })
  })
})

describe('the batch', () => {
  it('is free: pictures together give what they give alone', async () => {
    const [together] = await run(graph, picture(2, 16, 16))
    const whole = picture(2, 16, 16)
    for (const i of [0, 1]) {
      const alone = floatTensor(whole.data.slice(i * 768, (i + 1) * 768), [1, 3, 16, 16])
      const [output] = await run(graph, alone)
      const part = together?.data.slice(i * 64 * 64 * 3, (i + 1) * 64 * 64 * 3)
      const worst = Math.max(...(output?.data ?? []).map((value, k) => Math.abs(value - (part?.[k] ?? NaN))))
      expect(worst).toBeLessThan(1e-5)
    }
  })
})

describe('folding', () => {
  it('keeps what the network computes and leaves nothing that could be known before', async () => {
    const bound = fixed(16, 24, 1)
    const folded = foldConstants(bound)
    expect(folded.nodes.length).toBeLessThan(bound.nodes.length)
    const computesShapes = ['Shape', 'Range', 'Mod', 'Where', 'Concat']
    expect(folded.nodes.filter(({ op }) => computesShapes.includes(op))).toEqual([])
    for (const node of folded.nodes) {
      expect(node.inputs.some((name) => name !== '' && !folded.initializers.has(name))).toBe(true)
    }
    const input = picture(1, 16, 24)
    const [[before], [after]] = [await run(bound, input), await run(folded, input)]
    expect(largestDifference(before, after)).toBeLessThan(1e-5)
  })

  it('drops what no output needs', () => {
    const [middle] = graph.nodes[Math.floor(graph.nodes.length / 2)]?.outputs ?? []
    const part = dropDead({ ...graph, outputs: [middle ?? ''] })
    const read = new Set([...part.nodes.flatMap(({ inputs }) => inputs), ...part.outputs])
    expect(part.nodes.length).toBeLessThan(graph.nodes.length)
    for (const node of part.nodes)
      expect(
        node.outputs.some((name) => read.has(name)),
        node.name
      ).toBe(true)
    for (const name of part.initializers.keys()) expect(read.has(name), name).toBe(true)
  })
})

describe('a cut', () => {
  it('in two computes together what the whole computes', async () => {
    const whole = foldConstants(fixed(16, 16, 1))
    // A value that everything behind it depends on: the picture's features before the first block.
    const [border = ''] = whole.nodes.find(({ name }) => name === 'conv_first')?.outputs ?? []
    const input = picture(1, 16, 16)
    const [features] = await run(cut(whole, ['lr'], [border]), input)
    if (features === undefined) throw new Error('no features')
    const [output] = await run(cut(whole, [border], ['sr']), features, border)
    expect(largestDifference(output, (await run(whole, input))[0])).toBeLessThan(1e-5)
  })
})

describe('ONNX', () => {
  it.each([
    ['of any size', graph],
    ['of a fixed size', foldConstants(fixed(16, 16))]
  ])('gives back a network %s: same bytes, same output', async (_, written) => {
    const bytes = writeOnnx(written, { metadata: new Map([['scale', '4']]) })
    const { graph: read, metadata, opset } = readOnnx(bytes, 'x.onnx')
    expect([metadata.get('scale'), opset]).toEqual(['4', 21])
    expect(read.nodes).toEqual(written.nodes)
    expect(read.inputs.map(({ name, shape }) => [name, shape.map(format)])).toEqual(
      written.inputs.map(({ name, shape }) => [name, shape.map(format)])
    )
    expect(Buffer.compare(writeOnnx(read, { metadata }), bytes)).toBe(0)
    const input = picture(2, 16, 16)
    expect(largestDifference((await run(read, input))[0], (await run(written, input))[0])).toBe(0)
  })
})
