import type { Bits, BitWidth, CalibrationMethod, Quantizer } from '../../contract/bounds'
import type { QuantizeSettings } from '../../contract/run'
import { channelExtremes, dbdcBounds } from '../../core/calibration/dbdc'
import { searchBounds } from '../../core/calibration/dobi'
import type { Distribution } from '../../core/calibration/histogram'
import { minmaxBounds } from '../../core/calibration/minmax'
import { percentileBounds } from '../../core/calibration/percentile'
import type { Statistics } from '../../core/calibration/statistics'
import { assertNever } from '../../core/errors'
import type { Graph } from '../../core/graph/graph'
import { perChannel, type QuantizerSite } from '../../core/quantization/placement'
import { levelsOf, type Bounds } from '../../core/quantization/quantizer'
import { withZeroPoint } from '../../core/quantization/zero-point'
import { ofChannels, plannedBits } from '../plan'

type FoundBounds = Pick<Quantizer, 'lower' | 'upper' | 'search' | 'channels'>

/** Finds the bounds of a network's quantizers by the methods that do not train. */
export class BoundsSearch {
  readonly #graph: Graph
  readonly #settings: QuantizeSettings
  /** Sites whose channels have bounds of their own in DBDC, by name. */
  readonly #channels: ReadonlyMap<string, QuantizerSite>
  /**
   * What was found in tensors that are counted to their end: q, k and v read one tensor, and weights are searched while the
   * first patch is still on its way.
   */
  readonly #found = new Map<string, FoundBounds>()

  constructor(graph: Graph, sites: readonly QuantizerSite[], settings: QuantizeSettings) {
    this.#graph = graph
    this.#settings = settings
    this.#channels = new Map(perChannel(graph, sites).map((site) => [site.name, site]))
  }

  bitsOf(site: QuantizerSite, bits: Bits): BitWidth {
    return plannedBits(site, bits, this.#settings.plan)
  }

  /**
   * A quantizer of a variant.
   *
   * @param distribution of the whole tensor
   * @param batches for DBDC, what each batch of patches showed
   */
  find(
    site: QuantizerSite,
    distribution: Distribution,
    method: CalibrationMethod,
    bits: Bits,
    batches: readonly Statistics[] = []
  ): Quantizer {
    const key = `${method} ${this.bitsOf(site, bits)} ${site.value}`
    const bounds = this.#found.get(key) ?? this.#search(site, distribution, method, bits, batches)
    this.#found.set(key, bounds)
    return this.#quantizer(site, bits, bounds)
  }

  /** A quantizer as the part of its tensor that was seen so far would have it. */
  running(site: QuantizerSite, distribution: Distribution, method: CalibrationMethod, bits: Bits): Quantizer {
    const seen = new Map([[site.value, distribution.histogram]])
    return this.#quantizer(site, bits, this.#search(site, distribution, method, bits, [seen]))
  }

  #quantizer(site: QuantizerSite, bits: Bits, bounds: FoundBounds): Quantizer {
    return { name: site.name, kind: site.kind, bits: this.bitsOf(site, bits), ...bounds }
  }

  #search(
    site: QuantizerSite,
    distribution: Distribution,
    method: CalibrationMethod,
    bits: Bits,
    batches: readonly Statistics[]
  ): FoundBounds {
    const { percentile, search, searchSteps, zeroPoint } = this.#settings
    const width = this.bitsOf(site, bits)
    switch (method) {
      case 'minmax':
        return { ...this.#kept(minmaxBounds(distribution), width), search: 'minmax' }
      case 'percentile':
        return { ...this.#kept(percentileBounds(distribution, percentile), width), search: 'percentile' }
      case 'dbdc':
        return this.#searchDensity(site, batches, width)
      case 'dobi': {
        const { lower, upper, search: taken } = searchBounds(distribution, width, search, searchSteps, zeroPoint)
        return { ...apart({ lower, upper }), search: taken }
      }
      default:
        return assertNever(method)
    }
  }

  /** DBDC's bounds of an activation, and the extremes of every channel of a weight. */
  #searchDensity({ name, value }: QuantizerSite, batches: readonly Statistics[], bits: BitWidth): FoundBounds {
    const channels = this.#channels.get(name)?.channels
    const weight = this.#graph.initializers.get(value)
    if (channels === undefined || weight?.type !== 'float32') {
      const histograms = batches.flatMap((statistics) => statistics.get(value) ?? [])
      return { ...this.#kept(dbdcBounds(histograms, bits), bits), search: 'dbdc' }
    }
    const extremes = channelExtremes(weight, channels.axis)
    return { ...ofChannels(extremes.map((each) => this.#kept(each, bits))), search: 'dbdc' }
  }

  /** Bounds as a quantizer keeps them, with a zero point as the run wants it. */
  #kept(bounds: Bounds, bits: BitWidth): Bounds {
    return apart(withZeroPoint(bounds, levelsOf(bits), this.#settings.zeroPoint))
  }
}

/** Bounds in float32 with upper > lower, without which there is no step; the quantizer then keeps the lower value. */
function apart(bounds: Bounds): Bounds {
  const lower = Math.fround(bounds.lower)
  const upper = Math.fround(bounds.upper)
  const least = Math.fround(lower + Math.max(Math.abs(lower) * 2 ** -16, 2 ** -100))
  return { lower, upper: upper > lower ? upper : least }
}
