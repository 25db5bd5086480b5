import type { Bounds } from '../quantization/quantizer'
import type { Distribution } from './histogram'

/**
 * Bounds that leave out the same share of values at either end (Li et al., FQN, CVPR 2019): the lower bound is the
 * (100 − p)-th percentile, the upper bound the p-th. 2DQuant's authors do not say which p they compared with.
 *
 * @param p percentile, above 50 and at most 100
 */
export function percentileBounds(distribution: Distribution, p: number): Bounds {
  return { lower: distribution.quantile(1 - p / 100), upper: distribution.quantile(p / 100) }
}
