import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { z } from 'zod'
import type { BitWidth, ZeroPoint } from '../../src/contract/bounds'
import type { ExportKind } from '../../src/contract/results'
import { searchBounds } from '../../src/core/calibration/dobi'
import { Distribution } from '../../src/core/calibration/histogram'
import { collectStatistics } from '../../src/core/calibration/statistics'
import { bindInputs, foldConstants } from '../../src/core/graph/fold'
import { detectModel } from '../../src/core/models/detect'
import type { Model } from '../../src/core/models/model'
import type { PlacedQuantizer } from '../../src/core/quantization/packing'
import { findQuantizerSites } from '../../src/core/quantization/placement'
import { fullPrecisionFile, writers } from '../../src/engine/export/files'
import { onnxruntimeCpu, sessionOptions } from '../../src/runtimes/onnxruntime'
import { randomEdsrBaseline, randomSwinirLight } from '../random-networks'
import { compare, type Figure } from './figure'

/** Low-resolution pixels on a side, and threads, at which speed is measured. */
const side = 128
const threads = 2
const runs = 7

/** How many times smaller than in full precision a compact file must be. */
const leastRatios: readonly (readonly [BitWidth, number])[] = [
  [4, 2.8],
  [3, 3],
  [2, 3.2]
]

/** What exported files of SwinIR-light ×4 with random weights and DOBI's bounds weigh, and how fast they run; EDSR beside it. */
export async function exportBenchmarks(): Promise<readonly Figure[]> {
  const model = detectModel({ tensors: randomSwinirLight(4), metadata: new Map() }, 'SwinIR-light')
  const file = await fileWriter(model)
  const fp = fullPrecisionFile(model)
  const sizes = leastRatios.flatMap(([bits, atLeast]): Figure[] => [
    { name: `FP32 file ÷ packed file of ${bits} bits`, value: fp.length / file('packed', bits).length },
    { name: `FP32 file ÷ compact file of ${bits} bits`, value: fp.length / file('compact', bits).length, atLeast }
  ])
  const files = {
    fp,
    packed: file('packed', 4),
    compact: file('compact', 4),
    'integer, float zero points': file('integer', 4),
    'integer, integer zero points': file('integer', 4, 'integer')
  }
  const speed = await speedOf(files)
  const operators = await Promise.all(
    (['fp', 'integer, integer zero points'] as const).map(async (name) => {
      const times = await timesOf(files[name])
      return times.map(([operator, seconds]) => ({ name: `${name}: ms in ${operator}`, value: 1000 * seconds }))
    })
  )
  return [
    { name: 'FP32 file ÷ 4 bytes a parameter', value: fp.length / (4 * model.parameters), atMost: 1.05 },
    ...sizes,
    ...(['packed', 'compact', 'integer, float zero points', 'integer, integer zero points'] as const).map(
      (name): Figure => {
        const figure = { name: `FP32 forward pass ÷ ${name}, 4 bits, ${side}×${side}`, value: speed.fp / speed[name] }
        return name === 'integer, integer zero points' ? { ...figure, atLeast: 1 } : figure
      }
    ),
    ...(await edsrSpeed()),
    ...operators.flat()
  ]
}

/** How fast EDSR-baseline ×4 is in integers, whose layers are all convolutions. */
async function edsrSpeed(): Promise<readonly Figure[]> {
  const model = detectModel({ tensors: randomEdsrBaseline(), metadata: new Map() }, 'EDSR')
  const file = await fileWriter(model)
  const kinds = { fp: fullPrecisionFile(model), float: file('integer', 4), integer: file('integer', 4, 'integer') }
  const speed = await speedOf(kinds)
  return (['float', 'integer'] as const).map((name) => {
    const what = `EDSR-baseline: FP32 forward pass ÷ integer, ${name} zero points, 4 bits, ${side}×${side}`
    return { name: what, value: speed.fp / speed[name] }
  })
}

/** Makes files of a network with DOBI's bounds at any bits. */
async function fileWriter(
  model: Model
): Promise<(kind: ExportKind, bits: BitWidth, zeroPoint?: ZeroPoint) => Uint8Array> {
  const placedAt = await findBounds(model)
  return (kind, bits, zeroPoint = 'float') => {
    const variant = { method: 'dobi' as const, bits: { weight: bits, activation: bits }, quantizers: [] }
    const parts = { variant, model, sha256: '0'.repeat(64), graph: model.graph, placed: placedAt(bits, zeroPoint) }
    return writers[kind](parts, 25).bytes
  }
}

/** DOBI's bounds of every quantizer at any bits, from two patches. */
async function findBounds(model: Model): Promise<(bits: BitWidth, zeroPoint: ZeroPoint) => readonly PlacedQuantizer[]> {
  const size = 64
  const fixed = new Map([
    ['height', size],
    ['width', size]
  ])
  const sites = findQuantizerSites(model.graph, model.placement)
  const patches = [0, 1].map((phase) =>
    Float32Array.from({ length: 3 * size * size }, (_, i) => 0.5 + 0.4 * Math.sin(i / 7 + phase) * Math.cos(i / 331))
  )
  const graph = foldConstants(bindInputs(model.graph, fixed))
  const statistics = await collectStatistics(graph, sites, patches, onnxruntimeCpu)
  return (bits, zeroPoint) =>
    sites.map((site) => {
      const histogram = statistics.get(site.value)
      if (histogram === undefined) throw new Error(`no statistics of ${site.value}`)
      const found = searchBounds(new Distribution(histogram), bits, 'by-shape', 100, zeroPoint)
      return { site, quantizer: { ...found, bits } }
    })
}

const picture = (): OrtTensor =>
  new OrtTensor(
    'float32',
    Float32Array.from({ length: 3 * side * side }, (_, i) => (i % 251) / 250),
    [1, 3, side, side]
  )

/** Seconds of a forward pass of each, measured in turn. */
async function speedOf<K extends string>(files: Readonly<Record<K, Uint8Array>>): Promise<Readonly<Record<K, number>>> {
  const names = Object.keys(files) as K[]
  const sessions = await Promise.all(
    names.map((name) => InferenceSession.create(files[name], sessionOptions({ threads })))
  )
  const works = names.map((name, i) => [name, () => sessions[i]?.run({ lr: picture() }) ?? Promise.resolve()] as const)
  const seconds = await compare(Object.fromEntries(works) as Record<K, () => Promise<unknown>>, runs)
  for (const session of sessions) await session.release()
  return seconds
}

const eventSchema = z.object({ name: z.string(), dur: z.number(), args: z.object({ op_name: z.string() }) })

/** Seconds of a forward pass by operator, the longest first, as onnxruntime's profiler has them. */
async function timesOf(file: Uint8Array): Promise<readonly (readonly [string, number])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'))
  try {
    const options = { ...sessionOptions({ threads }), enableProfiling: true, profileFilePrefix: join(folder, 'run') }
    const session = await InferenceSession.create(file, options)
    for (let i = 0; i < runs; i++) await session.run({ lr: picture() })
    session.endProfiling()
    await session.release()
    const [name = ''] = readdirSync(folder)
    const events = z.array(z.unknown()).parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))
    const times = new Map<string, number>()
    for (const each of events) {
      const event = eventSchema.safeParse(each).data
      if (event?.name.endsWith('kernel_time') !== true) continue
      const operator = event.args.op_name
      times.set(operator, (times.get(operator) ?? 0) + event.dur / 1e6 / runs)
    }
    return [...times].sort(([, a], [, b]) => b - a).slice(0, 8)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
