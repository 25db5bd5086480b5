/** A square of a picture, and the mean squared errors within it. */
export interface WorstRegion {
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
  /** Of what is looked at, and of what it is compared with. */
  readonly error: number
  readonly errorOfFp: number
}

/** Losses below this, in mean squared error, are but what sums of many numbers are wrong by. */
const leastLoss = 1e-6

/** More places than this are not looked at one by one, but every second, third … along both sides. */
const mostPlaces = 2 ** 20

/**
 * Finds where a picture lost most: the squares whose squared error exceeds that of full precision most, none over another.
 * Errors come row by row, so that no more than a few numbers for each place are kept.
 */
export class WorstRegions {
  readonly #regionWidth: number
  readonly #regionHeight: number
  /** Where squares may begin, from left to right and from top to bottom. */
  readonly #columns: readonly number[]
  readonly #rows: readonly number[]
  /** Sums over squares, rows × columns. */
  readonly #errors: Float64Array
  readonly #errorsOfFp: Float64Array
  /** Sums over all rows so far, by column of the squares. */
  readonly #soFar: Float64Array
  readonly #soFarOfFp: Float64Array
  #row = 0

  /**
   * @param side of squares; as much of it as a smaller picture has. They begin at every pixel, in pictures with more than 2^20
   *   places at every n-th, and never farther apart than half their side
   */
  constructor(width: number, height: number, side: number) {
    this.#regionWidth = Math.min(side, width)
    this.#regionHeight = Math.min(side, height)
    const places = (width - this.#regionWidth + 1) * (height - this.#regionHeight + 1)
    const step = Math.max(1, Math.min(Math.ceil(Math.sqrt(places / mostPlaces)), Math.floor(side / 2)))
    this.#columns = starts(width - this.#regionWidth, step)
    this.#rows = starts(height - this.#regionHeight, step)
    this.#errors = new Float64Array(this.#columns.length * this.#rows.length)
    this.#errorsOfFp = new Float64Array(this.#errors.length)
    this.#soFar = new Float64Array(this.#columns.length)
    this.#soFarOfFp = new Float64Array(this.#columns.length)
  }

  /**
   * Takes in the squared errors of the next row.
   *
   * @param error,errorOfFp one for each pixel
   */
  add(error: Float64Array, errorOfFp: Float64Array): void {
    this.#begin(this.#row)
    this.#sum(error, this.#soFar)
    this.#sum(errorOfFp, this.#soFarOfFp)
    this.#row++
    this.#finish(this.#row - this.#regionHeight)
  }

  /** The worst squares, worst first; of equal ones the one farther up, then to the left. All rows must have been taken in. */
  find(count: number): readonly WorstRegion[] {
    const found: WorstRegion[] = []
    const isTaken = new Uint8Array(this.#errors.length)
    while (found.length < count) {
      const worst = this.#worst(isTaken)
      if (worst === null) break
      found.push(worst)
      this.#take(worst, isTaken)
    }
    return found
  }

  /** A square's sum is what all rows to its end have, less what those before it had. */
  #begin(row: number): void {
    const place = this.#placeOf(row)
    if (place === null) return
    for (let i = 0; i < this.#columns.length; i++) {
      this.#errors[place + i] = -(this.#soFar[i] ?? 0)
      this.#errorsOfFp[place + i] = -(this.#soFarOfFp[i] ?? 0)
    }
  }

  #finish(row: number): void {
    const place = this.#placeOf(row)
    if (place === null) return
    for (let i = 0; i < this.#columns.length; i++) {
      this.#errors[place + i] = (this.#errors[place + i] ?? 0) + (this.#soFar[i] ?? 0)
      this.#errorsOfFp[place + i] = (this.#errorsOfFp[place + i] ?? 0) + (this.#soFarOfFp[i] ?? 0)
    }
  }

  /** Where the sums of the squares that begin in a row lie; null where none do. */
  #placeOf(row: number): number | null {
    const i = indexOf(this.#rows, row)
    return i === null ? null : i * this.#columns.length
  }

  /** Adds the sums of a row over the width of each square. */
  #sum(values: Float64Array, sums: Float64Array): void {
    let sum = 0
    let [from, to] = [0, 0]
    for (let i = 0; i < this.#columns.length; i++) {
      const left = this.#columns[i] ?? 0
      while (to < left + this.#regionWidth) sum += values[to++] ?? 0
      while (from < left) sum -= values[from++] ?? 0
      sums[i] = (sums[i] ?? 0) + sum
    }
  }

  #worst(isTaken: Uint8Array): WorstRegion | null {
    const pixels = this.#regionWidth * this.#regionHeight
    let worst = -1
    let most = leastLoss * pixels
    for (let i = 0; i < isTaken.length; i++) {
      const excess = (this.#errors[i] ?? 0) - (this.#errorsOfFp[i] ?? 0)
      if (isTaken[i] === 1 || excess <= most) continue
      worst = i
      most = excess
    }
    if (worst === -1) return null
    return {
      left: this.#columns[worst % this.#columns.length] ?? 0,
      top: this.#rows[Math.floor(worst / this.#columns.length)] ?? 0,
      width: this.#regionWidth,
      height: this.#regionHeight,
      error: (this.#errors[worst] ?? 0) / pixels,
      errorOfFp: (this.#errorsOfFp[worst] ?? 0) / pixels
    }
  }

  /** Marks the squares that share pixels with one. */
  #take({ left, top, width, height }: WorstRegion, isTaken: Uint8Array): void {
    this.#rows.forEach((row, y) => {
      if (Math.abs(row - top) >= height) return
      this.#columns.forEach((column, x) => {
        if (Math.abs(column - left) < width) isTaken[y * this.#columns.length + x] = 1
      })
    })
  }
}

/** Multiples of a step up to the last place, and that. */
function starts(last: number, step: number): readonly number[] {
  const multiples = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step)
  return last % step === 0 ? multiples : [...multiples, last]
}

/** The index of a value in a list that rises by equal steps but for the last one. */
function indexOf(values: readonly number[], value: number): number | null {
  if (value < 0) return null
  const last = values.length - 1
  if (value === values[last]) return last
  const step = values[1] ?? 1
  return value % step === 0 && value / step < last ? value / step : null
}
