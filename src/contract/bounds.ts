import { z } from 'zod'

/** Bit widths that are supported. */
export const bitWidths = [2, 3, 4, 6, 8] as const
export const bitWidthSchema = z.literal(bitWidths)
export type BitWidth = z.infer<typeof bitWidthSchema>

/** Bits of weights and activations of a variant. */
export const bitsSchema = z.object({ weight: bitWidthSchema, activation: bitWidthSchema })
export type Bits = Readonly<z.infer<typeof bitsSchema>>

/** `4`, or `4/8` where weights have 4 and activations 8 bits; full precision (null) has 32. */
export function formatBits(bits: Bits | null): string {
  if (bits === null) return '32'
  return bits.weight === bits.activation ? String(bits.weight) : `${bits.weight}/${bits.activation}`
}

/** What a variant made is called in file names: `dobi-4`, `dobi-4-8`; what has no bits is called by its method alone. */
export function variantFileName(method: string, bits: Bits | null): string {
  return bits === null ? method : `${method}-${formatBits(bits).replace('/', '-')}`
}

/** Tells variants apart: `dobi 4/8`. */
export function variantKey({ method, bits }: { readonly method: string; readonly bits: Bits | null }): string {
  return `${method} ${formatBits(bits)}`
}

/** Methods that find bounds in histograms alone. */
export const calibrationMethodSchema = z.enum(['minmax', 'percentile', 'dbdc', 'dobi'])
export type CalibrationMethod = z.infer<typeof calibrationMethodSchema>

/**
 * Methods that train what another method found: `2dquant` the bounds alone, `2dquant+` the weights as well, `dbdc+pac` as
 * Tu et al. (CVPR 2023) do.
 */
export const trainingMethodSchema = z.enum(['dbdc+pac', '2dquant', '2dquant+'])
export type TrainingMethod = z.infer<typeof trainingMethodSchema>

/** All methods. */
export const methodSchema = z.enum([...calibrationMethodSchema.options, ...trainingMethodSchema.options])
export type Method = z.infer<typeof methodSchema>

/** Whether a method trains, and so takes minutes where others take seconds. */
export function trains(method: Method): method is TrainingMethod {
  return trainingMethodSchema.safeParse(method).success
}

/** What results are of: a method's, or what methods are compared with. */
export const contestantSchema = z.enum(['fp', 'bicubic', ...methodSchema.options])
export type Contestant = z.infer<typeof contestantSchema>

/** Search strategies that can be asked for. */
export const searchSchema = z.enum(['by-shape', 'two-sided', 'one-sided', 'joint'])
export type Search = z.infer<typeof searchSchema>

/** What zero points of quantizers may be: any numbers, or integers. */
export const zeroPointSchema = z.enum(['float', 'integer'])
export type ZeroPoint = z.infer<typeof zeroPointSchema>

/** One quantizer's bounds. `search` tells how they were found: the strategy really taken, or the method's name. */
export const quantizerSchema = z.object({
  name: z.string(),
  kind: z.enum(['weight', 'activation']),
  bits: bitWidthSchema,
  lower: z.number(),
  upper: z.number(),
  search: z.enum(['two-sided', 'one-sided', 'joint', 'minmax', 'percentile', 'dbdc', 'distilled']),
  /** Bounds of every output channel of a weight, for methods that have them; `lower` and `upper` then enclose all. */
  channels: z.array(z.object({ lower: z.number(), upper: z.number() })).optional(),
  /** Where a user set the bounds by hand: what had been found before. */
  found: z.object({ lower: z.number(), upper: z.number() }).optional(),
  /** Whether training that starts here leaves these bounds as they are. */
  frozen: z.boolean().optional()
})
export type Quantizer = Readonly<z.infer<typeof quantizerSchema>>

/** How the training of a variant went. */
export const trainingSchema = z.object({
  /** Iterations done, and the one whose parameters were best on held-out patches and are kept; 0 is the start. */
  iterations: z.int(),
  bestIteration: z.int(),
  /** Against full precision on these patches, in dB: at the start and at the best iteration. */
  psnrAtStart: z.number(),
  psnr: z.number(),
  /** Whether all iterations were done, training was stopped before, or it diverged. */
  outcome: z.enum(['finished', 'stopped', 'diverged'])
})

/** One quantized model: a method at certain bits. */
export const variantSchema = z.object({
  method: methodSchema,
  bits: bitsSchema,
  quantizers: z.array(quantizerSchema),
  training: trainingSchema.optional(),
  /** The file in the run folder that holds this variant's own weights, for methods that change them. */
  weights: z
    .string()
    .regex(/^[\w.+-]+\.safetensors$/)
    .optional()
})
export type Variant = Readonly<z.infer<typeof variantSchema>>

/** The file `bounds.json` of a run folder. */
export const boundsFileSchema = z.object({
  schema: z.literal(1),
  model: z.object({ file: z.string(), sha256: z.string() }),
  variants: z.array(variantSchema)
})
export type BoundsFile = Readonly<z.infer<typeof boundsFileSchema>>

/** How they are called in tables and reports. */
export const contestantTitles: Readonly<Record<Contestant, string>> = {
  fp: 'FP',
  bicubic: 'bicubic',
  minmax: 'MinMax',
  percentile: 'Percentile',
  dbdc: 'DBDC',
  dobi: 'DOBI',
  'dbdc+pac': 'DBDC+Pac',
  '2dquant': '2DQuant',
  '2dquant+': '2DQuant+'
}

/** Stands under every table that shows 2DQuant+. */
export const weightsNote = '2DQuant+ changes the weights of the network; all other methods change bounds alone.'
