import { StudioError } from '../errors'
import { GraphBuilder } from '../graph/builder'
import { symbol } from '../graph/dimension'
import type { Tensor } from '../tensor'
import { anySize, pictureInput, pictureOutput, sizes, type Model, type ModelOverrides } from './model'
import { convolutionLayer, denormalize, meanColour, metadataNumber, normalize, Weights } from './weights'

/** Whether these tensors are an EDSR network, by BasicSR's names or the original's. */
export function isEdsr(tensors: ReadonlyMap<string, Tensor>): boolean {
  return tensors.has('body.0.conv1.weight') || (tensors.has('head.0.weight') && tensors.has('body.0.body.0.weight'))
}

/**
 * EDSR (Lim et al., CVPRW 2017, as in BasicSR's edsr_arch.py) from a state dict. Number of features and blocks and the
 * scale follow from the tensors; image range 255 and residual scale 1 (0.1 at 256 features) are the authors' settings.
 */
export function buildEdsr(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
  overrides: ModelOverrides = {}
): Model {
  const weights = new Weights(canonicalNames(tensors))
  const [features = 0, channels = 0] = weights.get('conv_first.weight', [null, null, 3, 3]).shape
  if (channels !== 1 && channels !== 3) {
    throw new StudioError('refused', `This EDSR takes pictures of ${channels} channels; only 1 and 3 are supported.`)
  }
  const imageRange = overrides.imageRange ?? metadataNumber(metadata, 'img_range') ?? 255
  const residualScale = overrides.residualScale ?? metadataNumber(metadata, 'res_scale') ?? (features === 256 ? 0.1 : 1)
  const mean = colourMean(tensors, channels, imageRange)
  const blocks = weights.matching(/^body\.\d+\.conv1\.weight$/).length
  const inside = { in: features, out: features }

  const builder = new GraphBuilder()
  const picture = builder.input(pictureInput, [
    symbol(sizes.batch),
    channels,
    symbol(sizes.height),
    symbol(sizes.width)
  ])
  const input = normalize(builder, picture, mean, imageRange)
  const first = convolutionLayer(builder, weights, input, 'conv_first', { in: channels, out: features })
  let x = first
  for (let i = 0; i < blocks; i++) {
    const hidden = convolutionLayer(builder, weights, x, `body.${i}.conv1`, inside)
    const active = builder.apply('Relu', [hidden])
    const branch = convolutionLayer(builder, weights, active, `body.${i}.conv2`, inside)
    const scaled = residualScale === 1 ? branch : builder.multiply(branch, builder.scalar(residualScale))
    x = builder.add(scaled, x, `body.${i}`)
  }
  x = builder.add(convolutionLayer(builder, weights, x, 'conv_after_body', inside), first)
  let scale = 1
  for (const name of weights.matching(/^upsample\.\d+\.weight$/)) {
    const layer = name.slice(0, -'.weight'.length)
    const out = weights.get(name, [null, features, 3, 3]).shape[0] ?? 0
    const factor = Math.round(Math.sqrt(out / features))
    x = convolutionLayer(builder, weights, x, layer, { in: features, out })
    x = builder.pixelShuffle(x, factor)
    scale *= factor
  }
  x = convolutionLayer(builder, weights, x, 'conv_last', { in: features, out: channels })
  const output = builder.apply('Identity', [denormalize(builder, x, mean, imageRange)], {}, pictureOutput)
  weights.expectAllUsed('EDSR', /^(sub_mean|add_mean)\./)
  return {
    architecture: 'EDSR',
    config: { num_feat: features, num_block: blocks, upscale: scale, res_scale: residualScale, img_range: imageRange },
    scale,
    channels,
    multiple: 1,
    padding: 'repeats-edge',
    takes: anySize,
    fixedSize: null,
    parameters: weights.parameters,
    graph: builder.build([output]),
    features: {
      groups: quarters(blocks).map((block) => `body.${block}`),
      blocks: Array.from({ length: blocks }, (_, block) => `body.${block}`)
    },
    placement: { linear: true, convolution: true, product: true, firstAndLast: false },
    published: { omittedParameters: 0, countedShare: new Map() }
  }
}

/** The last of each quarter of so many blocks. */
function quarters(blocks: number): readonly number[] {
  return [...new Set([1, 2, 3, 4].map((quarter) => Math.ceil((quarter * blocks) / 4) - 1))]
}

/** The original code shifts colours by a 1×1 convolution, whose bias is −range·mean. */
function colourMean(tensors: ReadonlyMap<string, Tensor>, channels: 1 | 3, imageRange: number): readonly number[] {
  if (channels === 1) return [0]
  const bias = tensors.get('sub_mean.bias')
  return bias?.type === 'float32' ? Array.from(bias.data, (value) => -value / imageRange) : meanColour
}

/** BasicSR's names for the tensors of the original code (EDSR-PyTorch). */
function canonicalNames(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  if (!tensors.has('head.0.weight')) return tensors
  const canonical = (name: string): string =>
    name
      .replace(/^head\.0\./, 'conv_first.')
      .replace(/^body\.(\d+)\.body\.0\./, 'body.$1.conv1.')
      .replace(/^body\.(\d+)\.body\.2\./, 'body.$1.conv2.')
      .replace(/^body\.\d+\.(weight|bias)$/, 'conv_after_body.$1')
      .replace(/^tail\.0\.(\d+)\./, 'upsample.$1.')
      .replace(/^tail\.1\./, 'conv_last.')
  return new Map([...tensors].map(([name, tensor]) => [canonical(name), tensor]))
}
