import type { Bits, CalibrationMethod, Quantizer } from '../../contract/bounds'
import { trains } from '../../contract/bounds'
import type { QuantizerRow } from '../../contract/events'
import type { QuantizeSettings } from '../../contract/run'
import { searchBounds } from '../../core/calibration/dobi'
import { Distribution } from '../../core/calibration/histogram'
import { minmaxBounds } from '../../core/calibration/minmax'
import { squaredError } from '../../core/calibration/quantization-error'
import type { StatisticsProgress } from '../../core/calibration/statistics'
import type { QuantizerSite } from '../../core/quantization/placement'
import type { JobContext } from '../job'
import type { BoundsSearch } from './bounds-search'
import { quantizerRow, rowWithoutBounds } from './quantizer-row'

/** Bins of a histogram that is looked at. */
export const shownBins = 128

/** Quantizers that are told together, and after which the job gives way. */
const rowsTogether = 16

/** What running bounds may take of the time that the network takes; docs/quantization.md says what was measured. */
const shareOfTime = 0.07

/** Milliseconds that telling may save up, so that it never holds the thread for longer. */
const mostSaved = 200

/** Milliseconds by which the histogram that is looked at may exceed that share before a patch is passed over. */
const mostDebt = 50

/** Candidates, and bits at most, by which the histogram that is shown first is chosen. */
const choosing = { steps: 20, bits: 4 }

/** Milliseconds between two tellings of rows at least. */
const rowInterval = 100

/** A variant's method and bits. */
interface ShownVariant {
  readonly method: CalibrationMethod
  readonly bits: Bits
}

/** The variant that is shown while a run calibrates: DOBI at its fewest bits; without DOBI the first of the methods. */
export function shownVariant({ methods, bits: widths }: QuantizeSettings): ShownVariant {
  const searched = methods.filter((method) => !trains(method))
  const method = searched.includes('dobi') ? 'dobi' : (searched[0] ?? 'dobi')
  const [bits = { weight: 4, activation: 4 }] = widths.toSorted(
    (a, b) => a.activation - b.activation || a.weight - b.weight
  )
  return { method, bits }
}

/**
 * Tells what calibration finds while it is at work: rows of the shown variant's quantizers, and the histogram of one of
 * them. What it holds does not grow with the patches.
 */
export class LiveCalibration {
  readonly #sites: readonly QuantizerSite[]
  readonly #activations: readonly QuantizerSite[]
  readonly #search: BoundsSearch
  readonly #steps: number
  readonly #shown: ShownVariant
  readonly #watched: () => string | null
  readonly #context: JobContext
  /** Whole tensors by the names of their values: weights from the start, activations once all patches were seen. */
  readonly #whole = new Map<string, Distribution>()
  readonly #rows = new Map<string, QuantizerRow>()
  /** Names of rows that changed since they were told. */
  readonly #changed = new Set<string>()
  /** Quantizers of the shown variant that were found. */
  readonly #found = new Map<string, Quantizer>()
  #progress: StatisticsProgress | null = null
  /** The quantizer that is looked at where the user does not say, and the one that was told last. */
  #chosen: QuantizerSite | undefined
  #toldLast = ''
  /** Milliseconds that telling may still take, and when the network began to compute. */
  #allowance = 0
  #workingSince = performance.now()
  #toldRowsAt = -Infinity
  /** Which activation has its bounds found next. */
  #turn = 0

  /** @param watched the name of the quantizer that the user looks at, if any */
  constructor(
    sites: readonly QuantizerSite[],
    settings: QuantizeSettings,
    search: BoundsSearch,
    watched: () => string | null,
    context: JobContext
  ) {
    this.#sites = sites
    this.#activations = sites.filter(({ kind }) => kind === 'activation')
    this.#search = search
    this.#steps = Math.min(settings.searchSteps, choosing.steps)
    this.#shown = shownVariant(settings)
    this.#watched = watched
    this.#context = context
  }

  /** Whether a variant is the one that is shown. */
  shows(method: CalibrationMethod, bits: Bits): boolean {
    return method === this.#shown.method && bits === this.#shown.bits
  }

