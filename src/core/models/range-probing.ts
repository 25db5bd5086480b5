import { StudioError } from '../errors'
import { toTensor, type Image } from '../imaging/image'
import { imresize } from '../imaging/imresize'
import { Random } from '../imaging/random'
import type { ValueRange } from './value-range'

/** A picture in low and high resolution, values 0 to 1 as [channels, height, width]. */
export interface ProbePicture {
  readonly lr: Float32Array
  readonly hr: Float32Array
}

/** What a network gave that was shown a picture in a range: [channels, scale·side, scale·side]. */
export interface ProbeAnswer {
  readonly range: ValueRange
  readonly given: Float32Array
}

/** A range counts as found where the enlarged picture is nearer than this share of white − black to the one in high resolution. */
const largestError = 0.2

/** Discs that are laid one over the other, the last ones this many times smaller than the first ones. */
const discs = 400
const shrinkage = 15

/**
 * A picture to try networks on: discs of all sizes and colours over each other ("dead leaves"), which has edges and contrasts
 * as photographs have them.
 *
 * @param side of the picture in low resolution, in pixels
 */
export function probePicture(channels: 1 | 3, side: number, scale: number): ProbePicture {
  const large = leaves(channels, side * scale)
  return { lr: toTensor(scale === 1 ? large : imresize(large, 1 / scale)), hr: toTensor(large) }
}

function leaves(channels: 1 | 3, side: number): Image {
  const random = Random.seeded(1)
  const next = (): number => random.word() / 2 ** 32
  const data = new Float32Array(channels * side ** 2).fill(128)
  for (let disc = 0; disc < discs; disc++) {
    const radius = (0.35 * side) / (1 + ((shrinkage - 1) * disc) / discs)
    const [x, y, grey] = [next() * side, next() * side, next()]
    const colour = Array.from({ length: channels }, () => Math.round(255 * (0.7 * grey + 0.3 * next())))
    for (let row = Math.max(0, Math.ceil(y - radius)); row <= Math.min(side - 1, y + radius); row++) {
      const half = Math.sqrt(radius ** 2 - (row - y) ** 2)
      const [from, to] = [Math.max(0, Math.ceil(x - half)), Math.min(side - 1, Math.floor(x + half))]
      colour.forEach((value, channel) => {
        const start = (channel * side + row) * side
        if (to >= from) data.fill(value, start + from, start + to + 1)
      })
    }
  }
  return { width: side, height: side, channels, data }
}

/**
 * The range that a network was trained in: there it comes nearest to the picture in high resolution. Whether it merely gives
 * the picture back does not tell: many networks do so in any range, as they add to an interpolated picture.
 *
 * @throws StudioError ('refused') where it comes near in none
 */
export function likeliestRange(answers: readonly ProbeAnswer[], hr: Float32Array): ValueRange {
  const judged = answers.map((answer) => ({ range: answer.range, error: errorOf(answer, hr) }))
  const [best] = judged.toSorted((a, b) => a.error - b.error)
  if (best !== undefined && best.error <= largestError) return best.range
  const what = 'The network gives no enlarged picture, whether black and white are 0 and 1, 0 and 255, or −1 and 1'
  throw new StudioError('refused', `${what}; give the value of white by --img-range if it is another.`)
}

/** The root mean square difference to the picture in high resolution, relative to white − black; ∞ where it is no number. */
function errorOf({ range: { black, white }, given }: ProbeAnswer, hr: Float32Array): number {
  const sum = hr.reduce((total, value, i) => total + (((given[i] ?? NaN) - black) / (white - black) - value) ** 2, 0)
  return Number.isFinite(sum) ? Math.sqrt(sum / hr.length) : Infinity
}
