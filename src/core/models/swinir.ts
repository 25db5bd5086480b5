import { StudioError } from '../errors'
import { GraphBuilder, type Value } from '../graph/builder'
import { symbol } from '../graph/dimension'
import { floatTensor, indexTensor, type Tensor, type TensorOf } from '../tensor'
import {
  anySize,
  pictureInput,
  pictureOutput,
  sizes,
  type Model,
  type ModelOverrides,
  type PublishedCount
} from './model'
import { convolutionLayer, denormalize, meanColour, metadataNumber, normalize, Weights } from './weights'
import { windowGrid, type WindowGrid } from './window-grid'

/** How SwinIR enlarges: the four ways of the authors' code; null for denoising and JPEG artefacts. */
type Upsampler = 'pixelshuffledirect' | 'pixelshuffle' | 'nearest+conv' | null

interface SwinirConfig {
  readonly embedDim: number
  readonly depths: readonly number[]
  readonly heads: readonly number[]
  readonly window: number
  readonly upsampler: Upsampler
  readonly scale: number
  readonly channels: 1 | 3
  readonly imageRange: number
}

/** torch's default for LayerNorm. */
const epsilon = 1e-5

/** Name of the embedding of absolute positions (ape). */
const positionEmbedding = 'absolute_pos_embed'

/** Whether these tensors are a SwinIR network. */
export function isSwinir(tensors: ReadonlyMap<string, Tensor>): boolean {
  return tensors.has('layers.0.residual_group.blocks.0.attn.relative_position_bias_table')
}

/**
 * SwinIR (Liang et al., ICCVW 2021, network_swinir.py) from a state dict. Everything but the image range follows from
 * tensor names and shapes; the range is 1, and 255 for window 7 (JPEG artefacts), unless told otherwise.
 *
 * q, k and v are separate layers here, as 2DQuant quantizes them apart.
 */
export function buildSwinir(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
  overrides: ModelOverrides = {}
): Model {
  const weights = new Weights(tensors)
  const config = detectConfig(weights, metadata, overrides)
  const { channels, embedDim, window, scale } = config
  const mean = channels === 3 ? meanColour : [0]

  const builder = new GraphBuilder()
  const side = fixedSide(weights, embedDim)
  const picture = builder.input(pictureInput, [
    symbol(sizes.batch),
    channels,
    side ?? symbol(sizes.height),
    side ?? symbol(sizes.width)
  ])
  const grid = windowGrid(builder, picture, window)
  const input = normalize(builder, grid.padded, mean, config.imageRange)
  const shallow = convolutionLayer(builder, weights, input, 'conv_first', { in: channels, out: embedDim })
  const network = new Network(builder, weights, config, grid)
  const deep = builder.add(network.body(shallow), shallow)
  const restored = network.upsample(deep, input)
  const output = grid.crop(denormalize(builder, restored, mean, config.imageRange), scale, pictureOutput)

  weights.expectAllUsed('SwinIR', /attn_mask$|relative_position_index$|^mean$/)
  return {
    architecture: 'SwinIR',
    config: {
      embed_dim: embedDim,
      depths: config.depths,
      num_heads: config.heads,
      window_size: window,
      upsampler: config.upsampler ?? '',
      upscale: scale,
      img_range: config.imageRange
    },
    scale,
    channels,
    multiple: window,
    padding: 'repeats-edge',
    takes: anySize,
    fixedSize: side,
    parameters: weights.parameters,
    graph: builder.build([output]),
    features: {
      groups: config.depths.map((depth, layer) => blockName(layer, depth - 1)),
      blocks: config.depths.flatMap((depth, layer) => Array.from({ length: depth }, (_, i) => blockName(layer, i)))
    },
    placement: { linear: true, convolution: false, product: true, firstAndLast: true },
    published: publishedCount(weights, config)
  }
}

/**
 * SwinIR's own `flops()`, which the literature uses, takes conv_after_body for a third of what it is, the direct
 * upsampler for one of 3 channels, and leaves the last normalization out.
 */
function publishedCount(weights: Weights, { upsampler, scale }: SwinirConfig): PublishedCount {
  const tables = weights.matching(/relative_position_bias_table$/)
  const countedShare = new Map([
    ['conv_after_body', 1 / 3],
    ['norm', 0]
  ])
  if (upsampler === 'pixelshuffledirect') countedShare.set('upsample.0', 1 / (scale * scale))
  return {
    omittedParameters: tables.reduce((sum, name) => sum + weights.get(name, [null, null]).data.length, 0),
    countedShare
  }
}

