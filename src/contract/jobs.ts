import { z } from 'zod'
import { bitsSchema, contestantSchema, methodSchema } from './bounds'
import { exportKindSchema } from './results'
import { modelOverridesSchema, pictureFolderSchema, quantizeSettingsSchema } from './run'

/** Quantizes a network on the user's pictures. */
export const quantizeRequestSchema = z.object({
  kind: z.literal('quantize'),
  model: z.string(),
  overrides: modelOverridesSchema.optional(),
  calibration: pictureFolderSchema,
  settings: quantizeSettingsSchema,
  /** Pictures that everything is measured on at the end; none where absent. */
  sets: z.array(pictureFolderSchema).optional(),
  /** Ends once bounds are found, so that they can be looked at and changed; `resume` goes on from there. */
  endsWithBounds: z.boolean().optional()
})
export type QuantizeRequest = Readonly<z.infer<typeof quantizeRequestSchema>>

/** What a window can ask the engine to do in the background. */
export const jobRequestSchema = z.discriminatedUnion('kind', [
  /** Quantizes the bundled model on the sample pictures and measures what was made. */
  z.object({ kind: z.literal('demo'), iterations: z.int().min(1).max(1_000_000).optional() }),
  quantizeRequestSchema,
  /**
   * Goes on with the training of a run that was paused or killed, or that ended with its bounds, and measures it then: on
   * the sets of its `run.json` where none are given and it is not measured yet; an empty list measures nothing.
   */
  z.object({ kind: z.literal('resume'), sets: z.array(pictureFolderSchema).optional() }),
  /** Measures a run on pictures; what was measured before is replaced. */
  z.object({ kind: z.literal('evaluate'), sets: z.array(pictureFolderSchema).min(1) }),
  /** Enlarges a user's picture by a variant of a run, or by full precision (null), into the run folder. */
  z.object({
    kind: z.literal('upscale'),
    picture: z.string(),
    variant: z.object({ method: methodSchema, bits: bitsSchema }).nullable()
  }),
  /** Enlarges the user's pictures, and those in folders, by each of these, into a folder of the user's. */
  z.object({
    kind: z.literal('batch'),
    inputs: z.array(z.string()).min(1),
    contestants: z.array(z.object({ method: contestantSchema, bits: bitsSchema.nullable() })).min(1),
    out: z.string()
  }),
  /** Writes a variant of a run as a file into the run's folder, or as a file of the user's. */
  z.object({
    kind: z.literal('export'),
    variant: z.object({ method: methodSchema, bits: bitsSchema }),
    format: exportKindSchema,
    out: z.string().nullable()
  })
])
export type JobRequest = Readonly<z.infer<typeof jobRequestSchema>>

/**
 * Where a job stands. `interrupted`: the engine ended without a word while it ran. Jobs that are paused or interrupted can
 * go on; the last three are ends.
 */
export const jobStateSchema = z.enum(['waiting', 'running', 'paused', 'interrupted', 'done', 'failed', 'cancelled'])
export type JobState = z.infer<typeof jobStateSchema>

/** Why something did not work, in one sentence for the user. */
export const failureSchema = z.object({ code: z.string(), message: z.string() })
export type Failure = Readonly<z.infer<typeof failureSchema>>

export const jobSchema = z.object({
  id: z.string(),
  request: jobRequestSchema,
  /** The run folder it makes or goes on with. */
  run: z.string(),
  state: jobStateSchema,
  failure: failureSchema.optional(),
  /** When it was asked for, as ISO 8601. */
  created: z.string()
})
export type Job = Readonly<z.infer<typeof jobSchema>>

/** The jobs there are: those that ended first, then the one at work, then those that wait, in their order. */
export const queueSchema = z.object({
  jobs: z.array(jobSchema),
  /** While true no job is begun: work was paused or broken off, and the user says when it goes on. */
  held: z.boolean(),
  /** The id of the job whose work is in memory, running or standing still; null after a restart. */
  atWork: z.string().nullable().default(null)
})
export type Queue = Readonly<z.infer<typeof queueSchema>>

/** Whether a job has come to its end. */
export function hasEnded({ state }: Pick<Job, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled'
}

/** Whether a job makes something of a run, which it leaves as it is; several may wait for one run. */
export function makesOf({ kind }: JobRequest): boolean {
  return kind === 'upscale' || kind === 'batch' || kind === 'export'
}

/** The job at work, if any. */
export function jobAtWork({ jobs, atWork }: Queue): Job | undefined {
  return jobs.find(({ id }) => id === atWork)
}

export const emptyQueue: Queue = { jobs: [], held: false, atWork: null }
