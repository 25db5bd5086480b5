import { freemem } from 'node:os'
import { basename, join } from 'node:path'
import { formatBits, type Bits, type Method, type Variant } from '../../contract/bounds'
import { StudioError } from '../../core/errors'
import type { Graph } from '../../core/graph/graph'
import type { Model, ModelOverrides } from '../../core/models/model'
import { lowerQuantizers } from '../../core/quantization/lowering'
import type { PlacedQuantizer } from '../../core/quantization/packing'
import { perChannel, placeQuantizers, type QuantizerSite } from '../../core/quantization/placement'
import type { Runtime, Session } from '../../core/runtime'
import type { Tensor } from '../../core/tensor'
import { readCheckpoint } from '../../formats/checkpoint'
import type { NetworkMemory } from '../job'
import { loadModel, overridesOfRun, type LoadedModel } from '../model-file'
import { plannedSites, quantizerFeeds } from '../plan'
import { isRunFolder, openRun } from '../run-folder'
import { superResolver, type SuperResolver } from '../super-resolver'

/** Which variants of a run are meant; all where nothing is said. */
export interface VariantFilter {
  readonly method?: Method | undefined
  readonly bits?: Bits | undefined
}

/** A network and the quantized variants of it that are to be used; none for a bare model. */
export interface Subject {
  /** What it is called in tables. */
  readonly name: string
  readonly model: Model
  readonly variants: readonly Variant[]
  /** The model's file, as an absolute path, and its SHA-256. */
  readonly file: string
  readonly sha256: string
  /** What tells the network of a variant, or of full precision (null), from others: variants that differ in bounds alone share one. */
  networkOf(variant: Variant | null): string
  loadNetwork(variant: Variant | null, runtime: Runtime): Promise<Session>
  /** The network of a variant with its weights, in full precision, and its quantizers as they are to be placed in it. */
  partsOf(variant: Variant): { readonly graph: Graph; readonly placed: readonly PlacedQuantizer[] }
  /** A network that is loaded, as a variant that shares it uses it. */
  resolverOn(session: Session, variant: Variant | null): SuperResolver
  /** Loads the full-precision network. */
  loadFp(runtime: Runtime): Promise<Resolver>
  /** Loads the quantized network of every variant; variants that differ in bounds alone share a session. */
  loadVariants(runtime: Runtime): Promise<LoadedVariants>
}

/** The quantized networks of a run. */
export interface LoadedVariants {
  readonly resolvers: readonly (SuperResolver & { readonly variant: Variant })[]
  dispose(): Promise<void>
}

/** A super-resolver whose memory is to be given back. */
export interface Resolver extends SuperResolver {
  dispose(): Promise<void>
}

/**
 * Opens a model file or a run folder. A run is bound to the very model it was made from: a changed file is refused.
 *
 * @param memory half of what is free when absent
 */
export async function openSubject(
  path: string,
  overrides: ModelOverrides,
  filter: VariantFilter,
  memory: NetworkMemory = { cap: freemem() / 2, warn: () => undefined }
): Promise<Subject> {
  if (!(await isRunFolder(path))) {
    if (filter.method !== undefined || filter.bits !== undefined) {
      throw new StudioError('usage', `--method and --bits choose a variant of a run, but "${path}" is a model.`)
    }
    const bare = await loadModel(path, overrides)
    return subject(basename(path), bare, [], memory, [], new Map())
  }
  const { run, bounds } = await openRun(path)
  const loaded = await loadModel(run.model.file, { ...overridesOfRun(run.model), ...overrides })
  if (loaded.sha256 !== run.model.sha256) {
    throw new StudioError('refused', `"${run.model.file}" has changed since "${path}" was made; quantize again.`)
  }
  const variants = bounds.variants.filter(
    ({ method, bits }) => (filter.method ?? method) === method && areBits(bits, filter.bits)
  )
  if (variants.length === 0) {
    const there = bounds.variants.map(({ method, bits }) => `${method} at ${formatBits(bits)} bits`).join(', ')
    throw new StudioError('refused', `"${path}" has no such variant; it holds ${there}.`)
  }
  const sites = plannedSites(loaded.model, run.settings.quantizeFirstAndLast, run.settings.plan)
  const names = sites.map(({ name }) => name).join('\n')
  if (variants.some(({ quantizers }) => quantizers.map(({ name }) => name).join('\n') !== names)) {
    throw new StudioError('unreadable', `The quantizers in "${path}" are not those of its model; quantize again.`)
  }
  const weights = new Map<Variant, ReadonlyMap<string, Tensor>>()
  for (const variant of variants) {
    if (variant.weights === undefined) continue
    weights.set(variant, await readWeights(join(path, variant.weights), loaded.model))
  }
  return subject(basename(path), loaded, variants, memory, sites, weights)
}

