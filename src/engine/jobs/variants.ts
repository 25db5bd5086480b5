import { freemem } from 'node:os'
import { basename } from 'node:path'
import { formatBits, type Bits, type Method, type Variant } from '../../contract/bounds'
import { StudioError } from '../../core/errors'
import type { Model, ModelOverrides } from '../../core/models/model'
import { lowerQuantizers } from '../../core/quantization/lowering'
import { placeQuantizers } from '../../core/quantization/placement'
import type { NamedTensors, Runtime } from '../../core/runtime'
import { loadModel } from '../model-file'
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
  /** Loads the full-precision network. */
  loadFp(runtime: Runtime): Promise<Resolver>
  /** Loads the network with quantizers; `constantsOf` gives what makes it one of the variants. */
  loadQuantized(runtime: Runtime): Promise<Resolver & { constantsOf(variant: Variant): NamedTensors }>
}

/** A super-resolver whose memory is to be given back. */
export interface Resolver extends SuperResolver {
  dispose(): Promise<void>
}

/**
 * Opens a model file or a run folder. A run is bound to the very model it was made from: a changed file is refused.
 *
 * @param memoryCap bytes the values of a network may take; half of what is free when absent
 */
export async function openSubject(
  path: string,
  overrides: ModelOverrides,
  filter: VariantFilter,
  memoryCap: number = defaultMemoryCap()
): Promise<Subject> {
  if (!(await isRunFolder(path))) {
    if (filter.method !== undefined || filter.bits !== undefined) {
      throw new StudioError('usage', `--method and --bits choose a variant of a run, but "${path}" is a model.`)
    }
    const { model } = await loadModel(path, overrides)
    return subject(basename(path), model, [], memoryCap, false)
  }
  const { run, bounds } = await openRun(path)
  const stored: ModelOverrides = {
    ...(run.model.imageRange === null ? {} : { imageRange: run.model.imageRange }),
    ...(run.model.residualScale === null ? {} : { residualScale: run.model.residualScale })
  }
  const loaded = await loadModel(run.model.file, { ...stored, ...overrides })
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
  return subject(
    basename(path),
    loaded.model,
    variants,
    memoryCap,
    run.settings.quantizeFirstAndLast,
    run.settings.plan
  )
}

function subject(
  name: string,
  model: Model,
  variants: readonly Variant[],
  memoryCap: number,
  firstAndLast: boolean,
  plan: Parameters<typeof plannedSites>[2] = null
): Subject {
  return {
    name,
    model,
    variants,
    async loadFp(runtime) {
      const session = await runtime.load(model.graph)
      return { ...superResolver(session, model, memoryCap), dispose: () => session.dispose() }
    },
    async loadQuantized(runtime) {
      const sites = plannedSites(model, firstAndLast, plan)
      const session = await runtime.load(lowerQuantizers(placeQuantizers(model.graph, sites)))
      return {
        ...superResolver(session, model, memoryCap),
        constantsOf: ({ quantizers }) => quantizerFeeds(quantizers),
        dispose: () => session.dispose()
      }
    }
  }
}

function defaultMemoryCap(): number {
  return freemem() / 2
}

function areBits(bits: Bits, wanted: Bits | undefined): boolean {
  return wanted === undefined || formatBits(bits) === formatBits(wanted)
}