function detectConfig(
  weights: Weights,
  metadata: ReadonlyMap<string, string>,
  overrides: ModelOverrides
): SwinirConfig {
  const [embedDim = 0, channels = 0] = weights.get('conv_first.weight', [null, null, 3, 3]).shape
  if (channels !== 1 && channels !== 3) {
    throw new StudioError('refused', `This SwinIR takes pictures of ${channels} channels; only 1 and 3 are supported.`)
  }
  const depths: number[] = []
  const heads: number[] = []
  let window = 0
  for (let layer = 0; ; layer++) {
    const table = (block: number): string => `${blockName(layer, block)}.attn.relative_position_bias_table`
    let depth = 0
    while (weights.has(table(depth))) depth++
    if (depth === 0) break
    const [entries = 0, count = 0] = weights.get(table(0), [null, null]).shape
    depths.push(depth)
    heads.push(count)
    window = (Math.sqrt(entries) + 1) / 2
  }
  if (!Number.isInteger(window)) {
    throw new StudioError('refused', 'The relative position tables of this SwinIR do not belong to a square window.')
  }
  const { upsampler, scale } = detectUpsampler(weights, channels)
  const imageRange = overrides.imageRange ?? metadataNumber(metadata, 'img_range') ?? (window === 7 ? 255 : 1)
  return { embedDim, depths, heads, window, upsampler, scale, channels, imageRange }
}

/** The only width and height an embedding of absolute positions allows, or null where there is none. */
function fixedSide(weights: Weights, embedDim: number): number | null {
  if (!weights.has(positionEmbedding)) return null
  const [, tokens = 0] = weights.get(positionEmbedding, [1, null, embedDim]).shape
  const side = Math.sqrt(tokens)
  if (Number.isInteger(side)) return side
  throw new StudioError('refused', `The position embedding of this SwinIR has ${tokens} places, which is no square.`)
}

function detectUpsampler(
  weights: Weights,
  channels: number
): { readonly upsampler: Upsampler; readonly scale: number } {
  if (weights.has('conv_up1.weight')) {
    return { upsampler: 'nearest+conv', scale: weights.has('conv_up2.weight') ? 4 : 2 }
  }
  if (weights.has('conv_before_upsample.0.weight')) {
    return { upsampler: 'pixelshuffle', scale: upsampleFactors(weights).reduce((a, b) => a * b, 1) }
  }
  if (weights.has('upsample.0.weight')) {
    const [out = 0] = weights.get('upsample.0.weight', [null, null, 3, 3]).shape
    return { upsampler: 'pixelshuffledirect', scale: Math.round(Math.sqrt(out / channels)) }
  }
  return { upsampler: null, scale: 1 }
}

/** Factors of the successive pixel shuffles: 2 and 2 for ×4, 3 for ×3. */
function upsampleFactors(weights: Weights): number[] {
  return weights.matching(/^upsample\.\d+\.weight$/).map((name) => {
    const [out = 0, features = 1] = weights.get(name, [null, null, 3, 3]).shape
    return Math.round(Math.sqrt(out / features))
  })
}

const blockName = (layer: number, block: number): string => `layers.${layer}.residual_group.blocks.${block}`

/** Appends the parts of one SwinIR to a graph. Tokens are [batch, height·width, channels]. */
class Network {
  readonly #builder: GraphBuilder
  readonly #weights: Weights
  readonly #config: SwinirConfig
  readonly #grid: WindowGrid
  /** Indices into tables of relative positions, shared by all blocks. */
  #relativePositions: Value | null = null

  constructor(builder: GraphBuilder, weights: Weights, config: SwinirConfig, grid: WindowGrid) {
    this.#builder = builder
    this.#weights = weights
    this.#config = config
    this.#grid = grid
  }

