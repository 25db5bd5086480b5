import { floatTensor, type Tensor } from '../src/core/tensor'

/** The full-size SwinIR-light state dict with random weights of realistic sizes; for timings, not for pictures. */
export function randomSwinirLight(scale: number): ReadonlyMap<string, Tensor> {
  let state = 12345
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
  const tensors = new Map<string, Tensor>()
  const random = (name: string, shape: readonly number[], size: number, offset = 0): void => {
    const count = shape.reduce((a, b) => a * b, 1)
    tensors.set(
      name,
      floatTensor(
        Float32Array.from({ length: count }, () => offset + size * uniform()),
        shape
      )
    )
  }
  const layer = (name: string, shape: readonly number[]): void => {
    const [out = 1, ...fanIn] = shape
    random(`${name}.weight`, shape, Math.sqrt(3 / fanIn.reduce((a, b) => a * b, 1)))
    random(`${name}.bias`, [out], 0.1)
  }
  const norm = (name: string): void => {
    random(`${name}.weight`, [60], 0.2, 1)
    random(`${name}.bias`, [60], 0.1)
  }
  layer('conv_first', [60, 3, 3, 3])
  norm('patch_embed.norm')
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 6; j++) {
      const block = `layers.${i}.residual_group.blocks.${j}`
      norm(`${block}.norm1`)
      random(`${block}.attn.relative_position_bias_table`, [225, 6], 1)
      layer(`${block}.attn.qkv`, [180, 60])
      layer(`${block}.attn.proj`, [60, 60])
      norm(`${block}.norm2`)
      layer(`${block}.mlp.fc1`, [120, 60])
      layer(`${block}.mlp.fc2`, [60, 120])
    }
    layer(`layers.${i}.conv`, [60, 60, 3, 3])
  }
  norm('norm')
  layer('conv_after_body', [60, 60, 3, 3])
  layer('upsample.0', [3 * scale * scale, 60, 3, 3])
  return tensors
}
