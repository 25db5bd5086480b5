import { expect, it } from 'vitest'
import { GraphBuilder } from '../../../../src/core/graph/builder'
import { cut } from '../../../../src/core/graph/cut'
import { bindInputs, foldConstants } from '../../../../src/core/graph/fold'
import { differentiate, gradientOf } from '../../../../src/core/graph/gradients/differentiate'
import { int, type Graph } from '../../../../src/core/graph/graph'
import { detectModel } from '../../../../src/core/models/detect'
import { lowerQuantizers } from '../../../../src/core/quantization/lowering'
import {
  boundsInput,
  findQuantizerSites,
  levelsInput,
  placeQuantizers
} from '../../../../src/core/quantization/placement'
import { levelsOf } from '../../../../src/core/quantization/quantizer'
import { floatTensor, type TensorOf } from '../../../../src/core/tensor'
import { readCheckpoint } from '../../../../src/formats/checkpoint'
import { testedRuntime } from '../../../runtime'
import { goldenQuantizerName, goldenTensors, relativeL2 } from '../../../golden'

const golden = goldenTensors('block.safetensors')
const blocks = JSON.parse(golden.metadata.get('blocks') ?? '[]') as string[]
const size = 32
/** The value that flows into each block. */
const inputs: Readonly<Record<string, string>> = {
  'layers.0.residual_group.blocks.0': 'patch_embed.norm',
  'layers.0.residual_group.blocks.1': 'layers.0.residual_group.blocks.0',
  'layers.1.residual_group.blocks.3': 'layers.1.residual_group.blocks.2'
}

const model = detectModel(await readCheckpoint('resources/models/swinir-tiny-x4.safetensors'), 'swinir-tiny-x4')
const cases = ['4', '3', '2'].flatMap((bits) => blocks.map((block) => ({ bits, block })))

/** The loss Σ output · upstream, whose gradient with respect to the output is the upstream gradient. */
function withLoss(graph: Graph, output: string): Graph {
  const builder = GraphBuilder.rewriting(graph)
  for (const node of graph.nodes) builder.append(node)
  const upstream = builder.input('upstream', graph.inputs[0]?.shape ?? [])
  builder.apply('ReduceSum', [builder.multiply(output, upstream)], { keepdims: int(0) }, 'loss')
  return builder.build(['loss'])
}

function quantizedBlock(block: string, batch: number): { graph: Graph; sites: ReturnType<typeof findQuantizerSites> } {
  const sizes = new Map(Object.entries({ batch, height: size, width: size }))
  const part = cut(foldConstants(bindInputs(model.graph, sizes)), [inputs[block] ?? ''], [block])
  const sites = findQuantizerSites(part, model.placement)
  const graph = differentiate(withLoss(placeQuantizers(part, sites), block), 'loss', [boundsInput, inputs[block] ?? ''])
  return { graph: lowerQuantizers(graph), sites }
}

function stored(bits: string, block: string, kind: string): TensorOf<'float32'> {
  const tensor = golden.tensors.get(`${bits}/${block}/${kind}`)
  if (tensor === undefined) throw new Error(`no golden ${kind} of ${block} at ${bits} bits`)
  return tensor
}

async function gradients(
  graph: Graph,
  input: string,
  feeds: Readonly<Record<string, TensorOf<'float32'>>>
): Promise<readonly [bounds: Float32Array, input: Float32Array]> {
  const session = await testedRuntime.load(graph, { threads: 1 })
  const results = await session.run(new Map(Object.entries(feeds)))
  await session.dispose()
  const of = (name: string): Float32Array => {
    const tensor = results.get(gradientOf(name))
    if (tensor?.type !== 'float32') throw new Error(`no gradient of ${name}`)
    return tensor.data
  }
  return [of(boundsInput), of(input)]
}

it.each(cases)('block $block at $bits bits has the gradients of the authors’ code', async ({ bits, block }) => {
  const input = inputs[block] ?? ''
  const { graph, sites } = quantizedBlock(block, 1)
  const names = sites.map(({ name }) => goldenQuantizerName(name).slice(block.length + 1))
  const rows = (kind: string): number[] => names.flatMap((name) => [...stored(bits, block, `${kind}/${name}`).data])
  const [byBounds, byInput] = await gradients(graph, input, {
    [input]: stored(bits, block, 'input'),
    upstream: stored(bits, block, 'grad_output'),
    [boundsInput]: floatTensor(rows('bounds'), [16, 2]),
    [levelsInput]: floatTensor(new Float32Array(16).fill(levelsOf(Number(bits))), [16])
  })
  expect(relativeL2(byInput, stored(bits, block, 'grad_input').data)).toBeLessThanOrEqual(1e-3)
  expect(relativeL2(byBounds, rows('grad_bounds'))).toBeLessThanOrEqual(1e-3)
})

it('the gradients of a batch of four are the sum of four', async () => {
  const [block = ''] = blocks
  const input = inputs[block] ?? ''
  const x = stored('4', block, 'input')
  const upstream = stored('4', block, 'grad_output')
  const names = (sites: ReturnType<typeof findQuantizerSites>): string[] =>
    sites.map(({ name }) => goldenQuantizerName(name).slice(block.length + 1))
  const { graph: single, sites } = quantizedBlock(block, 1)
  const constants = {
    [boundsInput]: floatTensor(
      names(sites).flatMap((name) => [...stored('4', block, `bounds/${name}`).data]),
      [16, 2]
    ),
    [levelsInput]: floatTensor(new Float32Array(16).fill(15), [16])
  }
  // Four different inputs: the stored one, rolled by some tokens.
  const rolled = (tensor: TensorOf<'float32'>, by: number): Float32Array => {
    const shift = by * 37 * 32
    return Float32Array.from([...tensor.data.subarray(shift), ...tensor.data.subarray(0, shift)])
  }
  const sum = new Float64Array(32)
  const all: number[][] = [[], []]
  for (const i of [0, 1, 2, 3]) {
    const [a, b] = [rolled(x, i), rolled(upstream, i)]
    all[0]?.push(...a)
    all[1]?.push(...b)
    const feeds = { [input]: floatTensor(a, x.shape), upstream: floatTensor(b, x.shape), ...constants }
    const [byBounds] = await gradients(single, input, feeds)
    byBounds.forEach((value, k) => (sum[k] = (sum[k] ?? 0) + value))
  }
  const shape = [4, ...x.shape.slice(1)]
  const [together] = await gradients(quantizedBlock(block, 4).graph, input, {
    [input]: floatTensor(all[0] ?? [], shape),
    upstream: floatTensor(all[1] ?? [], shape),
    ...constants
  })
  expect(relativeL2(together, sum)).toBeLessThanOrEqual(1e-5)
})
