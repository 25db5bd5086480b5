import { z } from 'zod'
import { bitWidthSchema, type BitWidth } from './bounds'

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

/** What a plan says of one quantizer. */
export interface Planned {
  readonly isQuantized: boolean
  /** Bits of it in every variant; undefined leaves these to the variant. */
  readonly bits: BitWidth | undefined
}

/**
 * What becomes of a quantizer. The last entry that decides it counts; one that gives bits alone has it quantized. One that is
 * not usual must be named in full.
 */
export function plannedFor(entries: Plan['quantizers'], name: string, isUsual: boolean): Planned {
  const ofName = entries.filter((entry) => (isUsual ? speaksOf(entry.name, name) : entry.name === name))
  const deciding = ofName.findLast(({ quantize, bits }) => (quantize ?? bits) !== undefined)
  return {
    isQuantized: deciding === undefined ? isUsual : (deciding.quantize ?? true),
    bits: entries.findLast((entry) => entry.bits !== undefined && speaksOf(entry.name, name))?.bits
  }
}