/** One network of a run that is loaded, and how its memory is given back. */
export interface LoadedResolver {
  readonly resolver: SuperResolver
  dispose(): Promise<void>
}

/** Loads the network of one variant of a run, or of full precision (null). */
export async function loadOne(
  folder: string,
  variant: Pick<Variant, 'method' | 'bits'> | null,
  runtime: Runtime,
  memory: NetworkMemory
): Promise<LoadedResolver> {
  const subject = await openSubject(folder, {}, variant ?? {}, memory)
  if (variant === null) {
    const resolver = await subject.loadFp(runtime)
    return { resolver, dispose: () => resolver.dispose() }
  }
  const { resolvers, dispose } = await subject.loadVariants(runtime)
  const [resolver] = resolvers
  if (resolver === undefined) throw new StudioError('missing', `"${folder}" has no such variant.`)
  return { resolver, dispose }
}

/** The weights that a method changed. Throws a StudioError where they are not those of the model. */
async function readWeights(path: string, { graph }: Model): Promise<ReadonlyMap<string, Tensor>> {
  const { tensors } = await readCheckpoint(path)
  for (const [name, { shape }] of tensors) {
    const original = graph.initializers.get(name)
    if (original?.shape.join() === shape.join()) continue
    throw new StudioError('unreadable', `The tensor "${name}" in "${path}" is none of its model; quantize again.`)
  }
  return tensors
}

function subject(
  name: string,
  { model, file, sha256 }: LoadedModel,
  variants: readonly Variant[],
  memory: NetworkMemory,
  sites: readonly QuantizerSite[],
  weights: ReadonlyMap<Variant, ReadonlyMap<string, Tensor>>
): Subject {
  const isPerChannel = ({ quantizers }: Variant): boolean => quantizers.some(({ channels }) => channels !== undefined)
  const networkOf: Subject['networkOf'] = (variant) =>
    variant === null ? 'full precision' : `${variant.weights ?? ''} ${isPerChannel(variant)}`
  const partsOf: Subject['partsOf'] = (variant) => {
    const initializers = new Map([...model.graph.initializers, ...(weights.get(variant) ?? [])])
    const own = isPerChannel(variant) ? perChannel(model.graph, sites) : sites
    const placed = own.flatMap((site, i) => {
      const quantizer = variant.quantizers[i]
      return quantizer === undefined ? [] : [{ site, quantizer }]
    })
    return { graph: { ...model.graph, initializers }, placed }
  }
  const graphOf = (variant: Variant | null): Graph => {
    if (variant === null) return model.graph
    const { graph, placed } = partsOf(variant)
    const own = placed.map(({ site }) => site)
    return lowerQuantizers(placeQuantizers(graph, own))
  }
  const loadNetwork: Subject['loadNetwork'] = (variant, runtime) => runtime.load(graphOf(variant))
  const resolverOn: Subject['resolverOn'] = (session, variant) => {
    const resolver = superResolver(session, model, memory.cap, memory.warn)
    if (variant === null) return resolver
    const constants = quantizerFeeds(variant.quantizers)
    return { ...resolver, enlarge: (picture, _, onTile) => resolver.enlarge(picture, constants, onTile) }
  }
  return {
    name,
    model,
    variants,
    file,
    sha256,
    networkOf,
    loadNetwork,
    partsOf,
    resolverOn,
    async loadFp(runtime) {
      const session = await loadNetwork(null, runtime)
      return { ...resolverOn(session, null), dispose: () => session.dispose() }
    },
    async loadVariants(runtime) {
      const sessions = new Map<string, Session>()
      const dispose = async (): Promise<void> => {
        for (const session of sessions.values()) await session.dispose()
      }
      try {
        const resolvers: LoadedVariants['resolvers'][number][] = []
        for (const variant of variants) {
          const key = networkOf(variant)
          const session = sessions.get(key) ?? (await loadNetwork(variant, runtime))
          sessions.set(key, session)
          resolvers.push({ ...resolverOn(session, variant), variant })
        }
        return { resolvers, dispose }
      } catch (error) {
        await dispose()
        throw error
      }
    }
  }
}

function areBits(bits: Bits, wanted: Bits | undefined): boolean {
  return wanted === undefined || formatBits(bits) === formatBits(wanted)
}
