import { z } from 'zod'
import { bitWidthSchema } from './bounds'

/**
 * A plan file: exceptions from the bits and the placement of a run, by quantizer name. A name may end in `*`, which
 * stands for any rest; later entries win: one that gives bits also quantizes what an earlier one left out, unless it says
 * `quantize: false` itself. What is usually left, such as the first
 * and the last convolution, is quantized where an entry names it in full.
 */
export const planSchema = z.object({
  schema: z.literal(1),
  quantizers: z.array(
    z
      .object({
        name: z.string().min(1),
        /** Bits of this quantizer in every variant. */
        bits: bitWidthSchema.optional(),
        /** False leaves the tensor in full precision. */
        quantize: z.boolean().optional(),
        /** What it is, for those who read the file; not heeded. */
        kind: z.enum(['weight', 'activation']).optional(),
        shape: z.array(z.union([z.int(), z.string()])).optional()
      })
      .strict()
  )
})
export type Plan = Readonly<z.infer<typeof planSchema>>

/** Whether a plan's entry speaks of a quantizer; a trailing `*` stands for any rest. */
export function speaksOf(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name
}
