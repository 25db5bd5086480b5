import { describe, expect, test } from 'vitest'
import { blockOf, layerOf } from '../../../src/renderer/charts/block'
import { drawBlock } from '../../../src/renderer/charts/draw-block'
import { svgOf } from '../../../src/renderer/charts/svg'

const layers = ['attn.qkv.q', 'attn.qkv.k', 'attn.qkv.v', 'attn.proj', 'mlp.fc1', 'mlp.fc2']
const products = ['attn.q', 'attn.k', 'attn.attention', 'attn.v']
const blockNames = (block: number): readonly string[] =>
  [...layers.flatMap((layer) => [`${layer}.weight`, `${layer}.input`]), ...products].map(
    (name) => `layers.0.residual_group.blocks.${block}.${name}`
  )
const swinir = [0, 1, 2].flatMap(blockNames)

const kindsOf = (architecture: string, names: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(blockOf(architecture, names).operations.map(({ key, kind }) => [key, kind]))

describe('blockOf', () => {
  test("tells a SwinIR block as the paper's Fig. 3 does", () => {
    expect(kindsOf('SwinIR', swinir)).toEqual({
      norm1: 'fp',
      q: 'int',
      k: 'int',
      v: 'int',
      scores: 'int',
      softmax: 'fp',
      context: 'int',
      proj: 'int',
      add1: 'fp',
      norm2: 'fp',
      fc1: 'int',
      gelu: 'fp',
      fc2: 'int',
      add2: 'fp'
    })
    expect(blockOf('SwinIR', swinir).others).toEqual([])
  })

  test('tells what is really quantized: not what was left out, and in how many blocks', () => {
    const some = swinir.filter((name) => !/fc2|blocks\.1\.attn\.proj/.test(name))
    expect(kindsOf('SwinIR', some)).toMatchObject({ fc2: 'fp', proj: 'int' })
    const proj = blockOf('SwinIR', some).operations.find(({ key }) => key === 'proj')
    expect([proj?.quantized, proj?.blocks]).toEqual([2, 3])
  })

  test('tells an EDSR block, and what is quantized around it', () => {
    const names = ['body.0.conv1', 'body.0.conv2', 'conv_after_body'].flatMap((layer) => [
      `${layer}.weight`,
      `${layer}.input`
    ])
    expect(kindsOf('EDSR', names)).toEqual({ conv1: 'int', relu: 'fp', conv2: 'int', multiply: 'fp', add: 'fp' })
    expect(blockOf('EDSR', names).others).toEqual(['conv_after_body'])
  })

  test('lists kinds of layers of an architecture that it does not know', () => {
    const block = blockOf('Other', ['up.1.weight', 'up.1.input', 'up.2.weight', 'down.weight'])
    expect(block.form).toBe('list')
    expect(block.operations.map(({ key, quantized }) => [key, quantized])).toEqual([
      ['up.*', 2],
      ['down', 1]
    ])
  })
})

test('layerOf names the layer of a weight and of an input', () => {
  expect([layerOf('a.fc1.weight'), layerOf('a.fc1.input'), layerOf('a.attn.q')]).toEqual(['a.fc1', 'a.fc1', 'a.attn.q'])
})

test('drawBlock draws all operations, with those in integers hatched', () => {
  const text = svgOf(
    drawBlock(blockOf('SwinIR', swinir), {
      title: 'Block',
      nameOf: (key) => key,
      noteOf: () => '',
      legend: { int: 'integers', fp: 'full' },
      isDark: false,
      isBare: false,
      id: 'b'
    })
  )
  expect(text.match(/class="operation int"/g)).toHaveLength(8)
  expect(text.match(/class="operation fp"/g)).toHaveLength(6)
  expect(text.match(/url\(#b-int\)/g)).toHaveLength(8 + 1)
  expect(text).not.toMatch(/NaN|undefined/)
})
