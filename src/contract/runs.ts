import { z } from 'zod'
import { bitsSchema, bitWidthSchema, contestantSchema, methodSchema, quantizerSchema, trainingSchema } from './bounds'
import { fileInRunSchema } from './file-in-run'
import { evaluateResultSchema, exportResultSchema } from './results'
import { runFileSchema } from './run'

/** The file `evaluation.json` of a run folder: what an evaluation measured, and the pictures it made. */
export const evaluationFileSchema = z.object({
  schema: z.literal(1),
  results: evaluateResultSchema.shape.results,
  /** Variants whose bounds were changed by hand since they were measured. */
  outdated: z.array(z.object({ method: methodSchema, bits: bitsSchema })).default([]),
  pictures: z.array(
    z.object({
      set: z.string(),
      name: z.string(),
      width: z.int(),
      height: z.int(),
      views: z.array(
        z.object({
          method: contestantSchema.or(z.enum(['hr', 'lr'])),
          bits: bitsSchema.nullable(),
          /** A PNG file. */
          file: fileInRunSchema,
          psnr: z.number().nullable(),
          ssim: z.number().nullable()
        })
      )
    })
  )
})
export type EvaluationFile = Readonly<z.infer<typeof evaluationFileSchema>>
export type EvaluatedPicture = EvaluationFile['pictures'][number]
export type PictureView = EvaluatedPicture['views'][number]

/** A run as lists show it. */
export const runSummarySchema = z.object({
  folder: z.string(),
  /** Stands for the folder in addresses of its pictures. */
  key: z.string(),
  /** The folder's name. */
  name: z.string(),
  state: runFileSchema.shape.state,
  created: z.string(),
  /** The model's file name and architecture. */
  model: z.string(),
  architecture: z.string(),
  scale: z.int(),
  bits: z.array(bitsSchema),
  methods: z.array(methodSchema),
  /** The best mean PSNR in dB of a quantized variant on the first set, and full precision there; null if not measured. */
  psnr: z.object({ best: z.number(), fp: z.number() }).nullable(),
  /** A picture that stands for it. */
  thumbnail: fileInRunSchema.nullable()
})
export type RunSummary = Readonly<z.infer<typeof runSummarySchema>>

/** Values of the paper's Table 3 that may stand beside what was measured. */
export const publishedSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('values'),
    rows: z.array(
      z.object({
        /** As the evaluation names it. */
        set: z.string(),
        method: contestantSchema,
        bits: bitWidthSchema.nullable(),
        psnr: z.number(),
        ssim: z.number()
      })
    ),
    /** Sets beside which nothing stands, and why. */
    reasons: z.array(z.object({ set: z.string(), reason: z.string() }))
  }),
  z.object({ kind: z.literal('none'), reason: z.string() })
])
export type Published = Readonly<z.infer<typeof publishedSchema>>

/** All that a run folder tells, but for its histograms. */
export const runDetailsSchema = z.object({
  summary: runSummarySchema,
  run: runFileSchema,
  variants: z.array(z.object({ method: methodSchema, bits: bitsSchema, training: trainingSchema.optional() })),
  /** Names of the quantizers, in the order of the network. */
  quantizers: z.array(quantizerSchema.pick({ name: true, kind: true })),
  evaluation: evaluationFileSchema.nullable(),
  /** Values of the paper for what was measured, or why none stand beside it. Null without an evaluation. */
  published: publishedSchema.nullable(),
  /** Pictures of the user that variants enlarged, newest first: PNG files. */
  upscaled: z.array(
    z.object({
      file: fileInRunSchema,
      /** The picture's name, and what enlarged it. */
      name: z.string(),
      method: contestantSchema,
      bits: bitsSchema.nullable(),
      width: z.int(),
      height: z.int()
    })
  ),
  /** Files that variants were written as and that are still there, newest first. */
  exports: z.array(exportResultSchema),
  /** Whether there is a report.html. */
  hasReport: z.boolean()
})
export type RunDetails = Readonly<z.infer<typeof runDetailsSchema>>

/** How the tensor of one quantizer is distributed, and what each variant's bounds keep of it. */
export const distributionSchema = z.object({
  name: z.string(),
  min: z.number(),
  max: z.number(),
  /** Shares of the values in bins of equal width from min to max; they sum to 1. */
  shares: z.array(z.number()),
  variants: z.array(
    z.object({
      method: methodSchema,
      bits: bitsSchema,
      /** Bits of this very quantizer: of a weight or an activation, or as the run's plan says. */
      width: bitWidthSchema,
      lower: z.number(),
      upper: z.number(),
      /**
       * Root mean square of x − Q(x), in the tensor's unit; null where every channel has bounds of its own, and for weights
       * that were trained.
       */
      error: z.number().nullable()
    })
  )
})
export type Distribution = Readonly<z.infer<typeof distributionSchema>>

/** The error of a quantizer along DOBI's search: candidate bounds, from the widest inward. */
export const errorCurveSchema = z.object({
  search: z.enum(['two-sided', 'one-sided']),
  candidates: z.array(z.object({ lower: z.number(), upper: z.number(), error: z.number() }))
})
export type ErrorCurve = Readonly<z.infer<typeof errorCurveSchema>>

/** How the tensors of several quantizers are distributed, for looking at many at once. */
export const gallerySchema = z.array(
  z.object({
    name: z.string(),
    min: z.number(),
    max: z.number(),
    /** Shares of the values in bins of equal width from min to max; they sum to 1. */
    shares: z.array(z.number()),
    /** Values below which 1 %, 25 %, 50 %, 75 % and 99 % of all values lie. */
    quantiles: z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()])
  })
)
export type Gallery = Readonly<z.infer<typeof gallerySchema>>

/** What bounds do to a tensor that a user tries by hand. */
export const triedBoundsSchema = z.object({
  belowLower: z.number(),
  belowUpper: z.number(),
  error: z.number(),
  sqnr: z.number().nullable()
})
export type TriedBounds = Readonly<z.infer<typeof triedBoundsSchema>>

/** A change of one quantizer by hand. */
export const boundsEditSchema = z.object({
  name: z.string(),
  /** Its new bounds; null gives back those that were found. */
  bounds: z.object({ lower: z.number(), upper: z.number() }).nullable(),
  frozen: z.boolean()
})
export type BoundsEdit = Readonly<z.infer<typeof boundsEditSchema>>
