import { z } from 'zod'
import { bitsSchema, bitWidthSchema, methodSchema, trainingMethodSchema } from './bounds'
import { fileInRunSchema } from './file-in-run'

/** Which variant is trained. */
const variantKey = { method: trainingMethodSchema, bits: bitsSchema }

/** Work done so far in the current phase. */
export const progressEventSchema = z.object({
  kind: z.literal('progress'),
  phase: z.enum(['load', 'statistics', 'search', 'distillation', 'evaluate', 'upscale', 'export']),
  /** May have a fraction: of a picture that is made in parts. */
  done: z.number(),
  total: z.number(),
  /** What is counted: patches, quantizers, pictures. */
  unit: z.string()
})
export type ProgressEvent = Readonly<z.infer<typeof progressEventSchema>>

/**
 * How a tensor is distributed as far as it was seen, and the bounds of the variant that is shown (see `quantizers`) in
 * that; not kept in the run folder.
 */
export const histogramEventSchema = z.object({
  kind: z.literal('histogram'),
  /** The quantizer's name. */
  name: z.string(),
  /** Patches seen so far. */
  patches: z.int(),
  min: z.number(),
  max: z.number(),
  /** Shares of the values in bins of equal width from min to max; they sum to 1. */
  shares: z.array(z.number()),
  bits: z.int(),
  lower: z.number(),
  upper: z.number()
})
export type HistogramEvent = Readonly<z.infer<typeof histogramEventSchema>>

/** What there is to know of one quantizer of a variant. */
export const quantizerRowSchema = z.object({
  name: z.string(),
  kind: z.enum(['weight', 'activation']),
  /** Bits of this very quantizer. */
  bits: bitWidthSchema,
  /** Extremes of the tensor. */
  min: z.number(),
  max: z.number(),
  /** By which of its two searches DOBI goes: by the shape of the distribution. */
  shape: z.enum(['two-sided', 'one-sided']),
  /** What the bounds are and do; null as long as they are not found. */
  bounds: z
    .object({
      lower: z.number(),
      upper: z.number(),
      /** Shares of the values below the lower and below the upper bound, 0 to 1. */
      belowLower: z.number(),
      belowUpper: z.number(),
      /** Root mean square of x − Q(x), in the tensor's unit; null where the stored histogram does not tell it. */
      error: z.number().nullable(),
      /** Signal to quantization noise, 10·log₁₀(Σx² / Σ(x − Q(x))²) in dB; null where there is no noise, or no error. */
      sqnr: z.number().nullable(),
      /** Where a user set them by hand: what had been found before. */
      found: z.object({ lower: z.number(), upper: z.number() }).nullable(),
      frozen: z.boolean()
    })
    .nullable()
})
export type QuantizerRow = Readonly<z.infer<typeof quantizerRowSchema>>

/** What a job tells while it works. */
export const jobEventSchema = z.discriminatedUnion('kind', [
  progressEventSchema,
  histogramEventSchema,
  /**
   * Quantizers of the variant that is shown while a run calibrates, DOBI's at its fewest bits: rows that are new or have
   * changed. Not kept in the run folder, which tells the same once it is there.
   */
  z.object({
    kind: z.literal('quantizers'),
    method: methodSchema,
    bits: bitsSchema,
    rows: z.array(quantizerRowSchema)
  }),
  /** Losses of one iteration of training (from 1), the feature term already weighted. */
  z.object({
    kind: z.literal('loss'),
    ...variantKey,
    iteration: z.int(),
    output: z.number().nullable(),
    feature: z.number().nullable(),
    /** Of bounds, relative to their ranges. */
    learningRate: z.number()
  }),
  /** On patches held out of training; iteration 0 is the start. */
  z.object({
    kind: z.literal('validation'),
    ...variantKey,
    iteration: z.int(),
    /** PSNR in dB of the student's output against full precision. */
    psnr: z.number(),
    /** The same against the high-resolution pictures; null where there are none. Never what training is guided by. */
    psnrAgainstHr: z.number().nullable(),
    /** Share of the gradient of all bounds that the feature term supplies, 0 to 1. */
    featureShare: z.number(),
    /** Pieces of the student's output on the held-out patches side by side, squares; a PNG file. */
    preview: fileInRunSchema,
    /** The same pieces in full precision; told at iteration 0. Absent in runs of older versions. */
    reference: fileInRunSchema.optional()
  }),
  /** How fast training goes; not kept in the run folder. */
  z.object({
    kind: z.literal('pace'),
    iterationsPerSecond: z.number(),
    secondsLeft: z.number(),
    memoryBytes: z.number()
  }),
  /** How long the training of one variant takes on this machine, measured by a few steps before it starts. */
  z.object({
    kind: z.literal('estimate'),
    seconds: z.number(),
    presets: z.array(z.object({ name: z.string(), seconds: z.number() }))
  }),
  /** Something the user should know; the job goes on. */
  z.object({ kind: z.literal('log'), level: z.enum(['info', 'warning']), message: z.string() })
])
export type JobEvent = Readonly<z.infer<typeof jobEventSchema>>
