import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JobEvent, QuantizerRow } from '../../src/contract/events'
import { emptyJobView, jobViewSchema, withEvent, type JobView, type TrainingView } from '../../src/contract/job-view'
import { eventLine, parseEvent } from '../../src/engine/run-folder'

const key = { method: '2dquant', bits: { weight: 2, activation: 2 } } as const

const loss = (iteration: number, value: number): JobEvent => ({
  kind: 'loss',
  ...key,
  iteration,
  output: value,
  feature: null,
  learningRate: 0.01
})

const validation = (iteration: number, psnr: number): JobEvent => {
  const preview = `previews/${iteration}.png`
  return { kind: 'validation', ...key, iteration, psnr, psnrAgainstHr: null, featureShare: 0, preview }
}

const viewOf = (events: readonly JobEvent[], view = emptyJobView): JobView => events.reduce(withEvent, view)

function trainingOf(view: JobView): TrainingView {
  const [training] = view.trainings
  if (training === undefined) throw new Error('there is no training')
  return training
}

/** Losses of iterations from first to last; no two of them are alike. */
const losses = (first: number, last: number): JobEvent[] =>
  Array.from({ length: last - first + 1 }, (_, i) => loss(first + i, Math.sin(first + i) + 2))

/** Means of so many values each, the plain way. */
function meansOf(values: readonly number[], stride: number): number[] {
  return Array.from({ length: Math.floor(values.length / stride) }, (_, i) => {
    const part = values.slice(i * stride, (i + 1) * stride)
    return part.reduce((a, b) => a + b, 0) / stride
  })
}

describe('the curve of losses', () => {
  it('has every iteration of a short training', () => {
    const { points } = trainingOf(viewOf(losses(1, 1999))).loss
    expect(points).toEqual(
      Array.from({ length: 1999 }, (_, i) => {
        const value = Math.sin(i + 1) + 2
        return [i + 1, value, value, value]
      })
    )
  })

  it('is the mean over ever more iterations of a long one, and never larger than 2000 points', () => {
    let view = emptyJobView
    const values: number[] = []
    const strides = new Set<number>()
    for (const [i, event] of losses(1, 20_000).entries()) {
      view = withEvent(view, event)
      values.push(Math.sin(i + 1) + 2)
      const { points, stride } = trainingOf(view).loss
      if (points.length >= 2000) expect.unreachable('there are too many points')
      strides.add(stride)
      if ((i + 1) % 1700 !== 0 && points.length !== 1000) continue
      const means = meansOf(values, stride)
      expect(points.map(([iteration]) => iteration)).toEqual(means.map((_, j) => (j + 1) * stride))
      points.forEach(([, value], j) => {
        expect(value).toBeCloseTo(means[j] ?? NaN, 10)
      })
    }
    expect([...strides]).toEqual([1, 2, 4, 8, 16])
  })

  it('leaves out an iteration whose loss is no number', () => {
    const none: JobEvent = { kind: 'loss', ...key, iteration: 2, output: null, feature: null, learningRate: 0.5 }
    const { loss: curve, learningRate } = trainingOf(viewOf([loss(1, 7), none]))
    expect([curve.points, learningRate]).toEqual([[[1, 7, 7, 7]], 0.5])
  })

  it('sums the terms of a loss', () => {
    const both: JobEvent = { kind: 'loss', ...key, iteration: 1, output: 0.5, feature: 0.25, learningRate: 1 }
    expect(trainingOf(viewOf([both])).loss.points).toEqual([[1, 0.75, 0.75, 0.75]])
  })
})

