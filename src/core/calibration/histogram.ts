/** Bins of a histogram while it is filled; codes are 16-bit numbers. */
export const binCount = 1 << 16

/** How the values of one tensor are distributed, over everything the network was shown. */
export interface Histogram {
  /** Centre of the first bin. */
  readonly origin: number
  /** Distance of neighbouring centres, > 0. */
  readonly width: number
  /** Number of values nearest to each centre. The first and the last bin are not empty. */
  readonly counts: Float64Array
  /** The exact extremes. */
  readonly min: number
  readonly max: number
  /** Number of values. */
  readonly count: number
}

/** Where the bins of a tensor lie: value x belongs to bin round((x − origin) / width). */
export interface BinGrid {
  readonly origin: number
  readonly width: number
}

/**
 * Fills a histogram patch after patch in memory that does not grow. The range seen first takes a quarter of the bins;
 * a later value outside them doubles the width of all bins, which merges neighbours exactly, until it fits.
 */
export class HistogramAccumulator {
  readonly #counts = new Float64Array(binCount)
  #origin: number
  #width: number
  #min = Infinity
  #max = -Infinity
  #count = 0

  /** @param min smallest and @param max largest value of the first patch, finite */
  constructor(min: number, max: number) {
    // A constant tensor still needs a width that float32 can divide by.
    const range = Math.max(max - min, Math.max(Math.abs(min), Math.abs(max)) * 2 ** -16, 2 ** -60)
    this.#width = Math.fround((4 * range) / binCount)
    this.#origin = Math.fround(min - 1.5 * range)
  }