  /** Deep features of shallow ones, both [batch, embedDim, height, width]. */
  body(shallow: Value): Value {
    const { depths, embedDim } = this.#config
    let x = this.#tokens(shallow)
    if (this.#weights.has('patch_embed.norm.weight')) x = this.#norm(x, 'patch_embed.norm')
    x = this.#positions(x)
    for (const [layer, depth] of depths.entries()) {
      const before = x
      for (let block = 0; block < depth; block++) x = this.#block(x, layer, block)
      const mixed = this.#residualConvolution(this.#grid.picture(x, embedDim), `layers.${layer}.conv`)
      x = this.#builder.add(this.#tokens(mixed), before, `layers.${layer}`)
    }
    return this.#residualConvolution(this.#grid.picture(this.#norm(x, 'norm'), embedDim), 'conv_after_body')
  }

  /** The enlarged picture from deep features; without an upsampler they are a correction of the input. */
  upsample(features: Value, input: Value): Value {
    const { upsampler, embedDim, channels, scale } = this.#config
    const builder = this.#builder
    const conv = (x: Value, name: string, from: number, to: number): Value =>
      convolutionLayer(builder, this.#weights, x, name, { in: from, out: to })
    switch (upsampler) {
      case null:
        return builder.add(input, conv(features, 'conv_last', embedDim, channels))
      case 'pixelshuffledirect':
        return builder.pixelShuffle(conv(features, 'upsample.0', embedDim, scale * scale * channels), scale)
      case 'pixelshuffle': {
        const width = this.#featureWidth()
        let x = builder.leakyRelu(conv(features, 'conv_before_upsample.0', embedDim, width), 0.01)
        for (const [i, factor] of upsampleFactors(this.#weights).entries()) {
          x = builder.pixelShuffle(conv(x, `upsample.${2 * i}`, width, factor * factor * width), factor)
        }
        return conv(x, 'conv_last', width, channels)
      }
      case 'nearest+conv': {
        const width = this.#featureWidth()
        let x = builder.leakyRelu(conv(features, 'conv_before_upsample.0', embedDim, width), 0.01)
        for (const name of scale === 4 ? ['conv_up1', 'conv_up2'] : ['conv_up1']) {
          x = builder.leakyRelu(conv(builder.resizeNearest(x, 2), name, width, width), 0.2)
        }
        x = builder.leakyRelu(conv(x, 'conv_hr', width, width), 0.2)
        return conv(x, 'conv_last', width, channels)
      }
    }
  }

  #featureWidth(): number {
    return this.#weights.get('conv_before_upsample.0.weight', [null, null, 3, 3]).shape[0] ?? 0
  }

  /** One convolution (`1conv`), or three with a bottleneck of a quarter of the channels (`3conv`). */
  #residualConvolution(x: Value, name: string): Value {
    const { embedDim } = this.#config
    const conv = (from: Value, part: string, shape: Parameters<typeof convolutionLayer>[4]): Value =>
      convolutionLayer(this.#builder, this.#weights, from, part, shape)
    if (!this.#weights.has(`${name}.0.weight`)) return conv(x, name, { in: embedDim, out: embedDim })
    const narrow = Math.floor(embedDim / 4)
    const first = this.#builder.leakyRelu(conv(x, `${name}.0`, { in: embedDim, out: narrow }), 0.2)
    const second = this.#builder.leakyRelu(conv(first, `${name}.2`, { in: narrow, out: narrow, kernel: 1 }), 0.2)
    return conv(second, `${name}.4`, { in: narrow, out: embedDim })
  }

  #tokens(picture: Value): Value {
    return this.#builder.transpose(this.#builder.reshape(picture, [0, this.#config.embedDim, -1]), [0, 2, 1])
  }

  #norm(x: Value, name: string): Value {
    const constant = (part: string): Value => {
      const full = `${name}.${part}`
      return this.#builder.constant(this.#weights.get(full, [this.#config.embedDim]), full)
    }
    return this.#builder.layerNormalization(x, constant('weight'), constant('bias'), epsilon, name)
  }

  #positions(x: Value): Value {
    if (!this.#weights.has(positionEmbedding)) return x
    const table = this.#weights.get(positionEmbedding, [1, null, this.#config.embedDim])
    return this.#builder.add(x, this.#builder.constant(table, positionEmbedding))
  }

  /** A Swin transformer layer; every second one works on windows shifted by half their size. */
  #block(x: Value, layer: number, block: number): Value {
    const builder = this.#builder
    const name = blockName(layer, block)
    const shift = block % 2 === 0 ? 0 : Math.floor(this.#config.window / 2)
    const windows = this.#grid.partition(this.#norm(x, `${name}.norm1`), shift, this.#config.embedDim)
    const attended = this.#attention(windows, `${name}.attn`, this.#config.heads[layer] ?? 1, shift)
    const y = builder.add(x, this.#grid.reverse(attended, shift, this.#config.embedDim))
    const branch = this.#perceptron(this.#norm(y, `${name}.norm2`), `${name}.mlp`)
    return builder.add(y, this.#grid.tokens(branch, this.#config.embedDim), name)
  }

  #perceptron(x: Value, name: string): Value {
    const { embedDim } = this.#config
    const [hidden = 0] = this.#weights.get(`${name}.fc1.weight`, [null, embedDim]).shape
    const rows = this.#builder.reshape(x, [-1, embedDim])
    const wide = this.#builder.gelu(this.#linear(rows, `${name}.fc1`, embedDim, hidden))
    return this.#linear(wide, `${name}.fc2`, hidden, embedDim)
  }

  #linear(x: Value, name: string, from: number, to: number): Value {
    const weight = this.#builder.constant(this.#weights.get(`${name}.weight`, [to, from]), `${name}.weight`)
    const hasBias = this.#weights.has(`${name}.bias`)
    const bias = hasBias ? this.#builder.constant(this.#weights.get(`${name}.bias`, [to]), `${name}.bias`) : null
    return this.#builder.linear(x, weight, bias, name)
  }

  /** Multi-head self-attention within windows; rows are [windows·window², embedDim] in and out. */
  #attention(x: Value, name: string, heads: number, shift: number): Value {
    const builder = this.#builder
    const { embedDim, window } = this.#config
    const tokens = window * window
    const headDim = embedDim / heads
    const project = (part: number, letter: 'q' | 'k' | 'v'): Value => {
      const rows = this.#qkvLinear(x, `${name}.qkv`, part, letter)
      return builder.reshape(rows, [-1, tokens, heads, headDim])
    }
    const scaled = builder.multiply(project(0, 'q'), builder.scalar(headDim ** -0.5))
    const q = builder.transpose(scaled, [0, 2, 1, 3], `${name}.q`)
    const k = builder.transpose(project(1, 'k'), [0, 2, 3, 1], `${name}.k`)
    const v = builder.transpose(project(2, 'v'), [0, 2, 1, 3], `${name}.v`)
    const bias = this.#positionBias(`${name}.relative_position_bias_table`, heads)
    let scores = builder.add(builder.matmul(q, k), bias)
    if (shift > 0) scores = this.#grid.mask(scores, shift, heads)
    const attention = builder.softmax(scores, `${name}.attention`)
    const context = builder.transpose(builder.matmul(attention, v), [0, 2, 1, 3])
    return this.#linear(builder.reshape(context, [-1, embedDim]), `${name}.proj`, embedDim, embedDim)
  }

