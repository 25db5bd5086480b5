import { readFile } from 'node:fs/promises'
import { distillationGraph, featureWeightInput } from '../../src/core/distillation/objective'
import { bindInputs } from '../../src/core/graph/fold'
import { detectModel } from '../../src/core/models/detect'
import { findQuantizerSites } from '../../src/core/quantization/placement'
import type { Runtime } from '../../src/core/runtime'
import { floatTensor, type Tensor } from '../../src/core/tensor'
import { quantizerFeeds } from '../../src/engine/plan'
import { readSafetensors } from '../../src/formats/safetensors'
import { describeMachine } from '../../src/runtimes/machine'
import { probeAll, probeByNode, runtimeOf } from '../../src/runtimes/select'
import { secondsOf, type Figure } from './figure'

/** Low-resolution pixels on a side of a patch. */
const size = 32
const batches = [1, 4, 16, 32]

/** A step that takes longer than this is the last one that is measured of a runtime. */
const mostSeconds = 30

/** Patches a second of a step of distillation (bounds alone) of the bundled model, on every runtime that works here. */
export async function runtimeBenchmarks(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { runtime, device, usable } of await probeAll(probeByNode, await describeMachine())) {
    if (!usable) continue
    const loaded = await runtimeOf(runtime, device)
    for (const batch of batches) {
      const seconds = await secondsOfStep(loaded, batch)
      figures.push({ name: `${runtime} on ${device}: patches/s of a step, batch ${batch}`, value: batch / seconds })
      if (seconds > mostSeconds) break
    }
  }
  return figures
}

async function secondsOfStep(runtime: Runtime, batch: number): Promise<number> {
  const file = 'resources/models/swinir-tiny-x4.safetensors'
  const model = detectModel(readSafetensors(await readFile(file), file), file)
  const bound = bindInputs(model.graph, new Map(Object.entries({ batch, height: size, width: size })))
  const sites = findQuantizerSites(model.graph, model.placement)
  const training = distillationGraph(bound, sites, { loss: 'corrected', features: model.features.groups })
  const session = await runtime.load(training, { optimize: false })
  const pictures = Float32Array.from({ length: batch * 3 * size * size }, (_, i) => 0.5 + 0.4 * Math.sin(i / 9))
  const feeds = new Map<string, Tensor>([
    ['lr', floatTensor(pictures, [batch, 3, size, size])],
    [featureWeightInput, floatTensor([0.01], [])],
    ...quantizerFeeds(sites.map(() => ({ lower: -1, upper: 1, bits: 4 })))
  ])
  try {
    // The first run lays out memory, or compiles.
    await session.run(feeds)
    return await secondsOf(() => session.run(feeds))
  } finally {
    await session.dispose()
  }
}
