import { z } from 'zod'

/** Bits of weights and activations of a variant. */
export const bitsSchema = z.object({ weight: z.int().min(2).max(8), activation: z.int().min(2).max(8) })
export type Bits = Readonly<z.infer<typeof bitsSchema>>

/** How bounds are found. More methods come with distillation. */
export const methodSchema = z.enum(['minmax', 'percentile', 'dobi'])
export type Method = z.infer<typeof methodSchema>

/** Search strategies that can be asked for. */
export const searchSchema = z.enum(['by-shape', 'two-sided', 'one-sided', 'joint'])
export type Search = z.infer<typeof searchSchema>

/** One quantizer's bounds. `search` tells how they were found: the strategy really taken, or the method's name. */
export const quantizerSchema = z.object({
  name: z.string(),
  kind: z.enum(['weight', 'activation']),
  bits: z.int().min(2).max(8),
  lower: z.number(),
  upper: z.number(),
  search: z.enum(['two-sided', 'one-sided', 'joint', 'minmax', 'percentile'])
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
