import { z } from 'zod'
import { bitsSchema, formatBits, methodSchema, trainingMethodSchema } from './bounds'
import { histogramEventSchema, progressEventSchema, quantizerRowSchema, type JobEvent } from './events'
import { fileInRunSchema } from './file-in-run'

/** Points of a curve that are kept: when there are twice as many, every other one is left out from then on. */
const mostPoints = 1000

/** Previews that are kept: when there are twice as many, every other one is left out. */
const mostPreviews = 100

/** Messages that are kept. */
const mostMessages = 100

/** Iteration, and mean, least and greatest of the values that a point stands for. */
const curvePointSchema = z.tuple([z.number(), z.number(), z.number(), z.number()])
export type CurvePoint = z.infer<typeof curvePointSchema>

const curveSchema = z.object({
  /** A point stands for so many iterations; it lies at the last of them, a multiple of the stride. */
  stride: z.int(),
  points: z.array(curvePointSchema),
  /** What belongs to the point that is not full yet: its iterations, the last of them, and what is known of their values. */
  rest: z.object({ count: z.int(), last: z.int(), sum: z.number(), least: z.number(), greatest: z.number() })
})
type Curve = Readonly<z.infer<typeof curveSchema>>

const nothing: Curve['rest'] = { count: 0, last: 0, sum: 0, least: 0, greatest: 0 }
const emptyCurve: Curve = { stride: 1, points: [], rest: nothing }

const pointSchema = z.tuple([z.number(), z.number()])

const trainingViewSchema = z.object({
  method: trainingMethodSchema,
  bits: bitsSchema,
  /** Losses by iteration: output and feature together, and each alone where both are there. */
  loss: curveSchema,
  outputLoss: curveSchema,
  featureLoss: curveSchema,
  /** PSNR in dB against full precision on held-out patches; iteration, PSNR. */
  agreement: z.array(pointSchema),
  /** The same against the high-resolution pictures, where there are any. */
  againstHr: z.array(pointSchema),
  /** Share of the gradient of all bounds that the feature term supplies, 0 to 1; iteration, share. */
  featureShare: z.array(pointSchema),
  learningRate: z.number(),
  /** Pieces of the student's output as training went on, and of full precision: PNG files. */
  previews: z.array(z.object({ iteration: z.int(), file: fileInRunSchema })),
  reference: fileInRunSchema.nullable()
})
export type TrainingView = Readonly<z.infer<typeof trainingViewSchema>>

/** What there is to see of a job: all that its events told, in a size that does not grow with its length. */
export const jobViewSchema = z.object({
  progress: progressEventSchema.nullable(),
  pace: z.object({ iterationsPerSecond: z.number(), secondsLeft: z.number(), memoryBytes: z.number() }).nullable(),
  histogram: histogramEventSchema.nullable(),
  /** The quantizers of the variant that is shown while a run calibrates, in the order of the network. */
  quantizers: z.object({ method: methodSchema, bits: bitsSchema, rows: z.array(quantizerRowSchema) }).nullable(),
  trainings: z.array(trainingViewSchema),
  messages: z.array(z.object({ level: z.enum(['info', 'warning']), message: z.string() }))
})
export type JobView = Readonly<z.infer<typeof jobViewSchema>>

export const emptyJobView: JobView = {
  progress: null,
  pace: null,
  histogram: null,
  quantizers: null,
  trainings: [],
  messages: []
}

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
    case 'quantizers':
      return { ...view, quantizers: withRows(view.quantizers, event) }
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

/** Rows that changed take their places; new ones come after those that are known, unless all are told: that is their order. */
function withRows(
  known: JobView['quantizers'],
  { method, bits, rows }: Extract<JobEvent, { kind: 'quantizers' }>
): JobView['quantizers'] {
  const isSame = known !== null && known.method === method && formatBits(known.bits) === formatBits(bits)
  if (!isSame) return { method, bits, rows: [...rows] }
  const byName = new Map([...known.rows, ...rows].map((row) => [row.name, row]))
  return { method, bits, rows: byName.size === rows.length ? [...rows] : [...byName.values()] }
}