  /** The part of the joint projection that makes q, k or v. */
  #qkvLinear(x: Value, name: string, part: number, letter: string): Value {
    const { embedDim } = this.#config
    const rows = (tensor: TensorOf<'float32'>, shape: readonly number[]): TensorOf<'float32'> => {
      const size = tensor.data.length / 3
      return floatTensor(tensor.data.subarray(part * size, (part + 1) * size), shape)
    }
    const layer = `${name}.${letter}`
    const joint = this.#weights.get(`${name}.weight`, [3 * embedDim, embedDim])
    const weight = this.#builder.constant(rows(joint, [embedDim, embedDim]), `${layer}.weight`)
    const bias = this.#weights.has(`${name}.bias`)
      ? this.#builder.constant(rows(this.#weights.get(`${name}.bias`, [3 * embedDim]), [embedDim]), `${layer}.bias`)
      : null
    return this.#builder.linear(x, weight, bias, layer)
  }

  /** Relative position bias [1, heads, window², window²] from its table [(2·window − 1)², heads]. */
  #positionBias(name: string, heads: number): Value {
    const builder = this.#builder
    const { window } = this.#config
    const [entries, tokens] = [(2 * window - 1) ** 2, window * window]
    const table = builder.constant(this.#weights.get(name, [entries, heads]), name)
    this.#relativePositions ??= builder.constant(relativePositions(window))
    const byPair = builder.transpose(builder.gather(table, this.#relativePositions, 0), [1, 0])
    return builder.reshape(byPair, [1, heads, tokens, tokens])
  }
}

/** For every pair of tokens of a window, which entry of the table tells how they stand to each other. */
function relativePositions(window: number): Tensor {
  const side = 2 * window - 1
  const tokens = Array.from({ length: window * window }, (_, i) => [Math.floor(i / window), i % window] as const)
  const entries = tokens.flatMap(([row, column]) =>
    tokens.map(([otherRow, otherColumn]) => (row - otherRow + window - 1) * side + column - otherColumn + window - 1)
  )
  return indexTensor(entries)
}
