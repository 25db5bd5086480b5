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

/** Methods that find bounds in histograms alone. */
export const calibrationMethodSchema = z.enum(['minmax', 'percentile', 'dobi'])
export type CalibrationMethod = z.infer<typeof calibrationMethodSchema>

/** All methods: `2dquant` trains the bounds that another method found. */
export const methodSchema = z.enum([...calibrationMethodSchema.options, '2dquant'])
export type Method = z.infer<typeof methodSchema>

/** What results are of: a method's, or what methods are compared with. */
export const contestantSchema = z.enum(['fp', 'bicubic', ...methodSchema.options])
export type Contestant = z.infer<typeof contestantSchema>

/** Search strategies that can be asked for. */
export const searchSchema = z.enum(['by-shape', 'two-sided', 'one-sided', 'joint'])
export type Search = z.infer<typeof searchSchema>

/** One quantizer's bounds. `search` tells how they were found: the strategy really taken, or the method's name. */
export const quantizerSchema = z.object({
  name: z.string(),
  kind: z.enum(['weight', 'activation']),
  bits: bitWidthSchema,
  lower: z.number(),
  upper: z.number(),
  search: z.enum(['two-sided', 'one-sided', 'joint', 'minmax', 'percentile', 'distilled'])
})
export type Quantizer = Readonly<z.infer<typeof quantizerSchema>>

/** One quantized model: a method at certain bits. */
export const variantSchema = z.object({
  method: methodSchema,
  bits: bitsSchema,
  quantizers: z.array(quantizerSchema)
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
  dobi: 'DOBI',
  '2dquant': '2DQuant'
}