  get grid(): BinGrid {
    return { origin: this.#origin, width: this.#width }
  }

  /** Makes room for values from min to max. Returns whether the grid changed, so that codes must be made anew. */
  reach(min: number, max: number): boolean {
    let changed = false
    while (min < this.#origin || max > this.#origin + (binCount - 1) * this.#width) {
      this.#merge(min < this.#origin)
      changed = true
    }
    return changed
  }

  /**
   * Adds values given as their bins. `min` and `max` are their exact extremes.
   *
   * @param scratch two arrays of `binCount` zeros; left as zeros
   */
  add(bins: Uint16Array, min: number, max: number, scratch: CountingScratch): void {
    this.#min = Math.min(this.#min, min)
    this.#max = Math.max(this.#max, max)
    this.#count += bins.length
    scratch.count(bins)
    // Only the bins between the extremes can have been hit.
    const first = Math.max(0, Math.floor((min - this.#origin) / this.#width) - 1)
    const last = Math.min(binCount - 1, Math.ceil((max - this.#origin) / this.#width) + 1)
    scratch.moveTo(this.#counts, first, last)
  }

  /** What was counted so far. */
  snapshot(): Histogram {
    let first = 0
    let last = binCount - 1
    while (first < last && this.#counts[first] === 0) first++
    while (last > first && this.#counts[last] === 0) last--
    return {
      origin: this.#origin + first * this.#width,
      width: this.#width,
      counts: this.#counts.slice(first, last + 1),
      min: this.#min,
      max: this.#max,
      count: this.#count
    }
  }

  /**
   * Doubles the width. Bins 2k and 2k + 1 become one, whose centre lies between theirs; the new bins are laid so that
   * the old ones end up at the top (when room is needed below) or at the bottom.
   */
  #merge(below: boolean): void {
    const merged = new Float64Array(binCount / 2)
    for (let i = 0; i < binCount; i++) merged[i >> 1] = (merged[i >> 1] ?? 0) + (this.#counts[i] ?? 0)
    this.#origin += this.#width / 2
    this.#width *= 2
    this.#counts.fill(0)
    this.#counts.set(merged, below ? binCount / 2 : 0)
    if (below) this.#origin -= (binCount / 2) * this.#width
  }
}

/** Working memory for counting, shared by all histograms. */
export class CountingScratch {
  readonly #even = new Uint32Array(binCount)
  readonly #odd = new Uint32Array(binCount)

  /**
   * Counts the codes two at a time into two tables. Neighbouring values are often equal; in one table each increment
   * would wait for the last (measured: 0.7 instead of 2.7 ns a value).
   */
  count(codes: Uint16Array): void {
    const even = this.#even
    const odd = this.#odd
    const pairs = new Uint32Array(codes.buffer, codes.byteOffset, codes.length >> 1)
    for (let i = 0; i < pairs.length; i++) {
      const pair = pairs[i] ?? 0
      const low = pair & 0xffff
      const high = pair >>> 16
      even[low] = (even[low] ?? 0) + 1
      odd[high] = (odd[high] ?? 0) + 1
    }
    const rest = codes.length % 2 === 1 ? codes[codes.length - 1] : undefined
    if (rest !== undefined) even[rest] = (even[rest] ?? 0) + 1
  }

  /** Adds the counts of bins first to last to `counts` and clears them here. */
  moveTo(counts: Float64Array, first: number, last: number): void {
    for (let i = first; i <= last; i++) {
      counts[i] = (counts[i] ?? 0) + (this.#even[i] ?? 0) + (this.#odd[i] ?? 0)
    }
    this.#even.fill(0, first, last + 1)
    this.#odd.fill(0, first, last + 1)
  }
}

/** The histogram of a tensor that is at hand as a whole, e.g. a weight. Its values must be finite. */
export function histogramOf(values: Float32Array): Histogram {
  let min = Infinity
  let max = -Infinity
  for (const value of values) {
    if (value < min) min = value
    if (value > max) max = value
  }
  const accumulator = new HistogramAccumulator(min, max)
  const { origin, width } = accumulator.grid
  const bins = Uint16Array.from(values, (value) => Math.round((value - origin) / width))
  accumulator.add(bins, min, max, new CountingScratch())
  return accumulator.snapshot()
}

/**
 * Sums over the values of a histogram below any point, in constant time. Values are taken as spread evenly over their
 * bin; a bin is at most 1/16,000 of the range, so that the error of a quantizer follows to about 1e-7.
 */
export class Distribution {
  readonly histogram: Histogram
  /** Mean square of all values. */
  readonly sumOfSquares: number
  readonly #counts: Float64Array
  readonly #sums: Float64Array

  constructor(histogram: Histogram) {
    const { counts, origin, width } = histogram
    this.histogram = histogram
    this.#counts = new Float64Array(counts.length + 1)
    this.#sums = new Float64Array(counts.length + 1)
    let squares = 0
    for (let i = 0; i < counts.length; i++) {
      const n = counts[i] ?? 0
      const centre = origin + i * width
      this.#counts[i + 1] = (this.#counts[i] ?? 0) + n
      this.#sums[i + 1] = (this.#sums[i] ?? 0) + n * centre
      squares += n * (centre * centre + (width * width) / 12)
    }
    this.sumOfSquares = squares
  }

  /** How many values lie below x. */
  countBelow(x: number): number {
    const [bin, fraction] = this.#locate(x)
    return (this.#counts[bin] ?? 0) + fraction * this.#inBin(bin)
  }

  /** The sum of the values below x. */
  sumBelow(x: number): number {
    const { origin, width } = this.histogram
    const [bin, fraction] = this.#locate(x)
    const middle = origin + (bin - 0.5 + fraction / 2) * width
    return (this.#sums[bin] ?? 0) + fraction * this.#inBin(bin) * middle
  }

  /** The value below which the given share (0 to 1) of all values lies; within the exact extremes. */
  quantile(share: number): number {
    const { count, counts, origin, width, min, max } = this.histogram
    const wanted = share * count
    let low = 0
    let high = counts.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#counts[middle + 1] ?? 0) < wanted) low = middle + 1
      else high = middle
    }
    const inside = this.#inBin(low)
    const fraction = inside === 0 ? 0 : (wanted - (this.#counts[low] ?? 0)) / inside
    return Math.min(Math.max(origin + (low - 0.5 + fraction) * width, min), max)
  }

  #inBin(bin: number): number {
    return (this.#counts[bin + 1] ?? 0) - (this.#counts[bin] ?? 0)
  }

  /** The bin x falls into and how far into it, 0 to 1. */
  #locate(x: number): readonly [bin: number, fraction: number] {
    const { counts, origin, width } = this.histogram
    const position = (x - origin) / width + 0.5
    if (!(position > 0)) return [0, 0]
    if (position >= counts.length) return [counts.length, 0]
    const bin = Math.floor(position)
    return [bin, position - bin]
  }
}
