import { z } from 'zod'
import { pictureKindSchema } from './run'

/** What a calibration folder gives: the low-resolution patches that a run would see. */
export const patchSheetSchema = z.object({
  kind: pictureKindSchema,
  pictures: z.int(),
  /** Patches that will be used, and those on the sheet: the first ones. */
  count: z.int(),
  /** Pixels of a patch's side, and patches in a row of the sheet. */
  side: z.int(),
  columns: z.int(),
  /** Where each patch on the sheet is from, in low-resolution pixels of its picture. */
  patches: z.array(z.object({ picture: z.string(), left: z.int(), top: z.int() })),
  /** The patches row by row: a lossless WebP file. */
  webp: z.instanceof(Uint8Array)
})
export type PatchSheet = Readonly<z.infer<typeof patchSheetSchema>>

/** What a folder of pictures would be to an evaluation. */
export const setCheckSchema = z.object({
  folder: z.string(),
  /** What the folder is called in tables. */
  name: z.string(),
  pictures: z.int(),
  /** Low-resolution pixels of all pictures. */
  pixels: z.number(),
  kind: pictureKindSchema.nullable(),
  /** Why it cannot be used; null where it can. */
  failure: z.string().nullable()
})
export type SetCheck = Readonly<z.infer<typeof setCheckSchema>>

/** What a run would take on this machine, measured by a few steps of each kind. */
export const estimateSchema = z.object({
  /** Seconds. Training is of all variants together; evaluation of all pictures by all contestants. */
  seconds: z.object({ calibration: z.number(), distillation: z.number(), evaluation: z.number() }),
  /** Bytes that the engine will hold at its worst moment, and bytes of memory that are free. */
  memoryBytes: z.number(),
  freeBytes: z.number()
})
export type Estimate = Readonly<z.infer<typeof estimateSchema>>
