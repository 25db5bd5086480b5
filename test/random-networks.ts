import { floatTensor, type Tensor } from '../src/core/tensor'

/** Tensors with random numbers of realistic sizes, the same ones every time. */
class RandomTensors {
  readonly tensors = new Map<string, Tensor>()
  #state = 12345

  random(name: string, shape: readonly number[], size: number, offset = 0): void {
    const count = shape.reduce((a, b) => a * b, 1)
    const data = Float32Array.from({ length: count }, () => offset + size * this.#uniform())
    this.tensors.set(name, floatTensor(data, shape))
  }

  layer(name: string, shape: readonly number[]): void {
    const [out = 1, ...fanIn] = shape
    this.random(`${name}.weight`, shape, Math.sqrt(3 / fanIn.reduce((a, b) => a * b, 1)))
    this.random(`${name}.bias`, [out], 0.1)
  }

  norm(name: string): void {
    this.random(`${name}.weight`, [60], 0.2, 1)
    this.random(`${name}.bias`, [60], 0.1)
  }

  /** From −1 to 1. */
  #uniform(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return this.#state / 2 ** 31 - 1
  }
}

/** The full-size SwinIR-light state dict with random weights of realistic sizes; for timings, not for pictures. */
export function randomSwinirLight(scale: number): ReadonlyMap<string, Tensor> {
  const made = new RandomTensors()
  made.layer('conv_first', [60, 3, 3, 3])
  made.norm('patch_embed.norm')
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 6; j++) {
      const block = `layers.${i}.residual_group.blocks.${j}`
      made.norm(`${block}.norm1`)
      made.random(`${block}.attn.relative_position_bias_table`, [225, 6], 1)
      made.layer(`${block}.attn.qkv`, [180, 60])
      made.layer(`${block}.attn.proj`, [60, 60])
      made.norm(`${block}.norm2`)
      made.layer(`${block}.mlp.fc1`, [120, 60])
      made.layer(`${block}.mlp.fc2`, [60, 120])
    }
    made.layer(`layers.${i}.conv`, [60, 60, 3, 3])
  }
  made.norm('norm')
  made.layer('conv_after_body', [60, 60, 3, 3])
  made.layer('upsample.0', [3 * scale * scale, 60, 3, 3])
  return made.tensors
}

/** The state dict of EDSR-baseline ×4, 16 blocks of 64 channels, likewise. */
export function randomEdsrBaseline(): ReadonlyMap<string, Tensor> {
  const made = new RandomTensors()
  made.layer('conv_first', [64, 3, 3, 3])
  for (let i = 0; i < 16; i++) {
    for (const layer of ['conv1', 'conv2']) made.layer(`body.${i}.${layer}`, [64, 64, 3, 3])
  }
  made.layer('conv_after_body', [64, 64, 3, 3])
  for (const layer of ['upsample.0', 'upsample.2']) made.layer(layer, [256, 64, 3, 3])
  made.layer('conv_last', [3, 64, 3, 3])
  return made.tensors
}
