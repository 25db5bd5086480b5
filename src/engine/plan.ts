import type { Bits, BitWidth } from '../contract/bounds'
import { plannedFor, speaksOf, type Plan } from '../contract/plan'
import { StudioError } from '../core/errors'
import { format } from '../core/graph/dimension'
import { inferShapes } from '../core/graph/infer'
import { levelsInput, boundsInput, findQuantizerSites, type QuantizerSite } from '../core/quantization/placement'
import { levelsOf, type Bounds } from '../core/quantization/quantizer'
import type { Model } from '../core/models/model'
import type { NamedTensors } from '../core/runtime'
import { floatTensor } from '../core/tensor'

/**
 * The quantizers of a run: those the architecture's rule places, less what the plan leaves in full precision, and what else it
 * names. Throws a StudioError ('refused') for a plan entry that speaks of no quantizer.
 */
export function plannedSites(model: Model, firstAndLast: boolean, plan: Plan | null): readonly QuantizerSite[] {
  const kept = keptSites(model, firstAndLast, plan)
  if (kept.length > 0) return kept
  const what =
    plan === null ? 'There is nothing in this model to quantize' : 'The plan leaves nothing of this model to quantize'
  throw new StudioError('refused', `${what}.`)
}

/** The same of any network, also where there are none, as in one that was exported in integers. */
export function keptSites(model: Model, firstAndLast: boolean, plan: Plan | null): readonly QuantizerSite[] {
  const candidates = candidateSites(model, firstAndLast)
  const stray = plan?.quantizers.find((entry) => !candidates.some(({ site: { name } }) => speaksOf(entry.name, name)))
  if (stray !== undefined) {
    const what = `The plan speaks of "${stray.name}", but this model has no such quantizer`
    throw new StudioError('refused', `${what}; \`2dquant quantize --plan-only\` lists them.`)
  }
  return candidates.flatMap(({ site, isUsual }) =>
    plannedFor(entriesOf(plan), site.name, isUsual).isQuantized ? [site] : []
  )
}

/**
 * All quantizers that a plan may speak of, in the order they are computed. Not usual are those of the first and the last
 * convolution, unless they are wanted, and of convolutions where the architecture's rule leaves these as they are.
 */
function candidateSites(
  { graph, placement }: Model,
  firstAndLast: boolean
): readonly { readonly site: QuantizerSite; readonly isUsual: boolean }[] {
  const rule = firstAndLast ? { ...placement, firstAndLast } : placement
  const usual = new Map(findQuantizerSites(graph, rule).map((site) => [site.name, site]))
  const all = findQuantizerSites(graph, { linear: true, convolution: true, product: true, firstAndLast: true })
  return all.map((site) => ({ site: usual.get(site.name) ?? site, isUsual: usual.has(site.name) }))
}

/**
 * The plan that changes nothing, with an entry for everything that it could change.
 *
 * @throws StudioError as `plannedSites` does
 */
export function wholePlan(model: Model, firstAndLast: boolean, plan: Plan | null): Plan {
  const quantized = new Set(plannedSites(model, firstAndLast, plan).map(({ name }) => name))
  const describe = siteDescriber(model)
  const quantizers = candidateSites(model, firstAndLast).map(({ site }) => {
    const bits = plannedFor(entriesOf(plan), site.name, true).bits
    return { ...describe(site), ...(bits !== undefined && { bits }), quantize: quantized.has(site.name) }
  })
  return { schema: 1, quantizers }
}

/** Bits of one quantizer of a variant. */
export function plannedBits(site: QuantizerSite, bits: Bits, plan: Plan | null): BitWidth {
  return plannedFor(entriesOf(plan), site.name, true).bits ?? bits[site.kind]
}

/** What a quantizer is, with the shape of its tensor; sizes that depend on the picture are formulas. */
export type SiteDescription = Readonly<Pick<QuantizerSite, 'name' | 'kind'>> & { readonly shape: (number | string)[] }

/** Describes quantizers of a network. */
export function siteDescriber({ graph }: Model): (site: QuantizerSite) => SiteDescription {
  const types = inferShapes(graph)
  return ({ name, kind, value }) => {
    const shape = (types.get(value)?.shape ?? []).map((size) => (typeof size === 'number' ? size : format(size)))
    return { name, kind, shape }
  }
}

/** The quantizers that are usually left out, and whether these are of the first or the last convolution. */
export function leftOutSites(
  model: Model
): readonly { readonly site: QuantizerSite; readonly isFirstOrLast: boolean }[] {
  const withFirstAndLast = new Set(keptSites(model, true, null).map(({ name }) => name))
  return candidateSites(model, false).flatMap(({ site, isUsual }) =>
    isUsual ? [] : [{ site, isFirstOrLast: withFirstAndLast.has(site.name) }]
  )
}

/** The entries of a plan, none where there is no plan. */
const entriesOf = (plan: Plan | null): Plan['quantizers'] => plan?.quantizers ?? []

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
