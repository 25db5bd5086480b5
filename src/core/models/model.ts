import type { Graph } from '../graph/graph'
import type { Mirroring } from '../imaging/image'

/** Names of the symbols and values that every super-resolution graph has. */
export const sizes = { batch: 'batch', height: 'height', width: 'width' } as const
export const pictureInput = 'lr'
export const pictureOutput = 'sr'

/** A super-resolution network: from pictures [batch, channels, height, width] to scale times that size, values 0 to 1. */
export interface Model {
  readonly architecture: string
  /** Hyper-parameters as the architecture's authors name them. */
  readonly config: Readonly<Record<string, unknown>>
  readonly scale: number
  /** Channels of input and output: 3 for RGB, 1 for grey. */
  readonly channels: 1 | 3
  /** Pictures are padded to a multiple of this for evaluation; 1 where any size is taken. */
  readonly multiple: number
  /** How they are padded, which published figures depend on: BasicSR repeats the edge for SwinIR, most authors do not. */
  readonly padding: Mirroring
  /** Heights and widths that the graph itself takes: multiples of `step`, from `least` on. */
  readonly takes: SizeRule
  /** The only input size (height and width) the network takes, or null where it takes any. */
  readonly fixedSize: number | null
  /** Trained values, buffers such as masks and indices not counted. */
  readonly parameters: number
  /**
   * Height and width are symbols (numbers where `fixedSize` is), and so is the batch, but in networks that take one picture
   * at a time; input `lr`, output `sr`.
   */
  readonly graph: Graph
  /** Values that may be compared in distillation beside the output: what each group of blocks gives, or each block. */
  readonly features: { readonly groups: readonly string[]; readonly blocks: readonly string[] }
  /** Which kinds of layers the method quantizes in this architecture. */
  readonly placement: PlacementRule
  /** What published figures of this architecture leave out. */
  readonly published: PublishedCount
}

/** Which heights and widths are taken. */
export interface SizeRule {
  readonly step: number
  readonly least: number
}

/** Any size. */
export const anySize: SizeRule = { step: 1, least: 1 }

/** The smallest height or width that a network takes and that is no smaller than `size`; what it always takes where that is fixed. */
export function takenSize({ takes, fixedSize }: Pick<Model, 'takes' | 'fixedSize'>, size: number): number {
  return fixedSize ?? Math.ceil(Math.max(size, takes.least) / takes.step) * takes.step
}

/** Height or width of what a picture is padded to for evaluation. */
export function paddedSize(model: Pick<Model, 'takes' | 'multiple' | 'fixedSize'>, size: number): number {
  const taken = takenSize(model, size)
  return model.fixedSize ?? Math.ceil(taken / model.multiple) * model.multiple
}

/** Whether several pictures can be computed at once. */
export function takesBatches({ graph }: Pick<Model, 'graph'>): boolean {
  const picture = graph.inputs.find(({ name }) => name === pictureInput)
  return typeof picture?.shape[0] !== 'number'
}

/** Where the counts in the literature differ from the network as it is (2DQuant's Table 1 follows SwinIR's own code). */
export interface PublishedCount {
  /** Parameters that are not counted, such as relative position biases. */
  readonly omittedParameters: number
  /** Share of its multiplications that is counted, by layer; 1 for all others. */
  readonly countedShare: ReadonlyMap<string, number>
}

/** Which operators get quantizers; weights and inputs of a layer always go together. */
export interface PlacementRule {
  readonly linear: boolean
  readonly convolution: boolean
  /** Products of two activations, as in attention. */
  readonly product: boolean
  /** Whether the first and the last convolution are quantized as well. */
  readonly firstAndLast: boolean
}

/** What tensors alone do not tell about a network. */
export interface ModelOverrides {
  /** Factor between values 0 to 1 and what the network works on. */
  readonly imageRange?: number | undefined
  /** Factor on the residual branch of EDSR's blocks. */
  readonly residualScale?: number | undefined
}
