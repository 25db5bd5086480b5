import type { BitWidth } from '../../contract/bounds'
import type { Distribution as ShownDistribution, ErrorCurve } from '../../contract/runs'
import { candidatesAlong, isOneSided } from '../../core/calibration/dobi'
import { Distribution } from '../../core/calibration/histogram'
import { squaredError } from '../../core/calibration/quantization-error'
import type { Statistics } from '../../core/calibration/statistics'
import { StudioError } from '../../core/errors'
import type { QuantizerSite } from '../../core/quantization/placement'
import { loadModel, overridesOfRun } from '../model-file'
import { plannedSites } from '../plan'
import { openRun, readStatistics, type OpenedRun } from '../run-folder'
import { shownBins } from './live-calibration'

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
    const { search: asked, searchSteps } = opened.run.settings
    const byShape = isOneSided(distribution) ? 'one-sided' : 'two-sided'
    const search = asked === 'one-sided' || asked === 'two-sided' ? asked : byShape
    const found = [...candidatesAlong(distribution, bits, search, searchSteps)]
    const scale = 1 / Math.sqrt(distribution.histogram.count)
    return { search, candidates: found.map(({ lower, upper, error }) => ({ lower, upper, error: error * scale })) }
  }

  async #read(opened: OpenedRun, quantizer: string): Promise<Distribution> {
    // A folder of the same name may be another run by now.
    const isKnown = this.#last?.opened.folder === opened.folder && this.#last.opened.run.created === opened.run.created
    const read = this.#last !== null && isKnown ? this.#last : { opened, contents: readContents(opened) }
    this.#last = read
    try {
      const { sites, statistics } = await read.contents
      const value = sites.find(({ name }) => name === quantizer)?.value
      const histogram = value === undefined ? undefined : statistics.get(value)
      if (histogram !== undefined) return new Distribution(histogram)
    } catch (error) {
      if (this.#last === read) this.#last = null
      throw error
    }
    throw new StudioError('missing', `There are no statistics of "${quantizer}" in "${opened.folder}".`)
  }
}

interface RunStatistics {
  readonly sites: readonly QuantizerSite[]
  readonly statistics: Statistics
}

async function readContents({ folder, run }: OpenedRun): Promise<RunStatistics> {
  const { model } = await loadModel(run.model.file, overridesOfRun(run.model))
  const sites = plannedSites(model, run.settings.quantizeFirstAndLast, run.settings.plan)
  return { sites, statistics: await readStatistics(folder) }
}
