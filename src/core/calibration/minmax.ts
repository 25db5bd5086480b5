import type { Bounds } from '../quantization/quantizer'
import type { Distribution } from './histogram'

/** Bounds at the extremes of what was seen (Jacob et al., CVPR 2018). */
export function minmaxBounds({ histogram: { min, max } }: Distribution): Bounds {
  return { lower: min, upper: max }
}
