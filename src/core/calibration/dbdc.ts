import type { Bounds } from '../quantization/quantizer'
import type { TensorOf } from '../tensor'
import type { Histogram } from './histogram'

/** Bins of DBDC's histograms. */
const bins = 2048

/** Patches whose histogram is taken together; bounds are the means over such batches. */
export const dbdcBatch = 16

/** Share of values that may be left out, as the released code has it: its setting 5e-4 never reaches the search. */
const leftOut = (bits: number): number => (bits === 8 ? 1e-5 : 1e-4)

/**
 * Bounds of an activation by DBDC (Tu et al., CVPR 2023, density-based dual clipping, as in its released code): in each
 * batch, the sparser end of a histogram loses bin after bin until the share of values to be left out is reached; bounds are
 * means over the batches.
 *
 * @param batches what each batch of calibration patches showed
 */
export function dbdcBounds(batches: readonly Histogram[], bits: number): Bounds {
  const found = batches.map((histogram) => denseRegion(histogram, leftOut(bits)))
  const mean = (pick: (bounds: Bounds) => number): number =>
    found.reduce((sum, bounds) => sum + pick(bounds), 0) / found.length
  return { lower: mean(({ lower }) => lower), upper: mean(({ upper }) => upper) }
}

function denseRegion({ origin, width, counts, min, max, count }: Histogram, share: number): Bounds {
  if (min === max) return { lower: min, upper: max }
  const binWidth = (max - min) / bins
  const coarse = new Float64Array(bins)
  for (const [i, each] of counts.entries()) {
    const bin = Math.min(Math.max(Math.floor((origin + i * width - min) / binWidth), 0), bins - 1)
    coarse[bin] = (coarse[bin] ?? 0) + each
  }
  let [low, high, kept] = [0, bins - 1, count]
  while (low < high && kept > (1 - share) * count) {
    const [atLow = 0, atHigh = 0] = [coarse[low], coarse[high]]
    if (atLow < atHigh) low++
    else high--
    kept -= Math.min(atLow, atHigh)
  }
  return { lower: min + (low + 1) * binWidth, upper: min + (high + 1) * binWidth }
}

/** The extremes of every channel of a weight. */
export function channelExtremes({ data, shape }: TensorOf<'float32'>, axis: number): readonly Bounds[] {
  const count = shape[axis] ?? 1
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1)
  const lower = new Float64Array(count).fill(Infinity)
  const upper = new Float64Array(count).fill(-Infinity)
  for (const [i, value] of data.entries()) {
    const channel = Math.floor(i / inner) % count
    lower[channel] = Math.min(lower[channel] ?? value, value)
    upper[channel] = Math.max(upper[channel] ?? value, value)
  }
  return Array.from(lower, (low, channel) => ({ lower: low, upper: upper[channel] ?? low }))
}