  /** Tells the quantizers of a weight, which needs no patches: its bounds are final. */
  addWeight(value: string, distribution: Distribution): void {
    this.#whole.set(value, distribution)
    const { method, bits } = this.#shown
    for (const site of this.#sites) {
      if (site.value === value) this.#find(this.#search.find(site, distribution, method, bits), distribution)
    }
    if (this.#changed.size >= rowsTogether) this.#tellRows()
  }

  /** Tells what is left to tell, before the network is shown the first patch. */
  begin(): void {
    this.#tellRows()
    this.tellWatched()
    this.#workingSince = performance.now()
  }

  /** Tells what one more patch showed. Takes no longer than a small share of what the patch took. */
  addPatch(progress: StatisticsProgress): void {
    const began = performance.now()
    const isFirst = this.#progress === null
    this.#progress = progress
    if (isFirst) this.#beginActivations()
    else {
      this.#allowance = Math.min(mostSaved, this.#allowance + shareOfTime * (began - this.#workingSince))
      this.#extend(progress)
    }
    const site = this.#watchedSite()
    const isNew = site?.name !== this.#toldLast
    if (isFirst || isNew || this.#allowance > -mostDebt) this.#tellHistogram(site)
    this.#refresh(began)
    if (isFirst || began - this.#toldRowsAt >= rowInterval) this.#tellRows()
    // What the first patch needs is needed once.
    if (!isFirst) this.#allowance -= performance.now() - began
    this.#workingSince = performance.now()
  }

  /** Takes in that all patches were seen. */
  finish(distributions: ReadonlyMap<string, Distribution>): void {
    for (const [value, distribution] of distributions) this.#whole.set(value, distribution)
  }

  /** Tells a quantizer of the shown variant as it stays. */
  addFound(quantizer: Quantizer, distribution: Distribution): void {
    if (this.#found.has(quantizer.name)) return
    this.#find(quantizer, distribution)
    if (this.#changed.size >= rowsTogether) this.#tellRows()
  }

  /** Tells the rows of the shown variant that were found last, and the histogram with the bounds that stay. */
  end(): void {
    this.#tellRows()
    this.tellWatched()
  }

  /** Tells the histogram that is looked at as far as it is known. */
  readonly tellWatched = (): void => {
    this.#tellHistogram(this.#watchedSite())
  }

  #find(quantizer: Quantizer, distribution: Distribution): void {
    this.#found.set(quantizer.name, quantizer)
    this.#setRow(quantizerRow(quantizer, distribution))
  }

  /** The first patch: rows of all activations, and the choice of the one that is looked at. */
  #beginActivations(): void {
    const { bits } = this.#shown
    let best = -Infinity
    for (const site of this.#activations) {
      const distribution = this.#distributionOf(site)
      if (distribution === null) continue
      const width = this.#search.bitsOf(site, bits)
      this.#setRow(rowWithoutBounds(site, width, distribution))
      const gain = gainOf(distribution, Math.min(width, choosing.bits), this.#steps)
      if (gain > best) [best, this.#chosen] = [gain, site]
    }
    // Told together they tell the order of the network.
    for (const { name } of this.#sites) if (this.#rows.has(name)) this.#changed.add(name)
  }

  /** Later patches: the extremes, which cost nothing. */
  #extend({ rangeOf }: StatisticsProgress): void {
    for (const { name, value } of this.#activations) {
      const row = this.#rows.get(name)
      const range = rangeOf(value)
      if (row !== undefined && range !== undefined) this.#setRow({ ...row, ...range })
    }
  }

  /** Finds bounds of one activation after the other in what was seen so far, as long as the time for that lasts. */
  #refresh(began: number): void {
    const { method, bits } = this.#shown
    for (let i = 0; i < this.#activations.length && this.#allowance > performance.now() - began; i++) {
      const site = this.#activations[this.#turn++ % this.#activations.length]
      const distribution = site === undefined ? null : this.#distributionOf(site)
      if (site === undefined || distribution === null) continue
      this.#setRow(quantizerRow(this.#search.running(site, distribution, method, bits), distribution))
    }
  }

  #setRow(row: QuantizerRow): void {
    const known = this.#rows.get(row.name)
    const isSame =
      known?.min === row.min &&
      known.max === row.max &&
      known.shape === row.shape &&
      known.bounds?.lower === row.bounds?.lower &&
      known.bounds?.upper === row.bounds?.upper &&
      known.bounds?.error === row.bounds?.error
    this.#rows.set(row.name, row)
    if (!isSame) this.#changed.add(row.name)
  }

  #tellRows(): void {
    if (this.#changed.size === 0) return
    const rows = this.#sites.flatMap(({ name }) => (this.#changed.has(name) ? (this.#rows.get(name) ?? []) : []))
    this.#changed.clear()
    this.#toldRowsAt = performance.now()
    this.#context.emit({ kind: 'quantizers', ...this.#shown, rows })
  }

  #watchedSite(): QuantizerSite | undefined {
    const wanted = this.#watched()
    return (wanted === null ? undefined : this.#sites.find(({ name }) => name === wanted)) ?? this.#chosen
  }

  #tellHistogram(site: QuantizerSite | undefined): void {
    const distribution = site === undefined ? null : this.#distributionOf(site)
    if (site === undefined || distribution === null) return
    const { method, bits } = this.#shown
    const found = this.#found.get(site.name) ?? this.#search.running(site, distribution, method, bits)
    this.#toldLast = site.name
    const { min, max } = distribution.histogram
    this.#context.emit({
      kind: 'histogram',
      name: site.name,
      patches: this.#progress?.patchesDone ?? 0,
      min,
      max,
      shares: distribution.shares(shownBins),
      bits: found.bits,
      lower: found.lower,
      upper: found.upper
    })
  }

  #distributionOf({ value }: QuantizerSite): Distribution | null {
    const whole = this.#whole.get(value)
    if (whole !== undefined) return whole
    const histogram = this.#progress?.histogramOf(value)
    return histogram === undefined ? null : new Distribution(histogram)
  }
}

/** How many times as large MinMax's squared error is as DOBI's. */
function gainOf(distribution: Distribution, bits: number, steps: number): number {
  const { error } = searchBounds(distribution, bits, 'by-shape', steps)
  return error === 0 ? 0 : squaredError(distribution, minmaxBounds(distribution), bits) / error ** 2
}
