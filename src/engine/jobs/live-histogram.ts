import type { JobEvent } from '../../contract/events'
import type { QuantizeSettings } from '../../contract/run'
import { searchBounds } from '../../core/calibration/dobi'
import { Distribution } from '../../core/calibration/histogram'
import { minmaxBounds } from '../../core/calibration/minmax'
import { squaredError } from '../../core/calibration/quantization-error'
import type { StatisticsProgress } from '../../core/calibration/statistics'
import type { QuantizerSite } from '../../core/quantization/placement'

/** Bins of a histogram that is looked at. */
export const shownBins = 128

/**
 * Tells how one activation is distributed while statistics are collected, and which bounds DOBI finds in what was seen so
 * far: the activation on which, after the first patch, DOBI gains most over MinMax. Tells nothing where DOBI is not used.
 */
export function liveHistogram(
  sites: readonly QuantizerSite[],
  { methods, bits: widths, search, searchSteps }: QuantizeSettings,
  emit: (event: JobEvent) => void
): (progress: StatisticsProgress) => void {
  const activations = sites.filter(({ kind }) => kind === 'activation')
  const bits = Math.min(...widths.map(({ activation }) => activation))
  let shown: QuantizerSite | undefined
  return ({ patchesDone, histogramOf }) => {
    if (!methods.includes('dobi')) return
    const distributionOf = ({ value }: QuantizerSite): Distribution | null => {
      const histogram = histogramOf(value)
      return histogram === undefined ? null : new Distribution(histogram)
    }
    shown ??= best(activations, (site) => gain(distributionOf(site), bits, searchSteps))
    const distribution = shown === undefined ? null : distributionOf(shown)
    if (shown === undefined || distribution === null) return
    const { lower, upper } = searchBounds(distribution, bits, search, searchSteps)
    const { min, max } = distribution.histogram
    const shares = distribution.shares(shownBins)
    emit({ kind: 'histogram', name: shown.name, patches: patchesDone, min, max, shares, bits, lower, upper })
  }
}

/** How many times as large MinMax's squared error is as DOBI's. */
function gain(distribution: Distribution | null, bits: number, steps: number): number {
  if (distribution === null) return 0
  const { error } = searchBounds(distribution, bits, 'by-shape', steps)
  return error === 0 ? 0 : squaredError(distribution, minmaxBounds(distribution), bits) / error ** 2
}

function best<T>(items: readonly T[], score: (item: T) => number): T | undefined {
  let found: { readonly item: T; readonly score: number } | undefined
  for (const item of items) {
    const each = score(item)
    if (found === undefined || each > found.score) found = { item, score: each }
  }
  return found?.item
}
