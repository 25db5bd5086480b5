import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
import { configIn } from '../engine/service/config'
import { median, secondsOf, type Figure } from './figure'

/** The project's folder; this file is built to out/bench.mjs. */
const root = fileURLToPath(new URL('..', import.meta.url))

/** Low-resolution pixels on a side of a patch. */
const size = 32
const batches = [1, 4, 16, 32]

/** A step that takes longer than this is the last one that is measured of a runtime. */
const mostSeconds = 30

/**
 * Seconds until the engine of the app is ready, and patches a second of a step of distillation (bounds alone) of the bundled model, on
 * every runtime that works here.
 */
export async function runtimeBenchmarks(): Promise<readonly Figure[]> {
  const starts: number[] = []
  for (let i = 0; i < 5; i++) starts.push(await secondsOfStart())
  const figures: Figure[] = [{ name: 'engine: seconds until it is ready', value: median(starts), atMost: 1.5 }]
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

/** Of the built engine in a process of its own. It tries no runtime: what was measured is kept in a file. */
async function secondsOfStart(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), '2dquant-bench-'))
  // This file is built to elsewhere than where that one stands.
  const config = { ...configIn(folder), models: join(root, 'resources', 'models') }
  try {
    const host = join(root, 'test', 'engine', 'service', 'engine-host.mjs')
    const child = fork(host, [JSON.stringify(config)], { serialization: 'advanced', execArgv: [] })
    const seconds = await secondsOf(async () => {
      for (;;) {
        const [{ data }] = (await once(child, 'message')) as [{ readonly data: { readonly kind: string } }]
        if (data.kind === 'ready') return
        if (data.kind === 'unable') throw new Error('The engine could not start')
      }
    })
    child.kill()
    await once(child, 'exit')
    return seconds
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
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