describe('a training that was killed and takes iterations again', () => {
  // A checkpoint is written every 25 iterations, so up to 24 are taken again.
  const length = fc.integer({ min: 1, max: 9000 })

  it('looks as if it had not been, but for the point in which it was killed', () => {
    fc.assert(
      fc.property(length, fc.integer({ min: 0, max: 24 }), fc.integer({ min: 1, max: 3000 }), (killed, again, more) => {
        const from = Math.max(0, killed - again)
        const broken = viewOf(losses(1, killed).map(lossSpoilt(from)))
        const { loss: seen } = trainingOf(viewOf(losses(from + 1, from + more), broken))
        const { loss: wanted } = trainingOf(viewOf(losses(1, from + more)))
        if (seen.stride !== wanted.stride) {
          // What was forgotten had made the curve coarser.
          expect(seen.stride).toBe(2 * wanted.stride)
          return
        }
        expect(seen.points.map(([iteration]) => iteration)).toEqual(wanted.points.map(([iteration]) => iteration))
        const off = seen.points.flatMap(([iteration, value], i) =>
          Math.abs(value - (wanted.points[i]?.[1] ?? NaN)) < 1e-9 ? [] : [iteration]
        )
        // Only what had been summed up in the point around the checkpoint is lost.
        for (const iteration of off) {
          expect(iteration - wanted.stride).toBeLessThan(from)
          expect(iteration).toBeGreaterThan(from)
        }
        expect(off.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 60 }
    )
  })

  it('replaces the agreement that it finds again', () => {
    const told = [0, 20, 40].map((iteration) => validation(iteration, 30 + iteration))
    const view = viewOf([...told, validation(20, 99), validation(40, 98)])
    const { agreement, previews } = trainingOf(view)
    expect([agreement, previews.at(-1)?.file]).toEqual([
      [
        [0, 30],
        [20, 99],
        [40, 98]
      ],
      'previews/40.png'
    ])
  })
})

/** Losses after a checkpoint are others when they are taken again; here they are far off, so that none may remain. */
function lossSpoilt(from: number): (event: JobEvent) => JobEvent {
  return (event) => (event.kind === 'loss' && event.iteration > from ? { ...event, output: 1e6 } : event)
}

describe('what a job told', () => {
  it('is the same seen event by event and read from its file, but for what only matters at its time', () => {
    const events: JobEvent[] = []
    for (let n = 0; n < 5000; n++) {
      if (n > 0) events.push(loss(n, Math.cos(n)))
      if (n % 250 === 0) events.push(validation(n, 30 + Math.sin(n)))
      if (n % 40 === 0) events.push({ kind: 'log', level: n % 80 === 0 ? 'info' : 'warning', message: `message ${n}` })
      events.push({ kind: 'progress', phase: 'distillation', done: n, total: 5000, unit: 'iterations' })
      if (n % 10 === 0) events.push({ kind: 'pace', iterationsPerSecond: n, secondsLeft: n, memoryBytes: n })
    }
    const file = events.map(eventLine).join('')
    const read = viewOf(file.split('\n').flatMap((line) => parseEvent(line) ?? []))
    const { trainings, messages } = viewOf(events)
    expect(read).toEqual({ ...emptyJobView, trainings, messages })
    expect(jobViewSchema.parse(structuredClone(read))).toEqual(read)
  })

  it('keeps the last hundred messages', () => {
    const told = Array.from({ length: 250 }, (_, n): JobEvent => ({ kind: 'log', level: 'info', message: String(n) }))
    expect(viewOf(told).messages.map(({ message }) => message)).toEqual(
      Array.from({ length: 100 }, (_, i) => String(150 + i))
    )
  })

  it('of a pace is forgotten with the phase it was of', () => {
    const phase = (name: 'distillation' | 'evaluate', done: number): JobEvent => {
      return { kind: 'progress', phase: name, done, total: 9, unit: 'x' }
    }
    const pace: JobEvent = { kind: 'pace', iterationsPerSecond: 2, secondsLeft: 3, memoryBytes: 4 }
    const trains = viewOf([phase('distillation', 1), pace, phase('distillation', 2)])
    expect(trains.pace).toEqual({ iterationsPerSecond: 2, secondsLeft: 3, memoryBytes: 4 })
    expect(withEvent(trains, phase('evaluate', 1)).pace).toBeNull()
  })

  it('of each variant stands apart', () => {
    const other: JobEvent = { ...loss(1, 5), bits: { weight: 4, activation: 4 } } as JobEvent
    const third: JobEvent = { ...loss(1, 6), method: '2dquant+' } as JobEvent
    const view = viewOf([loss(1, 4), other, third, loss(2, 7)])
    expect(view.trainings.map(({ loss: { points } }) => points)).toEqual([
      [
        [1, 4, 4, 4],
        [2, 7, 7, 7]
      ],
      [[1, 5, 5, 5]],
      [[1, 6, 6, 6]]
    ])
  })

  it('is a new view each time; the one before stays as it was', () => {
    const before = viewOf(losses(1, 10))
    const copy = structuredClone(before)
    viewOf(losses(5, 30), before)
    expect(before).toEqual(copy)
  })
})

describe('the curves of both terms of a loss', () => {
  const terms = (iteration: number, output: number | null, feature: number | null): JobEvent => {
    return { kind: 'loss', ...key, iteration, output, feature, learningRate: 1 }
  }

  it('stand apart, and leave out what is no number', () => {
    const training = trainingOf(viewOf([terms(1, 0.5, 0.25), terms(2, 0.25, null), terms(3, null, 0.125)]))
    expect(training.outputLoss.points.map(([at, mean]) => [at, mean])).toEqual([
      [1, 0.5],
      [2, 0.25]
    ])
    expect(training.featureLoss.points.map(([at, mean]) => [at, mean])).toEqual([
      [1, 0.25],
      [3, 0.125]
    ])
    expect(training.loss.points.map(([at, mean]) => [at, mean])).toEqual([
      [1, 0.75],
      [2, 0.25],
      [3, 0.125]
    ])
  })

  it('have the least and the greatest value of every stride, the plain way', () => {
    const output = (i: number): number => 2 + Math.sin(i * 12.9898) * Math.cos(i / 700)
    const feature = (i: number): number => 1 + Math.sin(i * 78.233)
    const count = 9000
    const view = viewOf(Array.from({ length: count }, (_, i) => terms(i + 1, output(i + 1), feature(i + 1))))
    const { outputLoss, featureLoss } = trainingOf(view)
    expect([outputLoss.stride, featureLoss.stride]).toEqual([8, 8])
    for (const [curve, of] of [
      [outputLoss, output],
      [featureLoss, feature]
    ] as const) {
      expect(curve.points).toHaveLength(Math.floor(count / 8))
      for (const [iteration, , least, greatest] of curve.points) {
        const values = Array.from({ length: 8 }, (_, i) => of(iteration - i))
        expect([least, greatest]).toEqual([Math.min(...values), Math.max(...values)])
      }
    }
  })
})

describe('what validations told', () => {
  it('is a point each: agreement, against the originals where there are any, and the share of the feature term', () => {
    const told = (iteration: number, psnrAgainstHr: number | null): JobEvent => {
      const common = { iteration, psnr: 40 + iteration, psnrAgainstHr, featureShare: iteration / 100 }
      return { kind: 'validation', ...key, ...common, preview: `${iteration}.png` }
    }
    const { agreement, againstHr, featureShare } = trainingOf(viewOf([told(0, 25), told(20, null), told(40, 26)]))
    expect(agreement).toEqual([
      [0, 40],
      [20, 60],
      [40, 80]
    ])
    expect(againstHr).toEqual([
      [0, 25],
      [40, 26]
    ])
    expect(featureShare).toEqual([
      [0, 0],
      [20, 0.2],
      [40, 0.4]
    ])
  })

  it('keeps the picture in full precision that was told at the start', () => {
    const start: JobEvent = { ...validation(0, 30), reference: 'previews/reference.png' } as JobEvent
    expect(trainingOf(viewOf([validation(0, 30)])).reference).toBeNull()
    expect(trainingOf(viewOf([start, validation(20, 31)])).reference).toBe('previews/reference.png')
  })

  it('keeps less than two hundred pictures, the first and the newest among them', () => {
    let view = emptyJobView
    for (let n = 0; n <= 5000; n++) {
      view = withEvent(view, validation(20 * n, 30))
      const { previews } = trainingOf(view)
      if (previews.length >= 200) expect.unreachable('there are too many pictures')
      expect([previews[0]?.iteration, previews.at(-1)?.iteration]).toEqual([0, 20 * n])
    }
  })
})

describe('rows of quantizers', () => {
  const row = (name: string, max: number, bounds: QuantizerRow['bounds'] = null): QuantizerRow => {
    return { name, kind: 'activation', bits: 2, min: 0, max, shape: 'one-sided', bounds }
  }
  const told = (...rows: readonly QuantizerRow[]): JobEvent => {
    return { kind: 'quantizers', method: 'dobi', bits: key.bits, rows: [...rows] }
  }
  const of = (...events: readonly JobEvent[]): readonly QuantizerRow[] | undefined => viewOf(events).quantizers?.rows

  it('take the places of those they replace, and come after them where they are new', () => {
    expect(of(told(row('a', 1), row('b', 2)), told(row('b', 3), row('c', 4)))).toEqual([
      row('a', 1),
      row('b', 3),
      row('c', 4)
    ])
  })

  it('have the order in which all were told together', () => {
    expect(of(told(row('b', 1)), told(row('a', 2), row('b', 3), row('c', 4)), told(row('a', 5)))).toEqual([
      row('a', 5),
      row('b', 3),
      row('c', 4)
    ])
  })

  it('of another variant begin anew', () => {
    const other: JobEvent = { kind: 'quantizers', method: 'minmax', bits: key.bits, rows: [row('c', 1)] }
    expect(of(told(row('a', 1)), other)).toEqual([row('c', 1)])
  })
})

describe('a run of an hour', () => {
  it('is seen in a size that stays as it is', () => {
    let view = emptyJobView
    const lengths: number[] = []
    // Ten iterations a second; numbers of one length, so that the size tells how many there are.
    for (let n = 1; n <= 36_000; n++) {
      const iteration = 100_000 + n
      view = withEvent(view, {
        kind: 'loss',
        ...key,
        iteration,
        output: 0.5 + (n % 2) / 4,
        feature: 0.25,
        learningRate: 0.01
      })
      if (n % 1800 === 0) view = withEvent(view, validation(iteration, 30.5))
      if (n % 10 === 0) {
        view = withEvent(view, { kind: 'pace', iterationsPerSecond: 10.5, secondsLeft: 99.5, memoryBytes: 1e9 })
        view = withEvent(view, { kind: 'log', level: 'info', message: String(iteration) })
      }
      view = withEvent(view, {
        kind: 'progress',
        phase: 'distillation',
        done: iteration,
        total: 5e5,
        unit: 'iterations'
      })
      if (n % 100 === 0) lengths.push(JSON.stringify(view).length)
    }
    const early = Math.max(...lengths.slice(0, 60))
    // What grows is the twenty validations alone.
    expect(Math.max(...lengths)).toBeLessThan(1.05 * early + 20 * 200)
    expect(early).toBeLessThan(400_000)
  })
})