type TrainingEvent = Extract<JobEvent, { kind: 'loss' | 'validation' }>

function withTraining(trainings: readonly TrainingView[], event: TrainingEvent): TrainingView[] {
  const { method, bits } = event
  const at = trainings.findIndex((each) => each.method === method && formatBits(each.bits) === formatBits(bits))
  const known = trainings[at]
  if (known !== undefined) return trainings.with(at, advanced(known, event))
  const losses = { loss: emptyCurve, outputLoss: emptyCurve, featureLoss: emptyCurve }
  const validations = { agreement: [], againstHr: [], featureShare: [], previews: [], reference: null }
  return [...trainings, advanced({ method, bits, ...losses, ...validations, learningRate: 0 }, event)]
}

function advanced(training: TrainingView, event: TrainingEvent): TrainingView {
  return event.kind === 'validation' ? validated(training, event) : withLoss(training, event)
}

function validated(training: TrainingView, event: Extract<TrainingEvent, { kind: 'validation' }>): TrainingView {
  const { iteration, psnr, psnrAgainstHr, featureShare, preview, reference } = event
  const extendedBy = (points: readonly [number, number][], value: number): [number, number][] => [
    ...before(points, iteration),
    [iteration, value]
  ]
  const previews = training.previews.filter((each) => each.iteration < iteration)
  return {
    ...training,
    agreement: extendedBy(training.agreement, psnr),
    againstHr: psnrAgainstHr === null ? training.againstHr : extendedBy(training.againstHr, psnrAgainstHr),
    featureShare: extendedBy(training.featureShare, featureShare),
    previews: thinned([...previews, { iteration, file: preview }]),
    reference: reference ?? training.reference
  }
}

/** The first, every other one, and the newest, once there are too many. */
function thinned<T>(previews: T[]): T[] {
  return previews.length < 2 * mostPreviews
    ? previews
    : previews.filter((_, i) => i % 2 === 0 || i === previews.length - 1)
}

function withLoss(training: TrainingView, event: Extract<TrainingEvent, { kind: 'loss' }>): TrainingView {
  const { output, feature, iteration, learningRate } = event
  if (output === null && feature === null) return { ...training, learningRate }
  const of = (curve: Curve, value: number | null): Curve => (value === null ? curve : extended(curve, iteration, value))
  return {
    ...training,
    learningRate,
    loss: of(training.loss, (output ?? 0) + (feature ?? 0)),
    outputLoss: of(training.outputLoss, output),
    featureLoss: of(training.featureLoss, feature)
  }
}

/** A run that was killed takes its last iterations again. */
function before<T extends readonly [number, ...number[]]>(points: readonly T[], iteration: number): T[] {
  return points.filter(([at]) => at < iteration)
}

/** A curve with one more value. What is known of this iteration and of later ones was taken before a run was killed. */
function extended({ stride, points, rest }: Curve, iteration: number, value: number): Curve {
  const kept = (points.at(-1)?.[0] ?? 0) >= iteration ? before(points, iteration) : points
  const { count, sum, least, greatest } = rest.last >= iteration || kept !== points ? nothing : rest
  const full = {
    count: count + 1,
    last: iteration,
    sum: sum + value,
    least: count === 0 ? value : Math.min(least, value),
    greatest: count === 0 ? value : Math.max(greatest, value)
  }
  if (iteration % stride !== 0) return { stride, points: kept, rest: full }
  const all: CurvePoint[] = [...kept, [iteration, full.sum / full.count, full.least, full.greatest]]
  return all.length < 2 * mostPoints
    ? { stride, points: all, rest: nothing }
    : { stride: 2 * stride, points: halved(all), rest: nothing }
}

/** Pairs as one point each, at the iteration of the later one. */
function halved(points: readonly CurvePoint[]): CurvePoint[] {
  return points.flatMap(([iteration, mean, least, greatest], i) => {
    if (i % 2 === 0) return []
    const [, otherMean, otherLeast, otherGreatest] = points[i - 1] ?? [iteration, mean, least, greatest]
    return [[iteration, (mean + otherMean) / 2, Math.min(least, otherLeast), Math.max(greatest, otherGreatest)]]
  })
}
