import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Quantizer } from '../../../src/contract/bounds'
import type { JobEvent } from '../../../src/contract/events'
import { settingsOf } from '../../../src/contract/presets'
import { OutOfMemoryError } from '../../../src/core/errors'
import { pictureInput } from '../../../src/core/models/model'
import type { Runtime, Session } from '../../../src/core/runtime'
import { quantize } from '../../../src/engine/jobs/quantize'
import { openRun } from '../../../src/engine/run-folder'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'
import { temporaryFolder } from '../../cli/run-cli'
import { writeTestPicture } from '../../pictures'
import { writeSmallModel } from '../../golden-model'

const folder = temporaryFolder()
const model = writeSmallModel(folder)

beforeAll(() => writeTestPicture(join(folder, 'pictures', 'HR', 'one.png'), 96, 72))

/** A GPU that is the processor: notes how many patches each training run takes, and may have no memory for them. */
function gpu(
  memoryBytes: number,
  isShort: (patches: number, runs: number) => boolean
): Runtime & { readonly patches: number[] } {
  const patches: number[] = []
  return {
    ...onnxruntimeCpu,
    device: 'gpu',
    memoryBytes,
    patches,
    loadCopies: async (graph, _, options) => {
      const session = await onnxruntimeCpu.load(graph, options)
      const counted: Session = {
        run: (feeds, ...rest) => {
          const taken = feeds.get(pictureInput)?.shape[0] ?? NaN
          if (isShort(taken, patches.length)) throw new OutOfMemoryError('Failed to allocate memory.')
          patches.push(taken)
          return session.run(feeds, ...rest)
        },
        dispose: () => session.dispose()
      }
      return [counted]
    }
  }
}

async function train(
  name: string,
  runtime: Runtime,
  { batch = 12, iterations = 2 } = {}
): Promise<{
  readonly quantizers: readonly Quantizer[]
  /** Iterations whose loss was told. */
  readonly told: readonly number[]
  readonly warnings: readonly string[]
}> {
  const usual = settingsOf('fast')
  const distillation = { ...usual.distillation, iterations, batch }
  const bits = [{ weight: 4 as const, activation: 4 as const }]
  const settings = { ...usual, bits, methods: ['2dquant' as const], patches: 1, patchSize: 16, distillation }
  const config = { model, overrides: {}, scale: undefined, calibrationKind: undefined, tellsTime: false }
  const out = join(folder, name)
  const events: JobEvent[] = []
  await quantize(
    { ...config, calibration: join(folder, 'pictures'), settings, out },
    {
      runtime,
      emit: (event) => events.push(event),
      signal: new AbortController().signal,
      giveWay: () => Promise.resolve()
    }
  )
  const trained = (await openRun(out)).bounds.variants.find(({ method }) => method === '2dquant')
  return {
    quantizers: trained?.quantizers ?? [],
    told: events.flatMap((event) => (event.kind === 'loss' ? [event.iteration] : [])),
    warnings: events.flatMap((event) => (event.kind === 'log' && event.level === 'warning' ? [event.message] : []))
  }
}

/** How far bounds are from others, relative to their range, at most. */
function distance(some: readonly Quantizer[], others: readonly Quantizer[]): number {
  expect(some.length).toBeGreaterThan(0)
  const distances = some.map(({ lower, upper }, i) => {
    const other = others[i] ?? { lower: NaN, upper: NaN }
    return Math.max(Math.abs(lower - other.lower), Math.abs(upper - other.upper)) / (upper - lower)
  })
  return Math.max(...distances)
}

describe('training on a GPU', () => {
  it('takes the patches of an iteration at once, and learns what it learns patch by patch', async () => {
    const whole = gpu(2 ** 40, () => false)
    const found = await train('whole', whole)
    expect(new Set(whole.patches)).toEqual(new Set([12]))
    const expected = await train('processor', onnxruntimeCpu)
    // What the sign of a gradient near 0 decides is a step of the optimizer, not more.
    expect(distance(found.quantizers, expected.quantizers)).toBeLessThan(0.01)
  })

  it('takes what its memory holds, in equal parts', async () => {
    const small = gpu(2 ** 24, () => false)
    await train('small', small)
    const [patches = NaN] = small.patches
    expect(new Set(small.patches).size).toBe(1)
    expect(patches).toBeGreaterThan(1)
    expect(patches).toBeLessThan(12)
    expect(12 % patches).toBe(0)
  })

  it('takes fewer where memory turns out to be short, says so, and goes on from where it was', async () => {
    // Four never fit, two until nearly as many runs are done as 30 iterations take.
    const short = gpu(2 ** 40, (patches, runs) => patches > 2 || (patches > 1 && runs > 66))
    const { told, warnings } = await train('short', short, { batch: 4, iterations: 30 })
    expect(new Set(short.patches)).toEqual(new Set([2, 1]))
    expect(warnings).toEqual([
      'Memory was short for training on 4 patches at a time; it goes on with fewer.',
      'Memory was short for training on 2 patches at a time; it goes on with fewer.'
    ])
    // From the checkpoint after iteration 25, not from the start.
    const again = told.lastIndexOf(26)
    expect(told[again - 1]).toBeGreaterThan(26)
    expect(told.slice(again)).toEqual([26, 27, 28, 29, 30])
  })

  it('ends where there is no memory for a single patch', async () => {
    const none = gpu(2 ** 40, () => true)
    await expect(train('none', none)).rejects.toThrow(/Failed to allocate/)
  })
})
