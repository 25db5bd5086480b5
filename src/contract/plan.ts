import { z } from 'zod'

/**
 * A plan file: exceptions from the bits and the placement of a run, by quantizer name. A name may end in `*`, which
 * stands for any rest; later entries win.
 */
export const planSchema = z.object({
  schema: z.literal(1),
  quantizers: z.array(
    z
      .object({
        name: z.string().min(1),
        /** Bits of this quantizer in every variant. */
        bits: z.union([z.literal(2), z.literal(3), z.literal(4), z.literal(6), z.literal(8)]).optional(),
        /** False leaves the tensor in full precision. */
        quantize: z.boolean().optional()
      })
      .strict()
  )
})
export type Plan = Readonly<z.infer<typeof planSchema>>
