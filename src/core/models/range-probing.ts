import { StudioError } from '../errors'
import type { ValueRange } from './value-range'

/** A picture as it was shown to a network in a range, and what the network gave. */
export interface ProbeAnswer {
  readonly range: ValueRange
  /** [channels, height, width]. */
  readonly shown: Float32Array
  /** [channels, scale·height, scale·width]. */
  readonly given: Float32Array
}

/** Sizes of a picture that is shown, and how many times larger a network makes it. */
interface ProbeSize {
  readonly width: number
  readonly height: number
  readonly scale: number
}

/** A range counts as found where the picture comes back with an error of at most this share of white − black. */
const largestError = 0.25

/** Ranges whose errors differ by less than this factor are alike; networks without biases take any. The first one counts. */
const clearFactor = 0.8

/** A picture to try networks on, values 0 to 1: waves of several lengths and edges, other ones in each channel. */
export function probePicture(channels: number, side: number): Float32Array {
  return Float32Array.from({ length: channels * side * side }, (_, i) => {
    const [channel, row, column] = [Math.floor(i / side ** 2), Math.floor(i / side) % side, i % side]
    const waves = Math.sin(row / 5 + channel) + Math.cos(column / 3) + Math.sin((row + 2 * column) / 9)
    const isInside = (row - side / 2) ** 2 + (column - side / 2) ** 2 < (side / 4) ** 2
    return 0.45 + 0.1 * waves + (isInside ? 0.2 : 0)
  })
}

/**
 * The range in which a network enlarges: what it gives, averaged over scale × scale pixels, is what it was shown.
 *
 * @param answers in the order of their likelihood
 * @throws StudioError ('refused') where it does so in none
 */
export function likeliestRange(answers: readonly ProbeAnswer[], size: ProbeSize): ValueRange {
  let best: { readonly range: ValueRange; readonly error: number } | null = null
  for (const answer of answers) {
    const error = enlargingError(answer, size)
    if (best === null || !(error >= clearFactor * best.error)) best = { range: answer.range, error }
  }
  if (best === null || !(best.error <= largestError)) {
    const what = 'The network gives no enlarged picture, whether black and white are 0 and 1, 0 and 255, or −1 and 1'
    throw new StudioError('refused', `${what}; give the value of white by --img-range if it is another.`)
  }
  return best.range
}

/** The root mean square difference between what was shown and the averages of what was given, relative to white − black. */
function enlargingError({ range, shown, given }: ProbeAnswer, { width, scale }: ProbeSize): number {
  let sum = 0
  for (let i = 0; i < shown.length; i++) {
    const [row, column] = [Math.floor(i / width), i % width]
    let block = 0
    for (let y = 0; y < scale; y++) {
      for (let x = 0; x < scale; x++) block += given[(row * scale + y) * width * scale + column * scale + x] ?? NaN
    }
    sum += (block / scale ** 2 - (shown[i] ?? 0)) ** 2
  }
  return Math.sqrt(sum / shown.length) / (range.white - range.black)
}
