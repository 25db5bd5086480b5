import { describe, expect, it } from 'vitest'
import { detectModel } from '../../../src/core/models/detect'
import type { Model, ModelOverrides } from '../../../src/core/models/model'
import { floatTensor, indexTensor, type Tensor } from '../../../src/core/tensor'
import { goldenTensors, under } from '../../golden'
import { randomSwinirLight } from '../../random-networks'

type Tensors = ReadonlyMap<string, Tensor>
const golden = (file: string): Tensors => under(goldenTensors(`forward/${file}.safetensors`).tensors, 'weight/')
const detect = (
  tensors: Tensors,
  metadata: Readonly<Record<string, string>> = {},
  overrides: ModelOverrides = {}
): Model => detectModel({ tensors, metadata: new Map(Object.entries(metadata)) }, 'x.pth', overrides)
const renamed = (tensors: Tensors, rename: (name: string) => string): Tensors =>
  new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]))
/** The facts that differ between models, and the numbers in them. */
const essence = ({ architecture, scale, config, parameters, graph }: Model): unknown => {
  return { architecture, scale, config, parameters, nodes: graph.nodes, constants: graph.initializers }
}

const swinir = golden('swinir-light-x4')
const edsr = golden('edsr-x4')

/** BasicSR's names as the original EDSR code names the same layers. */
function originalEdsrName(name: string): string {
  return name
    .replace(/^conv_first/, 'head.0')
    .replace(/^body\.(\d+)\.conv1/, 'body.$1.body.0')
    .replace(/^body\.(\d+)\.conv2/, 'body.$1.body.2')
    .replace(/^conv_after_body/, `body.${blocks}`)
    .replace(/^upsample\.(\d+)/, 'tail.0.$1')
    .replace(/^conv_last/, 'tail.1')
}
const blocks = [...edsr.keys()].filter((name) => name.endsWith('conv1.weight')).length

describe('a state dict', () => {
  it.each(['params.', 'params_ema.', 'state_dict.', 'module.', 'state_dict.module.', 'params.module.'])(
    'is found under %s',
    (prefix) => {
      expect(essence(detect(renamed(swinir, (name) => prefix + name)))).toEqual(essence(detect(swinir)))
    }
  )

  it('under params_ema is preferred to the one under params', () => {
    const other = new Map(
      [...swinir].map(([name, { shape, data }]) => [
        `params.${name}`,
        floatTensor(new Float32Array(data.length), shape)
      ])
    )
    const both = new Map<string, Tensor>([...other, ...renamed(swinir, (name) => `params_ema.${name}`)])
    expect(essence(detect(both))).toEqual(essence(detect(swinir)))
  })

  it('may bring buffers', () => {
    const block = 'layers.0.residual_group.blocks.1'
    const buffers: [string, Tensor][] = [
      [`${block}.attn_mask`, floatTensor(new Float32Array(4 * 64 * 64), [4, 64, 64])],
      [`${block}.attn.relative_position_index`, indexTensor(new Array<number>(4096).fill(0))]
    ]
    expect(essence(detect(new Map([...swinir, ...buffers])))).toEqual(essence(detect(swinir)))
  })

  it('of EDSR may have the original code’s names', () => {
    const original = renamed(edsr, originalEdsrName)
    expect([...original.keys()].some((name) => name.startsWith('head.0'))).toBe(true)
    const model = detect(original)
    const { config, parameters, scale } = detect(edsr)
    expect({ config: model.config, parameters: model.parameters, scale: model.scale }).toEqual({
      config,
      parameters,
      scale
    })
  })
})

describe('what leaves no trace in tensors', () => {
  const range = (tensors: Tensors, ...more: [Record<string, string>?, ModelOverrides?]): unknown =>
    detect(tensors, ...more).config['img_range']

  it('is the image range: 1 for SwinIR, 255 for window 7 and EDSR, unless told', () => {
    expect(range(swinir)).toBe(1)
    expect(range(golden('swinir-jpeg-grey'))).toBe(255)
    expect(range(edsr)).toBe(255)
    expect(range(swinir, { img_range: '255' })).toBe(255)
    expect(range(swinir, { config: '{"img_range": 2}' })).toBe(2)
    expect(range(swinir, { img_range: '255' }, { imageRange: 3 })).toBe(3)
  })

  it('is EDSR’s residual scale: 1, or 0.1 at 256 features, unless told', () => {
    const scaleOf = (tensors: Tensors, ...more: [Record<string, string>?, ModelOverrides?]): unknown =>
      detect(tensors, ...more).config['res_scale']
    expect(scaleOf(edsr)).toBe(1)
    expect(scaleOf(wideEdsr())).toBe(0.1)
    expect(scaleOf(wideEdsr(), { res_scale: '0.5' })).toBe(0.5)
    expect(scaleOf(wideEdsr(), {}, { residualScale: 1 })).toBe(1)
  })
})

describe('a checkpoint that cannot be used', () => {
  const without = (name: string): Tensors => new Map([...swinir].filter(([key]) => key !== name))
  const withTensor = (name: string, tensor: Tensor): Tensors => new Map([...swinir, [name, tensor]])
  const [bias] = ['layers.0.residual_group.blocks.0.attn.qkv.bias']

  it.each<readonly [string, Tensors, RegExp]>([
    [
      'of another architecture',
      new Map([['layer1.0.conv1.weight', floatTensor([1], [1])]]),
      /"x\.pth".*layer1\.0\.conv1\.weight.*SwinIR and EDSR/
    ],
    ['without a tensor', without('conv_after_body.weight'), /conv_after_body/],
    [
      'with a tensor of another shape',
      withTensor('norm.weight', floatTensor(new Float32Array(7), [7])),
      /"norm\.weight".*\[7\]/
    ],
    ['with a tensor of another type', withTensor('norm.weight', indexTensor([1, 2])), /"norm\.weight".*float32.*int64/],
    [
      'with weights that are not finite',
      withTensor(
        bias,
        floatTensor(new Float32Array(swinir.get(bias)?.data.length ?? 0).fill(NaN), swinir.get(bias)?.shape ?? [])
      ),
      /blocks\.0\.attn\.qkv\.bias" holds NaN/
    ],
    [
      'with a tensor that has no place',
      withTensor('layers.0.extra.weight', floatTensor([1], [1])),
      /layers\.0\.extra\.weight/
    ]
  ])('%s is refused by name', (_, tensors, says) => {
    expect(() => detect(tensors)).toThrow(says)
  })
})

describe('SwinIR-light', () => {
  it('at ×4 has 897,228 parameters and 32,400 in position tables, and takes any picture', () => {
    const model = detect(randomSwinirLight(4))
    expect(model).toMatchObject({ parameters: 897_228 + 32_400, scale: 4, channels: 3, fixedSize: null, multiple: 8 })
  })
})

/** EDSR with 256 features and one block, all weights zero. */
function wideEdsr(): Tensors {
  const layer = (name: string, out: number, inputs: number): [string, Tensor][] => [
    [`${name}.weight`, floatTensor(new Float32Array(out * inputs * 9), [out, inputs, 3, 3])],
    [`${name}.bias`, floatTensor(new Float32Array(out), [out])]
  ]
  return new Map([
    ...layer('conv_first', 256, 3),
    ...layer('body.0.conv1', 256, 256),
    ...layer('body.0.conv2', 256, 256),
    ...layer('conv_after_body', 256, 256),
    ...layer('upsample.0', 1024, 256),
    ...layer('conv_last', 3, 256)
  ])
}
