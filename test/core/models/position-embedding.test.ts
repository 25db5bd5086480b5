import { describe, expect, it } from 'vitest'
import { detectModel } from '../../../src/core/models/detect'
import { floatTensor, type Tensor, type TensorOf } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { deviation, goldenTensors, under } from '../../golden'
import { testPicture } from '../../pictures'

const tensors: ReadonlyMap<string, Tensor> = under(
  goldenTensors('forward/swinir-light-x2.safetensors').tensors,
  'weight/'
)
const side = 24

async function run(extra: readonly (readonly [string, Tensor])[]): Promise<TensorOf<'float32'>> {
  const model = detectModel({ tensors: new Map([...tensors, ...extra]), metadata: new Map() }, 'x.pth')
  const session = await onnxruntimeCpu.load(model.graph, { threads: 1 })
  const { data } = testPicture(side, side)
  const picture = floatTensor(
    data.map((sample) => sample / 255),
    [1, 3, side, side]
  )
  const output = (await session.run(new Map([['lr', picture]]))).get('sr')
  await session.dispose()
  if (output?.type !== 'float32') throw new Error('no output')
  return output
}

describe('SwinIR with a position embedding (ape)', () => {
  const bias = tensors.get('patch_embed.norm.bias')
  const width = bias?.data.length ?? 0
  const shift = Float32Array.from({ length: width }, (_, i) => 0.3 * Math.sin(i))

  it('adds it to the tokens behind their first normalization', async () => {
    // The same at every place, it is nothing but another bias of that normalization.
    const everywhere = Float32Array.from({ length: side * side * width }, (_, i) => shift[i % width] ?? NaN)
    const embedded = await run([['absolute_pos_embed', floatTensor(everywhere, [1, side * side, width])]])
    const shifted = shift.map((value, i) => value + Number(bias?.data[i]))
    const expected = await run([['patch_embed.norm.bias', floatTensor(shifted, [width])]])
    const plain = await run([])
    const { largest, range } = deviation(embedded.data, expected.data)
    expect(largest / range).toBeLessThan(1e-5)
    expect(deviation(embedded.data, plain.data).largest).toBeGreaterThan(1e-3)
  })

  it('takes pictures of one size only, and says which', () => {
    const embedding = floatTensor(new Float32Array(side * side * width), [1, side * side, width])
    const all = new Map<string, Tensor>([...tensors, ['absolute_pos_embed', embedding]])
    expect(detectModel({ tensors: all, metadata: new Map() }, 'x.pth').fixedSize).toBe(side)
  })
})
