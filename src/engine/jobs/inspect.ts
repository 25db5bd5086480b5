import type { InspectResult } from '../../contract/results'
import { complexity, countMacs } from '../../core/evaluation/complexity'
import { operatorSummary } from '../../core/evaluation/operators'
import { takenSize, type ModelOverrides } from '../../core/models/model'
import { loadModel } from '../model-file'
import { keptSites, leftOutSites, siteDescriber } from '../plan'
import { officialFile } from '../zoo/catalogue'

export interface InspectConfig {
  readonly model: string
  readonly overrides: ModelOverrides
  readonly bits: readonly number[]
  /** Input pixels at which multiplications are counted, for networks that take any. */
  readonly width: number
  readonly height: number
}

/** Reads a network and tells what it is, what would be quantized, and what that would gain in theory. */
export async function inspect({ model: path, overrides, bits, ...size }: InspectConfig): Promise<InspectResult> {
  const { model, sha256 } = await loadModel(path, overrides)
  const [width, height] = [takenSize(model, size.width), takenSize(model, size.height)]
  const sites = keptSites(model, false, null)
  const describe = siteDescriber(model)
  return {
    sha256,
    official: officialFile(sha256)?.name ?? null,
    architecture: model.architecture,
    config: { ...model.config },
    scale: model.scale,
    channels: model.channels,
    parameters: model.parameters,
    macs: { width, height, total: countMacs(model.graph, width, height) },
    quantizable: sites.map(describe),
    leftOut: leftOutSites(model).map(({ site, isFirstOrLast }) => ({ ...describe(site), isFirstOrLast })),
    operators: [...operatorSummary(model.graph, sites, width, height)],
    features: { groups: [...model.features.groups], blocks: [...model.features.blocks] },
    complexity: bits.map((each) => complexity(model, sites, each, width, height))
  }
}
