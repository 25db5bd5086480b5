import { z } from 'zod'
import { bitsSchema, formatBits, trainingMethodSchema } from './bounds'
import { histogramEventSchema, progressEventSchema, type JobEvent } from './events'

/** Points of a curve that are kept: when there are twice as many, every other one is left out from then on. */
const mostPoints = 1000

/** Messages that are kept. */
const mostMessages = 100

const curveSchema = z.object({
  /** A point stands for so many iterations, whose mean it is; it lies at the last of them, a multiple of the stride. */
  stride: z.int(),
  points: z.array(z.tuple([z.number(), z.number()])),
  /** What belongs to the point that is not full yet: how many iterations, the last of them, and the sum of losses. */
  rest: z.object({ count: z.int(), last: z.int(), sum: z.number() })
})
type Curve = Readonly<z.infer<typeof curveSchema>>

const nothing: Curve['rest'] = { count: 0, last: 0, sum: 0 }

const trainingViewSchema = z.object({
  method: trainingMethodSchema,
  bits: bitsSchema,
  /** Losses by iteration, each a mean over a stride; iteration, loss. */
  loss: curveSchema,
  /** PSNR in dB against full precision on held-out patches; iteration, PSNR. */
  agreement: z.array(z.tuple([z.number(), z.number()])),
  learningRate: z.number(),
  /** The newest piece of the student's output, a PNG file in the run folder. */
  preview: z.string().nullable()
})
export type TrainingView = Readonly<z.infer<typeof trainingViewSchema>>

/** What there is to see of a job: all that its events told, in a size that does not grow with its length. */
export const jobViewSchema = z.object({
  progress: progressEventSchema.nullable(),
  pace: z.object({ iterationsPerSecond: z.number(), secondsLeft: z.number(), memoryBytes: z.number() }).nullable(),
  histogram: histogramEventSchema.nullable(),
  trainings: z.array(trainingViewSchema),
  messages: z.array(z.object({ level: z.enum(['info', 'warning']), message: z.string() }))
})
export type JobView = Readonly<z.infer<typeof jobViewSchema>>

export const emptyJobView: JobView = { progress: null, pace: null, histogram: null, trainings: [], messages: [] }

/** What there is to see after one more event. The same on both sides of a port, so that events alone need be sent. */
export function withEvent(view: JobView, event: JobEvent): JobView {
  switch (event.kind) {
    case 'progress':
      return { ...view, progress: event, pace: view.progress?.phase === event.phase ? view.pace : null }
    case 'pace': {
      const { iterationsPerSecond, secondsLeft, memoryBytes } = event
      return { ...view, pace: { iterationsPerSecond, secondsLeft, memoryBytes } }
    }
    case 'histogram':
      return { ...view, histogram: event }
    case 'log': {
      const { level, message } = event
      return { ...view, messages: [...view.messages, { level, message }].slice(-mostMessages) }
    }
    case 'estimate':
      return view
    case 'loss':
    case 'validation':
      return { ...view, trainings: withTraining(view.trainings, event) }
  }
}

type TrainingEvent = Extract<JobEvent, { kind: 'loss' | 'validation' }>

function withTraining(trainings: readonly TrainingView[], event: TrainingEvent): TrainingView[] {
  const { method, bits } = event
  const at = trainings.findIndex((each) => each.method === method && formatBits(each.bits) === formatBits(bits))
  const known = trainings[at]
  if (known !== undefined) return trainings.with(at, advanced(known, event))
  const loss: Curve = { stride: 1, points: [], rest: nothing }
  return [...trainings, advanced({ method, bits, loss, agreement: [], learningRate: 0, preview: null }, event)]
}

function advanced(training: TrainingView, event: TrainingEvent): TrainingView {
  if (event.kind === 'validation') {
    const agreement = before(training.agreement, event.iteration)
    return { ...training, agreement: [...agreement, [event.iteration, event.psnr]], preview: event.preview }
  }
  const { output, feature, iteration, learningRate } = event
  if (output === null && feature === null) return { ...training, learningRate }
  return { ...training, learningRate, loss: extended(training.loss, iteration, (output ?? 0) + (feature ?? 0)) }
}

/** A run that was killed takes its last iterations again. */
function before(points: readonly [number, number][], iteration: number): [number, number][] {
  return points.filter(([at]) => at < iteration)
}

/** A curve with one more loss. What is known of this iteration and of later ones was taken before a run was killed. */
function extended({ stride, points, rest }: Curve, iteration: number, value: number): Curve {
  const kept = (points.at(-1)?.[0] ?? 0) >= iteration ? before(points, iteration) : points
  const { count, sum } = rest.last >= iteration || kept !== points ? nothing : rest
  const full = { count: count + 1, last: iteration, sum: sum + value }
  if (iteration % stride !== 0) return { stride, points: kept, rest: full }
  const all: [number, number][] = [...kept, [iteration, full.sum / full.count]]
  return all.length < 2 * mostPoints
    ? { stride, points: all, rest: nothing }
    : { stride: 2 * stride, points: halved(all), rest: nothing }
}

/** Means of pairs, at the iteration of the later one. */
function halved(points: readonly [number, number][]): [number, number][] {
  return points.flatMap(([iteration, value], i) =>
    i % 2 === 0 ? [] : [[iteration, (value + (points[i - 1]?.[1] ?? value)) / 2] as [number, number]]
  )
}
