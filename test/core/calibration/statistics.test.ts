import { afterAll, describe, expect, it } from 'vitest'
import { searchBounds } from '../../../src/core/calibration/dobi'
import { Distribution, histogramOf } from '../../../src/core/calibration/histogram'
import { squaredError } from '../../../src/core/calibration/quantization-error'
import { collectStatistics } from '../../../src/core/calibration/statistics'
import { GraphBuilder } from '../../../src/core/graph/builder'
import { symbol } from '../../../src/core/graph/dimension'
import type { Graph } from '../../../src/core/graph/graph'
import type { QuantizerSite } from '../../../src/core/quantization/placement'
import type { Runtime } from '../../../src/core/runtime'
import { floatTensor } from '../../../src/core/tensor'
import { onnxruntimeCpu } from '../../../src/runtimes/onnxruntime'

let loaded = 0
let disposed = 0
const counting: Runtime = {
  ...onnxruntimeCpu,
  load: async (graph, options) => {
    const session = await onnxruntimeCpu.load(graph, options)
    loaded++
    return {
      run: (feeds, more) => session.run(feeds, more),
      dispose: () => {
        disposed++
        return session.dispose()
      }
    }
  }
}

/** y = exp(4 x), z = y − x over pictures of 2 × 3. */
function network(): Graph {
  const builder = new GraphBuilder()
  const x = builder.input('lr', [symbol('batch'), 1, 2, 3])
  const scaled = builder.multiply(x, builder.constant(floatTensor([4], [1]), 'four'))
  const y = builder.apply('Exp', [scaled], {}, 'y')
  return builder.build([builder.subtract(y, x, 'sr')])
}

const site = (value: string, kind: QuantizerSite['kind'] = 'activation'): QuantizerSite => {
  return { name: value, kind, value, readers: [] }
}
const patches = [0, 1, 2].map((p) => Float32Array.from({ length: 6 }, (_, i) => ((i * 5 + p * 3) % 7) / 7 + p))
const yOf = (x: number): number => Math.exp(Math.fround(4 * x))

afterAll(() => {
  expect(disposed).toBe(loaded)
})

describe('statistics of a large tensor', () => {
  const side = 1024
  const builder = new GraphBuilder()
  const x = builder.input('lr', [symbol('batch'), 1, side, side])
  const large = builder.build([builder.apply('Abs', [x], {}, 'sr')])
  /** Of each row another size, and one row like no other. */
  const patchOf = (p: number): Float32Array =>
    Float32Array.from({ length: side * side }, (_, i) => {
      const row = Math.floor(i / side)
      const wave = Math.sin(i * 12.9898 + p) * (1 + 0.5 * Math.sin(row / 5))
      return row === 77 ? 5 + wave : wave
    })

  it('count half of it, but know its exact extremes and find bounds as good as from all of it', async () => {
    const patches = [0, 1].map(patchOf)
    const histogram = (await collectStatistics(large, [site('lr')], patches, counting)).get('lr')
    if (histogram === undefined) throw new Error('no statistics')
    const all = Float32Array.from(patches.flatMap((patch) => [...patch]))
    const whole = new Distribution(histogramOf(all))
    expect(histogram.count).toBe(side * side)
    expect([histogram.min, histogram.max]).toEqual([whole.histogram.min, whole.histogram.max])
    for (const bits of [2, 4]) {
      const error = squaredError(whole, searchBounds(new Distribution(histogram), bits), bits)
      expect(Math.sqrt(error) / searchBounds(whole, bits).error).toBeLessThan(1.001)
    }
  })

  it('have counted every row after a few patches', async () => {
    const patches = [0, 1, 2, 3].map(patchOf)
    const histogram = (await collectStatistics(large, [site('lr')], patches, counting)).get('lr')
    // Row 77 is the only one above 3.
    const { counts = new Float64Array(0), origin = 0, width = 1 } = histogram ?? {}
    const high = counts.reduce((sum, n, i) => sum + (origin + i * width > 3 ? n : 0), 0)
    expect(high / side).toBe(2)
  })
})

describe('statistics', () => {
  it('are those of the values the network computes, all patches together', async () => {
    const statistics = await collectStatistics(network(), [site('y'), site('lr')], patches, counting)
    const all = patches.flatMap((patch) => [...patch])
    for (const [name, expected] of [
      ['lr', all],
      ['y', all.map(yOf)]
    ] as const) {
      const histogram = statistics.get(name)
      if (histogram === undefined) throw new Error(`nothing of ${name}`)
      expect(histogram.count).toBe(18)
      expect(histogram.min).toBeCloseTo(Math.min(...expected), 5)
      expect(histogram.max / Math.max(...expected)).toBeCloseTo(1, 6)
      // The last patch is far outside the first one's bins; each value must still be within a bin of its place.
      const { counts, origin, width } = histogram
      const sum = counts.reduce((total, n, i) => total + n * (origin + i * width), 0)
      expect(Math.abs(sum - expected.reduce((a, b) => a + b, 0))).toBeLessThan(18 * width)
    }
  })

  it('of a weight are those of its numbers', async () => {
    const statistics = await collectStatistics(network(), [site('four', 'weight'), site('y')], patches, counting)
    expect(statistics.get('four')).toEqual(histogramOf(Float32Array.of(4)))
  })

  it('report every patch', async () => {
    const seen: number[] = []
    await collectStatistics(network(), [site('y')], patches, counting, ({ patchesDone }) => {
      seen.push(patchesDone)
    })
    expect(seen).toEqual([1, 2, 3])
  })

  it('name the tensor that is not finite', async () => {
    for (const bad of [NaN, 100]) {
      const hostile = [...patches, new Float32Array(6).fill(bad)]
      const failing = collectStatistics(network(), [site('y')], hostile, counting)
      await expect(failing).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('"y"') as string
      })
    }
  })

  it('cannot be had without patches', async () => {
    await expect(collectStatistics(network(), [site('y')], [], counting)).rejects.toThrow(/no calibration patch/)
  })
})
