import type { Bits, BitWidth } from '../contract/bounds'
import { speaksOf, type Plan } from '../contract/plan'
import { StudioError } from '../core/errors'
import { levelsInput, boundsInput, findQuantizerSites, type QuantizerSite } from '../core/quantization/placement'
import { levelsOf, type Bounds } from '../core/quantization/quantizer'
import type { Model } from '../core/models/model'
import type { NamedTensors } from '../core/runtime'
import { floatTensor } from '../core/tensor'

/**
 * The quantizers of a run: those the architecture's rule places, less what the plan leaves in full precision.
 * Throws a StudioError ('refused') for a plan entry that speaks of no quantizer.
 */
export function plannedSites(model: Model, firstAndLast: boolean, plan: Plan | null): readonly QuantizerSite[] {
  const rule = firstAndLast ? { ...model.placement, firstAndLast } : model.placement
  const sites = findQuantizerSites(model.graph, rule)
  const stray = plan?.quantizers.find((entry) => !sites.some(({ name }) => speaksOf(entry.name, name)))
  if (stray !== undefined) {
    const what = `The plan speaks of "${stray.name}", but this model has no such quantizer`
    throw new StudioError('refused', `${what}; \`2dquant inspect --json\` lists them.`)
  }
  const kept = sites.filter(({ name }) => isQuantized(plan, name))
  if (kept.length === 0) throw new StudioError('refused', 'The plan leaves nothing of this model to quantize.')
  return kept
}

/** Bits of one quantizer of a variant. */
export function plannedBits(site: QuantizerSite, bits: Bits, plan: Plan | null): BitWidth {
  const entry = plan?.quantizers.findLast((each) => each.bits !== undefined && speaksOf(each.name, site.name))
  return entry?.bits ?? bits[site.kind]
}

/** Whether the last entry that decides it does not leave a quantizer out; one that gives bits alone has it quantized. */
function isQuantized(plan: Plan | null, name: string): boolean {
  const decides = ({ quantize, bits }: Plan['quantizers'][number]): boolean => (quantize ?? bits) !== undefined
  return plan?.quantizers.findLast((entry) => decides(entry) && speaksOf(entry.name, name))?.quantize ?? true
}

/** Bounds of a quantizer, or of each of its channels. */
type QuantizerBounds = Bounds & { readonly bits: number; readonly channels?: readonly Bounds[] | undefined }

/** What a quantizer has whose channels have bounds of their own: these, and bounds that enclose them all. */
export function ofChannels<T extends Bounds>(channels: T[]): Bounds & { readonly channels: T[] } {
  const lower = Math.min(...channels.map((channel) => channel.lower))
  return { lower, upper: Math.max(...channels.map((channel) => channel.upper)), channels }
}

/** The rows of bounds that quantizers have, one each or one for each channel, and 2^bits − 1 of every row. */
export function boundRows(quantizers: readonly QuantizerBounds[]): readonly (Bounds & { readonly levels: number })[] {
  return quantizers.flatMap((quantizer) =>
    (quantizer.channels ?? [quantizer]).map(({ lower, upper }) => ({ lower, upper, levels: levelsOf(quantizer.bits) }))
  )
}

/** The runtime inputs that make a graph with quantizers one variant: bounds [rows, 2] and levels [rows]. */
export function quantizerFeeds(quantizers: readonly QuantizerBounds[]): NamedTensors {
  const rows = boundRows(quantizers)
  const bounds = rows.flatMap(({ lower, upper }) => [lower, upper])
  return new Map([
    [boundsInput, floatTensor(bounds, [rows.length, 2])],
    [
      levelsInput,
      floatTensor(
        rows.map(({ levels }) => levels),
        [rows.length]
      )
    ]
  ])
}
