import { z } from 'zod'
import { bitsSchema, methodSchema } from './bounds'
import { pixelSourceSchema } from './pixels'

/** Outputs of a run's networks for one low-resolution picture, made tile by tile and kept in the run folder. */
export const outputsSchema = z.object({
  /** The picture's size, and how many times larger outputs are. */
  width: z.int(),
  height: z.int(),
  scale: z.int(),
  /** Tiles that an output is made of. */
  columns: z.int(),
  rows: z.int(),
  /** Full precision (null) first, then the variants of the run. */
  outputs: z.array(
    z.object({
      variant: z.object({ method: methodSchema, bits: bitsSchema }).nullable(),
      source: pixelSourceSchema.options[2],
      /** Places of tiles that are there, as `column-row`. */
      done: z.array(z.string())
    })
  )
})
export type Outputs = Readonly<z.infer<typeof outputsSchema>>
