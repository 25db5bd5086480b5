import { describe, expect, it } from 'vitest'
import { complexity, countMacs } from '../../../src/core/evaluation/complexity'
import { detectModel } from '../../../src/core/models/detect'
import { findQuantizerSites } from '../../../src/core/quantization/placement'
import { randomSwinirLight } from '../../random-networks'

const swinirLight = (scale: number): ReturnType<typeof detectModel> =>
  detectModel({ tensors: randomSwinirLight(scale), metadata: new Map() }, 'SwinIR-light')

describe('complexity of SwinIR-light', () => {
  const model = swinirLight(4)
  const sites = findQuantizerSites(model.graph, model.placement)

  it('has the parameters and quantizers of the paper', () => {
    expect(model.parameters - model.published.omittedParameters).toBe(897_228)
    expect(model.parameters).toBe(929_628)
    expect(sites.filter(({ kind }) => kind === 'weight')).toHaveLength(144)
    expect(sites.filter(({ kind }) => kind === 'activation')).toHaveLength(240)
  })

  // 2DQuant, Table 1 and section 4.2; corrected values are the closed forms of the method notes, section 4.
  it.each([
    { bits: 4, sizeMB: 1.1697, compression: 3.068, speedup: 3.992, compressionCorrected: 2.86, speedupCorrected: 3.54 },
    { bits: 3, sizeMB: 1.0833, compression: 3.313, speedup: 4.47, compressionCorrected: 3.06, speedupCorrected: 3.89 },
    { bits: 2, sizeMB: 0.9969, compression: 3.6, speedup: 5.077, compressionCorrected: 3.29, speedupCorrected: 4.32 }
  ])('is the published one at $bits bits', (published) => {
    const counted = complexity(model, sites, published.bits, 128, 128)
    expect(counted.sizeMB).toBeCloseTo(published.sizeMB, 4)
    expect(counted.compression).toBeCloseTo(published.compression, 3)
    expect(counted.speedup).toBeCloseTo(published.speedup, 3)
    expect(counted.compressionCorrected).toBeCloseTo(published.compressionCorrected, 2)
    expect(counted.speedupCorrected).toBeCloseTo(published.speedupCorrected, 2)
  })

  it.each([
    { scale: 2, compressions: [3.22, 3.49, 3.82] },
    { scale: 3, compressions: [3.15, 3.41, 3.72] }
  ])('compresses as published at ×$scale', ({ scale, compressions }) => {
    const other = swinirLight(scale)
    const otherSites = findQuantizerSites(other.graph, other.placement)
    const counted = [4, 3, 2].map((bits) => complexity(other, otherSites, bits, 128, 128).compression)
    for (const [i, compression] of counted.entries()) expect(compression).toBeCloseTo(compressions[i] ?? NaN, 2)
  })

  it('counts 17.50 G multiplications at 128×128', () => {
    expect(countMacs(model.graph, 128, 128) / 1e9).toBeCloseTo(17.5, 2)
  })
})
