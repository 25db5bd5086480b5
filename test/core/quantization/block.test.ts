import { expect, it } from 'vitest'
import { cut } from '../../../src/core/graph/cut'
import { bindInputs, foldConstants } from '../../../src/core/graph/fold'
import { detectModel } from '../../../src/core/models/detect'
import { lowerQuantizers } from '../../../src/core/quantization/lowering'
import { boundsInput, findQuantizerSites, levelsInput, placeQuantizers } from '../../../src/core/quantization/placement'
import { levelsOf } from '../../../src/core/quantization/quantizer'
import { floatTensor } from '../../../src/core/tensor'
import { readCheckpoint } from '../../../src/formats/checkpoint'
import { testedRuntime } from '../../runtime'
import { goldenQuantizerName, goldenTensors, relativeL2 } from '../../golden'

const golden = goldenTensors('block.safetensors')
const blocks = JSON.parse(golden.metadata.get('blocks') ?? '[]') as string[]
const size = 32

/** The value that flows into each block: what the one before it gives, or the embedded picture. */
const inputs: Readonly<Record<string, string>> = {
  'layers.0.residual_group.blocks.0': 'patch_embed.norm',
  'layers.0.residual_group.blocks.1': 'layers.0.residual_group.blocks.0',
  'layers.1.residual_group.blocks.3': 'layers.1.residual_group.blocks.2'
}

const model = detectModel(await readCheckpoint('resources/models/swinir-tiny-x4.safetensors'), 'swinir-tiny-x4')
const fixed = foldConstants(
  bindInputs(
    model.graph,
    new Map([
      ['batch', 1],
      ['height', size],
      ['width', size]
    ])
  )
)

const cases = ['4', '3', '2'].flatMap((bits) => blocks.map((block) => ({ bits, block })))

it.each(cases)('block $block at $bits bits gives what the authors’ code gives', async ({ bits, block }) => {
  const input = inputs[block] ?? ''
  const part = cut(fixed, [input], [block])
  const sites = findQuantizerSites(part, model.placement)
  expect(sites).toHaveLength(16)
  const at = (kind: string): (typeof golden.tensors extends ReadonlyMap<string, infer T> ? T : never) | undefined =>
    golden.tensors.get(`${bits}/${block}/${kind}`)
  const bounds = sites.flatMap(({ name }) => {
    const stored = at(`bounds/${goldenQuantizerName(name).slice(block.length + 1)}`)
    expect(stored?.data).toHaveLength(2)
    return Array.from(stored?.data ?? [])
  })
  const session = await testedRuntime.load(lowerQuantizers(placeQuantizers(part, sites)), { threads: 1 })
  const fp = await testedRuntime.load(part, { threads: 1 })
  const x = at('input') ?? floatTensor([], [0])
  const feeds = new Map([
    [input, x],
    [boundsInput, floatTensor(bounds, [sites.length, 2])],
    [levelsInput, floatTensor(new Float32Array(sites.length).fill(levelsOf(Number(bits))), [sites.length])]
  ])
  const quantized = (await session.run(feeds)).get(block)
  const full = (await fp.run(new Map([[input, x]]))).get(block)
  await session.dispose()
  await fp.dispose()
  expect(relativeL2(Array.from(full?.data ?? [], Number), at('fp_output')?.data ?? [])).toBeLessThanOrEqual(1e-6)
  expect(relativeL2(Array.from(quantized?.data ?? [], Number), at('output')?.data ?? [])).toBeLessThanOrEqual(1e-4)
})
