import { z } from 'zod'

/** What a job tells while it works. */
export const jobEventSchema = z.discriminatedUnion('kind', [
  /** Work done so far in the current phase. */
  z.object({
    kind: z.literal('progress'),
    phase: z.enum(['load', 'statistics', 'search', 'evaluate', 'upscale']),
    done: z.number(),
    total: z.number(),
    /** What is counted: patches, quantizers, pictures. */
    unit: z.string()
  }),
  /** Something the user should know; the job goes on. */
  z.object({ kind: z.literal('log'), level: z.enum(['info', 'warning']), message: z.string() })
])
export type JobEvent = Readonly<z.infer<typeof jobEventSchema>>
