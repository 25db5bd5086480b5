import type { Bits, BitWidth, Method } from '../../contract/bounds'
import type { QuantizerRow } from '../../contract/events'
import type { Distribution as ShownDistribution, ErrorCurve, Gallery, TriedBounds } from '../../contract/runs'
import { candidatesAlong, isOneSided } from '../../core/calibration/dobi'
import { Distribution } from '../../core/calibration/histogram'
import { squaredError } from '../../core/calibration/quantization-error'
import type { Statistics } from '../../core/calibration/statistics'
import { StudioError } from '../../core/errors'
import { loadModel, overridesOfRun } from '../model-file'
import { plannedSites } from '../plan'
import { openRun, readStatistics, variantOf, type OpenedRun } from '../run-folder'
import { expectBounds } from './edit-bounds'
import { shownBins } from './live-calibration'
import { effectOf, quantizerRow } from './quantizer-row'

/** Bins of a histogram that is looked at among many. */
const galleryBins = 64

/** Which variant of a run is meant. */
export interface VariantOfRun {
  readonly folder: string
  readonly method: Method
  readonly bits: Bits
}

/** Bounds that are tried on a quantizer of a run. */
interface Trial {
  readonly folder: string
  readonly quantizer: string
  readonly bits: BitWidth
  readonly lower: number
  readonly upper: number
}

/** Reads how the tensors of runs are distributed. What it read of the last run is kept: users look at one at a time. */
export class DistributionReader {
  #last: { readonly opened: OpenedRun; readonly contents: Promise<RunStatistics> } | null = null

  /** How a tensor is distributed, and where the bounds of each variant lie in it. */
  async distribution(folder: string, quantizer: string): Promise<ShownDistribution> {
    const opened = await openRun(folder)
    const distribution = await this.#read(opened, quantizer)
    const { min, max, count } = distribution.histogram
    const variants = opened.bounds.variants.flatMap(({ method, bits, quantizers, weights }) => {
      const found = quantizers.find(({ name }) => name === quantizer)
      if (found === undefined) return []
      const { lower, upper } = found
      // The histogram is of all channels together, and of the weights before they were trained.
      const isTold = found.channels === undefined && (weights === undefined || found.kind === 'activation')
      const squares = isTold ? squaredError(distribution, found, found.bits) : null
      return [
        { method, bits, width: found.bits, lower, upper, error: squares === null ? null : Math.sqrt(squares / count) }
      ]
    })
    return { name: quantizer, min, max, shares: distribution.shares(shownBins), variants }
  }

  /** The error along DOBI's search as the run asked for it; by the shape of the distribution where that was joint. */
  async errorCurve(folder: string, quantizer: string, bits: BitWidth): Promise<ErrorCurve> {
    const opened = await openRun(folder)
    const distribution = await this.#read(opened, quantizer)
    const { search: asked, searchSteps, zeroPoint } = opened.run.settings
    const byShape = isOneSided(distribution) ? 'one-sided' : 'two-sided'
    const search = asked === 'one-sided' || asked === 'two-sided' ? asked : byShape
    const found = [...candidatesAlong(distribution, bits, search, searchSteps, zeroPoint)]
    const scale = 1 / Math.sqrt(distribution.histogram.count)
    return { search, candidates: found.map(({ lower, upper, error }) => ({ lower, upper, error: error * scale })) }
  }

  /**
   * All quantizers of a variant in the order of the network, or those of the names that are given.
   *
   * @throws StudioError ('missing') where the run has no such variant
   */
  async quantizers({ folder, method, bits }: VariantOfRun, names?: ReadonlySet<string>): Promise<QuantizerRow[]> {
    const opened = await openRun(folder)
    const variant = variantOf(opened, { method, bits })
    const wanted = variant.quantizers.filter(({ name }) => names?.has(name) ?? true)
    const rows: QuantizerRow[] = []
    for (const quantizer of wanted) {
      const isTrained = variant.weights !== undefined && quantizer.kind === 'weight'
      rows.push(quantizerRow(quantizer, await this.#read(opened, quantizer.name), isTrained))
    }
    return rows
  }

  /** How the tensors of several quantizers are distributed. */
  async gallery(folder: string, quantizers: readonly string[]): Promise<Gallery[number][]> {
    const opened = await openRun(folder)
    const shown: Gallery[number][] = []
    for (const name of quantizers) {
      const distribution = await this.#read(opened, name)
      const { min, max } = distribution.histogram
      const at = (share: number): number => distribution.quantile(share)
      const quantiles: Gallery[number]['quantiles'] = [at(0.01), at(0.25), at(0.5), at(0.75), at(0.99)]
      shown.push({ name, min, max, shares: distribution.shares(galleryBins), quantiles })
    }
    return shown
  }

  /** What bounds, rounded as they would be kept, would do to a tensor. Throws a StudioError where they are none. */
  async tryBounds({ folder, quantizer, bits, ...bounds }: Trial): Promise<TriedBounds> {
    const opened = await openRun(folder)
    const tried = expectBounds(quantizer, bounds, bits, opened.run.settings.zeroPoint)
    return effectOf(await this.#read(opened, quantizer), tried, bits)
  }

  async #read(opened: OpenedRun, quantizer: string): Promise<Distribution> {
    // A folder of the same name may be another run by now.
    const isKnown = this.#last?.opened.folder === opened.folder && this.#last.opened.run.created === opened.run.created
    const read = this.#last !== null && isKnown ? this.#last : { opened, contents: readContents(opened) }
    this.#last = read
    try {
      const { values, statistics, distributions } = await read.contents
      const value = values.get(quantizer)
      const histogram = value === undefined ? undefined : statistics.get(value)
      if (value !== undefined && histogram !== undefined) {
        const distribution = distributions.get(value) ?? new Distribution(histogram)
        distributions.set(value, distribution)
        return distribution
      }
    } catch (error) {
      if (this.#last === read) this.#last = null
      throw error
    }
    throw new StudioError('missing', `There are no statistics of "${quantizer}" in "${opened.folder}".`)
  }
}

interface RunStatistics {
  /** The value of the graph that each quantizer stands on, by the quantizer's name. */
  readonly values: ReadonlyMap<string, string>
  readonly statistics: Statistics
  /** By value; made when they are first looked at. */
  readonly distributions: Map<string, Distribution>
}

async function readContents({ folder, run }: OpenedRun): Promise<RunStatistics> {
  const { model } = await loadModel(run.model.file, overridesOfRun(run.model))
  const sites = plannedSites(model, run.settings.quantizeFirstAndLast, run.settings.plan)
  const values = new Map(sites.map(({ name, value }) => [name, value]))
  return { values, statistics: await readStatistics(folder), distributions: new Map() }
}
