import { z } from 'zod'
import { bitsSchema, contestantSchema, methodSchema, trainingSchema } from './bounds'

const scoresSchema = z.object({ psnr: z.number().nullable(), ssim: z.number().nullable() })

/** Scores of one set of pictures. Infinite PSNR (equal pictures) is null. */
export const setScoresSchema = z.object({
  name: z.string(),
  /** `hr`: against the high-resolution pictures; `fp`: against the full-precision network's output. */
  reference: z.enum(['hr', 'fp']),
  mean: scoresSchema,
  images: z.array(scoresSchema.extend({ name: z.string() }))
})
export type SetScores = Readonly<z.infer<typeof setScoresSchema>>

/** What `evaluate --json` prints. `bits` is null for full precision and bicubic. */
export const evaluateResultSchema = z.object({
  results: z.array(
    z.object({
      model: z.string(),
      method: contestantSchema,
      bits: bitsSchema.nullable(),
      scale: z.int(),
      /** Against the high-resolution pictures where there are any, else against full precision. */
      sets: z.array(setScoresSchema),
      /** Against the full-precision output; absent for full precision itself and bicubic. */
      againstFp: z.array(setScoresSchema).optional()
    })
  )
})
export type EvaluateResult = Readonly<z.infer<typeof evaluateResultSchema>>

/** What `quantize --json` and `resume --json` print. */
export const quantizeResultSchema = z.object({
  run: z.string(),
  quantizers: z.int(),
  /** Those that were made by this call. */
  variants: z.array(
    z.object({ method: methodSchema, bits: bitsSchema, seconds: z.number(), training: trainingSchema.optional() })
  ),
  peakMemoryBytes: z.int()
})
export type QuantizeResult = Readonly<z.infer<typeof quantizeResultSchema>>

const quantizableSchema = z.object({
  name: z.string(),
  kind: z.enum(['weight', 'activation']),
  /** Sizes that depend on the picture are formulas. */
  shape: z.array(z.union([z.int(), z.string()]))
})

/** What `inspect --json` prints. All sizes and ratios are theoretical. */
export const inspectResultSchema = z.object({
  sha256: z.string(),
  /** The name of the published file that this is, bit for bit; null for any other. */
  official: z.string().nullable(),
  architecture: z.string(),
  config: z.record(z.string(), z.unknown()),
  scale: z.int(),
  channels: z.int(),
  parameters: z.int(),
  macs: z.object({ width: z.int(), height: z.int(), total: z.number() }),
  quantizable: z.array(quantizableSchema),
  /** What is left in full precision unless a plan names it. */
  leftOut: z.array(quantizableSchema.extend({ isFirstOrLast: z.boolean() })),
  /** Operators by kind; operations at the size of `macs`. */
  operators: z.array(
    z.object({
      operator: z.string(),
      count: z.int(),
      quantized: z.int(),
      macs: z.number(),
      parameters: z.int()
    })
  ),
  /** What distillation may compare beside the output. */
  features: z.object({ groups: z.array(z.string()), blocks: z.array(z.string()) }),
  complexity: z.array(
    z.object({
      bits: z.int(),
      sizeMB: z.number(),
      compression: z.number(),
      speedup: z.number(),
      sizeMBCorrected: z.number(),
      compressionCorrected: z.number(),
      speedupCorrected: z.number()
    })
  )
})
export type InspectResult = Readonly<z.infer<typeof inspectResultSchema>>

/** What `upscale --json` prints. */
export const upscaleResultSchema = z.object({
  method: contestantSchema,
  bits: bitsSchema.nullable(),
  images: z.array(
    z.object({
      input: z.string(),
      output: z.string(),
      width: z.int(),
      height: z.int(),
      seconds: z.number(),
      tiles: z.int()
    })
  )
})
export type UpscaleResult = Readonly<z.infer<typeof upscaleResultSchema>>

/** The pictures that a network in a file takes: of any size that is a multiple, from the least on; others are padded by mirroring. */
export const networkInputSchema = z.object({
  channels: z.literal([1, 3]),
  multiple: z.int(),
  least: z.int(),
  padding: z.enum(['repeats-edge', 'skips-edge'])
})
export type NetworkInput = Readonly<z.infer<typeof networkInputSchema>>

/** What a variant of a run can be written as. */
export const exportKindSchema = z.enum(['packed', 'compact', 'integer', 'safetensors', 'bounds'])
export type ExportKind = z.infer<typeof exportKindSchema>

/** What `export --json` prints. */
export const exportResultSchema = z.object({
  file: z.string(),
  kind: exportKindSchema,
  method: methodSchema,
  bits: bitsSchema,
  /** Version of the operators; null where the file is no ONNX. */
  opset: z.int().nullable(),
  /** Of the file, and of the full-precision network as an ONNX file. */
  bytes: z.int(),
  fpBytes: z.int(),
  /** What the file's bytes are of. */
  parts: z.array(z.object({ part: z.enum(['codes', 'tensors', 'structure']), bytes: z.int() })),
  /** The file as plain onnxruntime runs it, beside the simulation; null for what does not run. */
  check: z
    .object({
      pictures: z.int(),
      /** Of all samples of the 8-bit pictures, the share that is the same. */
      equalPixels: z.number(),
      /** PSNR on Y in dB against high resolution; null where there is none. */
      simulation: z.number().nullable(),
      exported: z.number().nullable()
    })
    .nullable(),
  /** Seconds of one forward pass, measured side by side on this machine. */
  speed: z.object({ width: z.int(), height: z.int(), fp: z.number(), exported: z.number() }).nullable(),
  /** What the file takes; null for what does not run, or takes one size alone. */
  input: networkInputSchema.nullable().default(null)
})
export type ExportResult = Readonly<z.infer<typeof exportResultSchema>>
