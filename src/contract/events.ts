import { z } from 'zod'
import { bitsSchema } from './bounds'

/** What a job tells while it works. */
export const jobEventSchema = z.discriminatedUnion('kind', [
  /** Work done so far in the current phase. */
  z.object({
    kind: z.literal('progress'),
    phase: z.enum(['load', 'statistics', 'search', 'distillation', 'evaluate', 'upscale']),
    done: z.number(),
    total: z.number(),
    /** What is counted: patches, quantizers, pictures. */
    unit: z.string()
  }),
  /** Losses of one iteration of training (from 1), the feature term already weighted. */
  z.object({
    kind: z.literal('loss'),
    bits: bitsSchema,
    iteration: z.int(),
    output: z.number(),
    feature: z.number(),
    learningRate: z.number()
  }),
  /** PSNR in dB against full precision on patches held out of training; iteration 0 is the start. */
  z.object({ kind: z.literal('validation'), bits: bitsSchema, iteration: z.int(), psnr: z.number() }),
  /** Something the user should know; the job goes on. */
  z.object({ kind: z.literal('log'), level: z.enum(['info', 'warning']), message: z.string() })
])
export type JobEvent = Readonly<z.infer<typeof jobEventSchema>>
